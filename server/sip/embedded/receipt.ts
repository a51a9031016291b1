import type { Flow } from './flow.js';
import { header } from './header-names.js';
import { splitOutside, type Via } from './header-values.js';
import { EMPTY_BODY, type SipHeader, type SipRequest } from './message.js';

/**
 * Notes in the top Via where a request really came from (RFC 3261 section 18.2.1, RFC 3581 section 4), so
 * that the answers carry it.
 */
export function stampVia(request: SipRequest, via: Via, flow: Flow): SipRequest {
  const asksPort = via.params.has('rport');
  if (!asksPort && via.host === flow.remoteAddress) return request;
  const at = request.headers.findIndex(({ key }) => key === 'via');
  const headers: SipHeader[] = [...request.headers];
  const [top = '', ...others] = splitOutside(headers[at]?.value ?? '', ',') ?? [];
  let stamped = top.replace(/;\s*received\s*=[^;]*/gi, '');
  if (asksPort) stamped = stamped.replace(/;\s*rport\s*(?:=[^;]*)?(?=;|$)/i, `;rport=${flow.remotePort}`);
  headers[at] = header('Via', [`${stamped};received=${flow.remoteAddress}`, ...others].join(', '));
  return { ...request, headers };
}

/** The request as long as its transaction needs it: a body may be a card digit and is not kept. */
export function withoutBody(request: SipRequest): SipRequest {
  return { ...request, body: EMPTY_BODY };
}
