import type { AudioItem, MediaEndpoint } from './endpoint.js';

export type MediaErrorCode =
  | 'no-common-codec'
  | 'bad-sdp'
  /** Plain RTP where SRTP is needed. */
  | 'insecure'
  /** SRTP that is not spoken: DTLS-SRTP, or no `a=crypto` line that can be used. */
  | 'unsupported-srtp'
  | 'no-port'
  | 'closed'
  | 'bad-audio'
  | 'engine-lost';

/** Every failure of a media driver. The code is the verdict; the message is for people. */
export class MediaError extends Error {
  readonly code: MediaErrorCode;
  constructor(code: MediaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MediaError';
    this.code = code;
  }
}

/** Counts for /metrics, /readyz and the tests that look for leaks. */
export interface MediaStats {
  readonly endpoints: number;
  readonly bridges: number;
  /** RTP ports bound now. */
  readonly portsInUse: number;
  /** RTP ports given up lately, not yet reusable. */
  readonly portsDraining: number;
  /** How late the packet timer fired since the last call of stats(), in ms. */
  readonly latenessMs: { readonly p99: number; readonly max: number };
}

export interface EndpointOptions {
  /** Whether keys pressed by the far end go on to the peer of a bridge, as RFC 4733 events. Default true. */
  readonly relaysKeys?: boolean;
  /** Whom it will be bridged with: an engine of several servers puts the two on the same one. */
  readonly beside?: MediaEndpoint;
  /**
   * Nothing but SRTP (SDES): our offers ask for it, and an offer or answer without it is refused as `insecure`. Default
   * false: SRTP is taken when it is offered. A leg that has SRTP keeps it, either way.
   */
  readonly srtp?: boolean;
}

/** What terminates media: `embedded` in this process, or `freeswitch`. */
export interface MediaServer {
  readonly engine: 'embedded' | 'freeswitch';
  start(): Promise<void>;
  /** True while calls can be taken. */
  readonly ready: boolean;
  /** What is connected and what is not, in words for people. */
  readonly detail: string;
  /**
   * Called each time endpoints are lost that nobody closed, with their identifiers: the engine, or one of its servers,
   * is gone, or gave them up. They are closed by then; the engine begins anew by itself.
   */
  onLost(listener: (endpoints: ReadonlySet<string>) => void): void;
  createEndpoint(options?: EndpointOptions): Promise<MediaEndpoint>;
  /** Joins two endpoints in both directions; audio and keys from before this moment are dropped, never forwarded. */
  bridge(a: MediaEndpoint, b: MediaEndpoint): Promise<void>;
  /** Parts an endpoint from its peer; resolves when no further packet can cross. No-op without a bridge. */
  unbridge(endpoint: MediaEndpoint): Promise<void>;
  /**
   * Why no secure digit may come near this endpoint's server as that is set up now, in words for people; null when
   * nothing speaks against it. Asked of the server itself each time.
   */
  secureFault(endpoint: MediaEndpoint): Promise<string | null>;
  /** Renders and encodes prompts ahead of calls. Rejects with `bad-audio`, naming the item. */
  prepare(items: readonly AudioItem[], onProgress?: (done: number, total: number) => void): Promise<void>;
  /** Forgets what {@link prepare} made of these items; whoever plays one still hears it, made anew. */
  release(items: readonly AudioItem[]): void;
  stats(): Promise<MediaStats>;
  close(): Promise<void>;
}
