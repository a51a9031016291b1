import { header } from './header-names.js';
import { parseNameAddr } from './header-values.js';
import { headerValue, type SipHeader, type SipMessage } from './message.js';
import type { TransportProtocol } from './options.js';

/** What this server calls itself towards one peer. */
export interface LocalEnd {
  readonly protocol: TransportProtocol;
  readonly host: string;
  readonly port: number;
}

/** Fields this server writes itself, whatever an application sends (drachtio does the same). */
const OWN = new Set([
  'via',
  'route',
  'record-route',
  'rseq',
  'call-id',
  'cseq',
  'from',
  'to',
  'content-length',
]);

/** Fields in which an application may write `localhost` for the address it does not know. */
const LOCALISED = new Set(['contact', 'p-asserted-identity', 'p-preferred-identity', 'remote-party-id']);

/** Via of a request sent (RFC 3261 section 18.1.1, RFC 3581). */
export function viaHeader({ protocol, host, port }: LocalEnd, branch: string): SipHeader {
  return header('Via', `SIP/2.0/${protocol.toUpperCase()} ${host}:${port};rport;branch=${branch}`);
}

/** Contact of this server where the application gives none. */
export function contactValue({ protocol, host, port }: LocalEnd): string {
  return `<sip:${host}:${port}${protocol === 'tcp' ? ';transport=tcp' : ''}>`;
}

/** Puts the real address where an application wrote `localhost`. */
export function withLocalHost(value: string, { host, port }: LocalEnd): string {
  return value.replace(/(sips?:|@)localhost(?![\w.:-])/g, `$1${host}:${port}`);
}

/** A Contact in which `localhost` stood also needs the transport, and brackets to hold it. */
function localContact(value: string, local: LocalEnd): string {
  const replaced = withLocalHost(value, local);
  if (replaced === value || local.protocol === 'udp' || /;transport=/i.test(value)) return replaced;
  const uri = parseNameAddr(replaced)?.uri;
  return uri === undefined ? replaced : `<${uri};transport=${local.protocol}>`;
}

/** The fields of an application's message that are passed on. */
export function applicationHeaders(headers: readonly SipHeader[], local: LocalEnd): SipHeader[] {
  const kept: SipHeader[] = [];
  for (const field of headers) {
    if (OWN.has(field.key) || field.key === 'max-forwards') continue;
    if (!LOCALISED.has(field.key)) kept.push(field);
    else if (field.key === 'contact') kept.push(header('Contact', localContact(field.value, local)));
    else kept.push(header(field.name, withLocalHost(field.value, local)));
  }
  return kept;
}

/**
 * The Content-Type that must be added to an application's message: SDP needs none of the application
 * (drachtio recognises it). 'missing' when a body of another kind has no type.
 */
export function contentTypeFor(message: SipMessage): SipHeader | 'missing' | undefined {
  if (message.body.length === 0 || headerValue(message.headers, 'content-type') !== undefined)
    return undefined;
  return message.body.toString('latin1', 0, 3) === 'v=0'
    ? header('Content-Type', 'application/sdp')
    : 'missing';
}

/** Max-Forwards of a request: the application's, or 70 (RFC 3261 section 8.1.1.6). */
export function maxForwards(headers: readonly SipHeader[]): SipHeader {
  const given = headerValue(headers, 'max-forwards') ?? '';
  return header('Max-Forwards', /^\d{1,3}$/.test(given) ? given : '70');
}
