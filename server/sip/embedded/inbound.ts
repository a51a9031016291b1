import type { Application } from './application.js';
import type { Dialog } from './dialog.js';
import { header } from './header-names.js';
import { parseNameAddr } from './header-values.js';
import { ALLOW, headerValue, type SipHeader, type SipRequest, type SipResponse } from './message.js';
import { applicationHeaders, contactValue, type LocalEnd } from './outgoing.js';
import type { ServerEntry } from './transaction-table.js';
import type { Essentials } from './validate.js';

/** A request from the network that an application is to answer. */
export interface Inbound {
  readonly transactionId: string;
  /** Without its body. */
  readonly request: SipRequest;
  readonly essentials: Essentials;
  readonly entry: ServerEntry;
  readonly application: Application;
  /** The dialog it is in, or that it would make. */
  readonly dialog: Dialog | undefined;
  /** Tag put into the To of answers when the request has none and there is no dialog. */
  readonly tag: string;
  /** Whether an answer with a tag has been sent, after which the tag is fixed. */
  tagged: boolean;
}

/** The fields of an application's answer, completed as RFC 3261 sections 12.1.1, 13.3.1.4 and 11.2 ask. */
export function answerHeaders(
  inbound: Inbound,
  asked: SipResponse,
  local: LocalEnd,
  supported: readonly string[],
): SipHeader[] {
  const { method } = inbound.request;
  const { status } = asked;
  const headers = applicationHeaders(asked.headers, local);
  const lacks = (key: string) => headerValue(headers, key) === undefined;
  const success = status >= 200 && status < 300;
  const makesDialog =
    (method === 'INVITE' && status > 100 && status < 300) || (success && method === 'SUBSCRIBE');
  const movesTarget = success && method === 'UPDATE';
  if ((makesDialog || movesTarget) && lacks('contact')) {
    headers.push(header('Contact', inbound.dialog?.localContact || contactValue(local)));
  }
  const describes = success && (method === 'INVITE' || method === 'OPTIONS');
  if ((describes || status === 405) && lacks('allow')) headers.push(header('Allow', ALLOW));
  if (describes && supported.length > 0 && lacks('supported')) {
    headers.push(header('Supported', supported.join(', ')));
  }
  return headers;
}

/** The To tag an application chose, if it is usable. */
export function chosenTag(asked: SipResponse): string | undefined {
  const tag = parseNameAddr(headerValue(asked.headers, 'to') ?? '')?.params.get('tag');
  return tag !== undefined && /^[\w.!%*+`'~-]{4,64}$/.test(tag) ? tag : undefined;
}
