import { header } from './header-names.js';
import { parseNameAddr } from './header-values.js';
import { EMPTY_BODY, type SipHeader, type SipRequest, type SipResponse } from './message.js';
import { STATUS_CODES } from './status-codes.js';

/** Parts of an answer that its request does not determine. */
export interface ResponseParts {
  readonly status: number;
  /** Default: the usual phrase of the status. */
  readonly reason?: string | undefined;
  /** Tag for the To header field when the request has none (RFC 3261 section 8.2.6.2). */
  readonly toTag?: string | undefined;
  /** After the fields taken from the request, in this order. */
  readonly headers?: readonly SipHeader[];
  readonly body?: Buffer;
}

/** Fields an answer takes from its request, in wire order (RFC 3261 section 8.2.6). */
const COPIED = ['via', 'from', 'to', 'call-id', 'cseq'];

/**
 * Makes the answer to a request. Record-Route is copied into answers that make a dialog (section 12.1.1), and
 * Timestamp into 100 (section 8.2.6.1).
 */
export function makeResponse(request: SipRequest, parts: ResponseParts): SipResponse {
  const { status, toTag } = parts;
  const headers: SipHeader[] = [];
  for (const key of COPIED) {
    for (const field of request.headers) {
      if (field.key === key) headers.push(key === 'to' && toTag ? withTag(field, toTag) : field);
    }
  }
  const copiesRoute = request.method === 'INVITE' && status > 100 && status < 300;
  for (const field of request.headers) {
    if (copiesRoute && field.key === 'record-route') headers.push(field);
    if (status === 100 && field.key === 'timestamp') headers.push(field);
  }
  if (parts.headers) headers.push(...parts.headers);
  const reason = parts.reason ?? STATUS_CODES[status] ?? 'Unknown';
  return { kind: 'response', status, reason, headers, body: parts.body ?? EMPTY_BODY };
}

function withTag(field: SipHeader, tag: string): SipHeader {
  return parseNameAddr(field.value)?.params.has('tag') ? field : header('To', `${field.value};tag=${tag}`);
}
