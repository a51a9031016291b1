import { randomBytes } from 'node:crypto';
import { type SipClock, systemClock } from './clock.js';
import type { SipServerLog } from './log.js';

export type TransportProtocol = 'udp' | 'tcp';

/** Base timers of RFC 3261 section 17.1.1.1, in milliseconds. Every other timer is a multiple of these. */
export interface SipTimers {
  /** Round-trip estimate. Default 500. */
  readonly T1: number;
  /** Longest interval between retransmissions. Default 4000. */
  readonly T2: number;
  /** Longest time a message stays in the network. Default 5000. */
  readonly T4: number;
}

/** A token bucket for one source address. Only requests that belong to no dialog count. */
export interface FloodLimit {
  /** Sustained rate; 0 switches the limit off. Default 500: a trunk sends all its calls from one address. */
  readonly requestsPerSecond: number;
  /** Requests accepted at once. Default 1000. */
  readonly burst: number;
}

export interface SipServerLimits {
  /** Longest message accepted, in bytes, start line to body. Default 65535. */
  readonly messageBytes: number;
  /** Most header fields in one message. Default 200. */
  readonly headers: number;
  /** TCP connections open at once, all peers together. Default 1000. */
  readonly connections: number;
  /** A TCP connection without dialog and without traffic is closed after this, in milliseconds. Default 300000. */
  readonly connectionIdleMs: number;
  /** Transactions alive at once; new ones beyond are dropped. Default 50000. */
  readonly transactions: number;
}

export interface SipServerOptions {
  /** IPv4 address on which SIP is received. Default '127.0.0.1'. */
  readonly address: string;
  /** Port for both transports; 0 lets the system choose one that is free for all of them. Default 0. */
  readonly port: number;
  /** Default ['udp', 'tcp']. */
  readonly transports: readonly TransportProtocol[];
  /** Address written into Via and Contact, for a server behind NAT. Default: the address of the interface used. */
  readonly advertisedAddress: string | undefined;
  /** Address of the application protocol. Anything but loopback hands the telephone to the network. Default '127.0.0.1'. */
  readonly adminAddress: string;
  /** Port of the application protocol; 0 lets the system choose, null opens none. Default 0. */
  readonly adminPort: number | null;
  /** What an application must present. Default: 32 random hexadecimal digits. */
  readonly secret: string;
  readonly flood: FloodLimit;
  readonly timers: SipTimers;
  readonly limits: SipServerLimits;
  /**
   * How long an INVITE may go without an answer before 100 Trying is sent, in milliseconds; at most 200 (RFC 3261 section
   * 17.2.1). Default 0: at once, as drachtio-server does.
   */
  readonly tryingAfterMs: number;
  /**
   * Messages from the network that come within this time of the last ones are handled together at its end, in
   * milliseconds; INFO and responses are not kept waiting. Default 0: each at once.
   */
  readonly coalesceMs: number;
  /** Option tags accepted in Require (RFC 3261 section 8.2.2.3). Default none: others are answered 420. */
  readonly supported: readonly string[];
  /** Default: the system's clock. */
  readonly clock: SipClock;
  /** Receives events without bodies, digits or header fields. Default: nothing is logged. */
  readonly log: SipServerLog;
}

const DEFAULT_TIMERS: SipTimers = { T1: 500, T2: 4000, T4: 5000 };
const DEFAULT_FLOOD: FloodLimit = { requestsPerSecond: 500, burst: 1000 };
const DEFAULT_LIMITS: SipServerLimits = {
  messageBytes: 65_535,
  headers: 200,
  connections: 1000,
  connectionIdleMs: 300_000,
  transactions: 50_000,
};

/** Given options over the defaults; nested objects may be partial too. */
export type SipServerSettings = Partial<Omit<SipServerOptions, 'flood' | 'timers' | 'limits'>> & {
  readonly flood?: Partial<FloodLimit>;
  readonly timers?: Partial<SipTimers>;
  readonly limits?: Partial<SipServerLimits>;
};

/** Fills in the defaults. */
export function completeOptions(given: SipServerSettings): SipServerOptions {
  return {
    address: given.address ?? '127.0.0.1',
    port: given.port ?? 0,
    transports: given.transports ?? ['udp', 'tcp'],
    advertisedAddress: given.advertisedAddress,
    adminAddress: given.adminAddress ?? '127.0.0.1',
    tryingAfterMs: given.tryingAfterMs ?? 0,
    coalesceMs: given.coalesceMs ?? 0,
    adminPort: given.adminPort === undefined ? 0 : given.adminPort,
    secret: given.secret ?? randomBytes(16).toString('hex'),
    flood: { ...DEFAULT_FLOOD, ...given.flood },
    timers: { ...DEFAULT_TIMERS, ...given.timers },
    limits: { ...DEFAULT_LIMITS, ...given.limits },
    supported: given.supported ?? [],
    clock: given.clock ?? systemClock,
    log: given.log ?? (() => {}),
  };
}
