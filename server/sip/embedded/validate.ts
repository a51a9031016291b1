import { header } from './header-names.js';
import {
  type CSeq,
  listValues,
  type NameAddr,
  parseCSeq,
  parseNameAddr,
  parseVia,
  splitOutside,
  type Via,
} from './header-values.js';
import {
  ALLOW,
  headerValue,
  headerValues,
  KNOWN_METHODS,
  type SipHeader,
  type SipMessage,
  type SipRequest,
} from './message.js';
import type { Fault } from './parse-message.js';
import { parseSipUri, uriScheme } from './uri.js';

/** What transactions and dialogs need of a message, read once. */
export interface Essentials {
  readonly via: Via;
  readonly callId: string;
  readonly cseq: CSeq;
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly fromTag: string;
  readonly toTag: string;
}

/** An answer that refuses a request before any application sees it. */
export interface Refusal extends Fault {
  readonly headers?: readonly SipHeader[];
}

const SINGLE = ['from', 'to', 'call-id', 'cseq', 'max-forwards'];
const bad = (reason: string): Fault => ({ status: 400, reason });

/** Reads the header fields every message must have (RFC 3261 section 8.1.1); a fault names the first that is wrong. */
export function essentialsOf(message: SipMessage): Essentials | Fault {
  const { headers } = message;
  for (const key of SINGLE) if (headerValues(headers, key).length > 1) return bad(`Multiple ${key}`);
  const topVia = splitOutside(headerValue(headers, 'via') ?? '', ',')?.[0];
  const via = parseVia(topVia ?? '');
  if (!via) return bad('Invalid Via');
  const callId = headerValue(headers, 'call-id') ?? '';
  if (callId === '' || /\s/.test(callId)) return bad('Invalid Call-ID');
  const cseq = parseCSeq(headerValue(headers, 'cseq') ?? '');
  if (!cseq) return bad('Invalid CSeq');
  const from = parseNameAddr(headerValue(headers, 'from') ?? '');
  if (!from) return bad('Invalid From');
  const to = parseNameAddr(headerValue(headers, 'to') ?? '');
  if (!to) return bad('Invalid To');
  const fromTag = from.params.get('tag') ?? '';
  const toTag = to.params.get('tag') ?? '';
  return { via, callId, cseq, from, to, fromTag, toTag };
}

/** Whether the result of {@link essentialsOf} is a fault. */
export function isFault(result: Essentials | Fault): result is Fault {
  return 'status' in result;
}

/** The checks of RFC 3261 section 8.2.1 to 8.2.3, in its order. Undefined when the request may be processed. */
export function refusalOf(
  request: SipRequest,
  { cseq }: Essentials,
  supported: readonly string[],
): Refusal | undefined {
  if (!KNOWN_METHODS.has(request.method)) {
    return { status: 501, reason: 'Not Implemented', headers: [header('Allow', ALLOW)] };
  }
  if (cseq.method !== request.method) return bad('CSeq Does Not Match Method');
  return requestUriFault(request.uri) ?? fieldFault(request) ?? extensionRefusal(request, supported);
}

function requestUriFault(uri: string): Fault | undefined {
  const scheme = uriScheme(uri);
  if (scheme === undefined) return bad('Invalid Request-URI');
  if (scheme === 'tel') return undefined;
  if (scheme !== 'sip') return { status: 416, reason: 'Unsupported URI Scheme' };
  const parsed = parseSipUri(uri);
  if (parsed?.headers) return bad('Header Fields In Request-URI');
  return parsed && !/[<>"]/.test(uri) ? undefined : bad('Invalid Request-URI');
}

function fieldFault(request: SipRequest): Fault | undefined {
  const forwards = headerValue(request.headers, 'max-forwards');
  // Zero is no fault here: an endpoint processes the request as if it were positive (RFC 4475 section 3.3.11).
  if (forwards !== undefined && (!/^\d{1,10}$/.test(forwards) || Number(forwards) > 255)) {
    return bad('Invalid Max-Forwards');
  }
  const expires = headerValue(request.headers, 'expires');
  if (expires !== undefined && (!/^\d{1,10}$/.test(expires) || Number(expires) >= 2 ** 32)) {
    return bad('Invalid Expires');
  }
  const contacts = listValues(headerValues(request.headers, 'contact'));
  if (!contacts?.every((contact) => contact === '*' || parseNameAddr(contact))) return bad('Invalid Contact');
  if (request.method === 'REFER' && headerValues(request.headers, 'refer-to').length !== 1) {
    return bad('Invalid Refer-To');
  }
  return undefined;
}

function extensionRefusal(request: SipRequest, supported: readonly string[]): Refusal | undefined {
  // Require in ACK or CANCEL must not be checked (RFC 3261 section 8.2.2.3).
  if (request.method === 'ACK' || request.method === 'CANCEL') return undefined;
  const required = listValues(headerValues(request.headers, 'require')) ?? [];
  const unknown = required.filter((tag) => !supported.includes(tag));
  if (unknown.length === 0) return undefined;
  return { status: 420, reason: 'Bad Extension', headers: [header('Unsupported', unknown.join(', '))] };
}
