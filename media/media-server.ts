import type { AudioItem, MediaEndpoint } from './endpoint.js';

export type MediaErrorCode =
  | 'no-common-codec'
  | 'bad-sdp'
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
}

/** What terminates media: `embedded` in this process, or `freeswitch`. */
export interface MediaServer {
  readonly engine: 'embedded' | 'freeswitch';
  start(): Promise<void>;
  /** True while calls can be taken. */
  readonly ready: boolean;
  /** Called each time the engine is lost: every endpoint is closed by then. The server begins anew by itself. */
  onLost(listener: () => void): void;
  createEndpoint(options?: EndpointOptions): Promise<MediaEndpoint>;
  /** Joins two endpoints in both directions; audio and keys from before this moment are dropped, never forwarded. */
  bridge(a: MediaEndpoint, b: MediaEndpoint): Promise<void>;
  /** Parts an endpoint from its peer; resolves when no further packet can cross. No-op without a bridge. */
  unbridge(endpoint: MediaEndpoint): Promise<void>;
  /** Renders and encodes prompts ahead of calls. Rejects with `bad-audio`, naming the item. */
  prepare(items: readonly AudioItem[], onProgress?: (done: number, total: number) => void): Promise<void>;
  stats(): Promise<MediaStats>;
  close(): Promise<void>;
}
