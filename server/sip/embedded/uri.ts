import { isIP } from 'node:net';
import type { TransportProtocol } from './options.js';

/** A sip URI, as far as routing needs it (RFC 3261 section 19.1). */
export interface SipUri {
  readonly scheme: string;
  readonly host: string;
  readonly port: number | undefined;
  /** Value of the transport parameter in lower case; '' when absent. */
  readonly transport: string;
  /** Whether the lr parameter is there (loose routing, section 19.1.1). */
  readonly looseRoute: boolean;
  /** Whether header fields follow a question mark; not allowed in a Request-URI. */
  readonly headers: boolean;
}

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;
const HOST_PORT = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*))(?::(\d{1,5}))?$/;

/** The scheme of a URI in lower case; undefined when there is none. */
export function uriScheme(uri: string): string | undefined {
  return SCHEME.exec(uri)?.[1]?.toLowerCase();
}

/** Reads a sip or sips URI; undefined when it is malformed or has another scheme. */
export function parseSipUri(uri: string): SipUri | undefined {
  const scheme = uriScheme(uri);
  if (scheme !== 'sip' && scheme !== 'sips') return undefined;
  // The user part may hold ';' and '?', so the host starts after the last '@' (RFC 4475 section 3.1.1.9).
  const start = Math.max(scheme.length, uri.lastIndexOf('@')) + 1;
  const end = indexOfAny(uri, start);
  const match = HOST_PORT.exec(uri.slice(start, end));
  const [, host, portText] = match ?? [];
  const port = portText === undefined ? undefined : Number(portText);
  if (!host || (port !== undefined && (port === 0 || port > 65_535))) return undefined;
  const question = uri.indexOf('?', end);
  const params = uri
    .slice(end, question < 0 ? uri.length : question)
    .toLowerCase()
    .split(';');
  const transport = params.find((param) => param.startsWith('transport='))?.slice('transport='.length) ?? '';
  const looseRoute = params.some((param) => /^lr(=|$)/.test(param));
  return { scheme, host, port, transport, looseRoute, headers: question >= 0 };
}

function indexOfAny(uri: string, start: number): number {
  for (let at = start; at < uri.length; at++) if (uri[at] === ';' || uri[at] === '?') return at;
  return uri.length;
}

/** Where a URI leads: RFC 3263 without NAPTR and SRV. */
export interface Target {
  readonly protocol: TransportProtocol;
  readonly host: string;
  readonly port: number;
}

/** The next hop a URI names; undefined when it asks for a transport that is not offered. */
export function targetOf(uri: SipUri, offered: readonly TransportProtocol[]): Target | undefined {
  if (uri.scheme !== 'sip') return undefined;
  const usual = offered.includes('udp') ? 'udp' : offered[0];
  const protocol = uri.transport === '' ? usual : offered.find((each) => each === uri.transport);
  return protocol && { protocol, host: uri.host, port: uri.port ?? 5060 };
}

export function isNumericHost(host: string): boolean {
  return isIP(host) !== 0;
}
