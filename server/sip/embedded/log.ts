/**
 * What the SIP server reports. The list is closed and holds numbers, addresses and fixed words only: no
 * header field, URI or body passes here, because an INFO body is a card digit.
 */
export type SipServerEvent =
  | {
      readonly event: 'listening';
      readonly protocol: string;
      readonly address: string;
      readonly port: number;
    }
  | {
      readonly event: 'malformed';
      readonly address: string;
      readonly status: number;
      readonly reason: string;
    }
  | { readonly event: 'rejected'; readonly address: string; readonly status: number; readonly reason: string }
  /** Once when an address goes beyond its limit, not for every request dropped. */
  | { readonly event: 'flood'; readonly address: string }
  | { readonly event: 'overload'; readonly transactions: number }
  | { readonly event: 'ack-timeout'; readonly address: string }
  | { readonly event: 'transport-error'; readonly protocol: string; readonly code: string }
  | { readonly event: 'client-joined'; readonly clients: number }
  | { readonly event: 'client-left'; readonly clients: number }
  | { readonly event: 'client-refused'; readonly reason: string }
  | { readonly event: 'internal-error'; readonly code: string };

export type SipServerLog = (event: SipServerEvent) => void;
