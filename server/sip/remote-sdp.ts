import { isIPv4 } from 'node:net';

/** What is used of a request or response of drachtio-srf. */
interface SdpMessage {
  readonly body?: string;
  /** Where it came from, as the SIP server saw it. */
  readonly source_address?: string;
}

const IPV6_CONNECTION = /^c=IN IP6 (\S+)/gm;

/**
 * The SDP of a message; empty without one. RTP is IPv4 here, and the IPv4 address of a dual-stack phone that names its IPv6
 * address alone (linphone calls so from a host that has one) is the one it sends its SIP from. An SDP with an
 * IPv4 address too (RFC 4091) is left as it is, and so is every one of a message that came over IPv6.
 */
export function remoteSdp({ body = '', source_address: source = '' }: SdpMessage): string {
  if (!body.includes('c=IN IP6 ') || body.includes('c=IN IP4 ') || !isIPv4(source)) return body;
  // The unspecified address is a hold (RFC 2543).
  return body.replace(
    IPV6_CONNECTION,
    (_line, address) => `c=IN IP4 ${address === '::' ? '0.0.0.0' : source}`,
  );
}
