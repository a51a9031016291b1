import type { Dialog } from './dialog.js';
import type { Flow } from './flow.js';
import { header } from './header-names.js';
import { listValues, parseNameAddr } from './header-values.js';
import { headerValues, type SipHeader } from './message.js';
import type { TransportProtocol } from './options.js';
import { parseSipUri, type Target, targetOf } from './uri.js';

/** Where a request goes, and over which existing way if there is one. */
export interface Destination {
  readonly target: Target;
  readonly flow: Flow | undefined;
}

/** Request-URI and Route fields of a request inside a dialog. */
export interface RequestRoute {
  readonly uri: string;
  readonly routes: readonly SipHeader[];
}

/** The Record-Route values of a message in the order they stand. */
export function recordRoutes(headers: readonly SipHeader[]): string[] {
  return listValues(headerValues(headers, 'record-route')) ?? [];
}

/**
 * Request-URI and Route by RFC 3261 section 12.2.1.1: a first route without `lr` is a strict router, which
 * takes the place of the Request-URI and pushes the remote target to the end.
 */
export function routeOf(dialog: Dialog, target: string): RequestRoute {
  const [first, ...rest] = dialog.routeSet;
  const firstUri = first === undefined ? undefined : parseNameAddr(first)?.uri;
  if (first === undefined || firstUri === undefined) return { uri: target, routes: [] };
  const route = (value: string) => header('Route', value);
  if (parseSipUri(firstUri)?.looseRoute) return { uri: target, routes: dialog.routeSet.map(route) };
  return { uri: firstUri, routes: [...rest, `<${target}>`].map(route) };
}

/**
 * The next hop of a request inside a dialog: the first route, else the peer. A peer behind NAT is reached
 * where its messages come from, and an open TCP connection to it is used again. Undefined when the URI leads
 * nowhere this server can send to.
 */
export function destinationOf(
  dialog: Dialog,
  offered: readonly TransportProtocol[],
): Destination | undefined {
  const [route] = dialog.routeSet;
  const { flow } = dialog;
  if (route === undefined && flow && !flow.closed && (dialog.natted || flow.protocol === 'tcp')) {
    const { protocol, remoteAddress, remotePort } = flow;
    return { target: { protocol, host: remoteAddress, port: remotePort }, flow };
  }
  const uri = route === undefined ? dialog.remoteTarget : (parseNameAddr(route)?.uri ?? '');
  const parsed = parseSipUri(uri);
  const target = parsed && targetOf(parsed, offered);
  return target && { target, flow: undefined };
}

/** Whether a peer's Contact names another host than the one its message came from. */
export function isNatted(contactUri: string, flow: Flow): boolean {
  const host = parseSipUri(contactUri)?.host;
  return host !== undefined && host !== flow.remoteAddress;
}
