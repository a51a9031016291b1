import type { TransportProtocol } from './options.js';

/**
 * A way to one peer: a UDP address, or a TCP connection. A transaction answers on the flow its request came
 * by (RFC 3261 section 18.2.2).
 */
export interface Flow {
  readonly protocol: TransportProtocol;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** True once nothing can be sent any more. A UDP flow never closes before its server. */
  readonly closed: boolean;
  /**
   * Sends one message. `onError` is called later, never before `send` returns, with the error code of the
   * system.
   */
  send(data: Buffer, onError: (code: string) => void): void;
  /** A dialog counts itself as user, so that its idle connection is kept open. */
  retain(): void;
  release(): void;
}

/** Bytes of one message as a transport hands them up. */
export interface Received {
  readonly flow: Flow;
  readonly data: Buffer;
  /** The stream broke here: the bytes may be answered but not processed. */
  readonly broken: boolean;
}

export type OnReceived = (received: Received) => void;
