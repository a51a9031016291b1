import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { AudioItem, MediaEndpoint } from '../endpoint.js';
import { type EndpointOptions, MediaError, type MediaServer } from '../media-server.js';
import type { Codec } from '../sdp/remote.js';
import { SdpSession } from '../sdp/session.js';
import { EmbeddedEndpoint } from './embedded-endpoint.js';
import { EngineLink } from './engine-link.js';
import type { EngineNews, EngineRequest, EngineStats } from './messages.js';
import type { PromptSource } from './prompt-source.js';

export interface EmbeddedMediaServerOptions {
  /** IPv4 address that RTP binds to; `0.0.0.0` for all. */
  readonly address: string;
  /** Address written into SDP. Default: `address`, or for `0.0.0.0` the machine's first external IPv4 address. */
  readonly advertisedAddress?: string;
  /** First and last RTP port, both included; the even ones are used. */
  readonly ports: { readonly from: number; readonly to: number };
  /** Stays the caller's: close it after this server. */
  readonly prompts: PromptSource;
  /** How long a given-up port stays unused, in ms. Default 2000. */
  readonly drainMs?: number;
  /** What our offers list, best first. Default PCMU, PCMA. Answers follow the offer's order. */
  readonly codecs?: readonly Codec[];
}

/** Between the loss of the thread and the next try to start one. */
const RESTART_MS = 1000;

/** The engine that terminates media in this process: RTP in one worker thread, this class in front of it. */
export class EmbeddedMediaServer implements MediaServer {
  readonly engine = 'embedded';
  readonly #options: EmbeddedMediaServerOptions;
  readonly #endpoints = new Map<string, EmbeddedEndpoint>();
  readonly #lostListeners = new Set<(endpoints: ReadonlySet<string>) => void>();
  /** Ports that the thread has open for legs to come. */
  #portsAhead: number[] = [];
  #link: EngineLink | null = null;
  #started = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: EmbeddedMediaServerOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#started && this.#link?.up === true;
  }

  get detail(): string {
    return this.ready ? 'media thread runs' : 'media thread does not run';
  }

  /** Rejects with `no-port` when RTP cannot be bound at the address. */
  async start(): Promise<void> {
    const { address, ports, drainMs = 2000 } = this.#options;
    const link = new EngineLink(
      { address, ports, drainMs },
      {
        onNews: (news) => this.#onNews(news),
        onOpenedAhead: (ports) => {
          if (link.up) this.#portsAhead.push(...ports);
        },
        onLost: () => this.#onLost(),
      },
    );
    this.#link = link;
    try {
      await link.request({ op: 'start' });
    } catch (error) {
      await link.close();
      throw error;
    }
    this.#started = true;
  }

  onLost(listener: (endpoints: ReadonlySet<string>) => void): void {
    this.#lostListeners.add(listener);
  }

  async createEndpoint({ relaysKeys = true, srtp = false }: EndpointOptions = {}): Promise<MediaEndpoint> {
    const link = this.#running();
    const id = randomUUID();
    const port = await this.#create(link, { op: 'create', leg: id, relaysKeys });
    const { address, advertisedAddress, prompts, codecs = ['PCMU', 'PCMA'] } = this.#options;
    const sdp = new SdpSession({
      address: advertisedAddress ?? externalAddress(address),
      port,
      sessionId: String(randomInt(1, 2 ** 47)),
      codecs,
      srtpRequired: srtp,
      newKey: randomBytes,
    });
    const onClosed = (): void => void this.#endpoints.delete(id);
    const endpoint = new EmbeddedEndpoint({ id, link, sdp, prompts, onClosed });
    this.#endpoints.set(id, endpoint);
    return endpoint;
  }

  async bridge(a: MediaEndpoint, b: MediaEndpoint): Promise<void> {
    if (a.id === b.id) throw new MediaError('closed', 'an endpoint cannot be bridged with itself');
    for (const { id } of [a, b]) this.#endpoints.get(id)?.onBridge();
    await this.#running().request({ op: 'bridge', leg: a.id, peer: b.id });
  }

  async unbridge(endpoint: MediaEndpoint): Promise<void> {
    await this.#running().request({ op: 'unbridge', leg: endpoint.id });
  }

  /** Nothing outside this process is involved. */
  async secureFault(): Promise<null> {
    return null;
  }

  async prepare(
    items: readonly AudioItem[],
    onProgress: (done: number, total: number) => void = () => {},
  ): Promise<void> {
    await this.#options.prompts.prepare(items, onProgress);
  }

  release(items: readonly AudioItem[]): void {
    this.#options.prompts.release(items);
  }

  async stats(): Promise<EngineStats> {
    return this.#running().request({ op: 'stats' });
  }

  async close(): Promise<void> {
    this.#started = false;
    this.#portsAhead = [];
    clearTimeout(this.#restart);
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.close()));
    await this.#link?.close();
  }

  #running(): EngineLink {
    if (!this.#link) throw new MediaError('closed', 'the media engine was not started');
    return this.#link;
  }

  /** The port of a new leg. One that was opened ahead is there at once: the request goes over with what follows. */
  async #create(link: EngineLink, request: Omit<EngineRequest & { op: 'create' }, 'port'>): Promise<number> {
    const port = link.up ? this.#portsAhead.shift() : undefined;
    if (port === undefined) return link.request({ ...request, port: null });
    link.tell({ ...request, port });
    return port;
  }

  #onNews(news: EngineNews): void {
    this.#endpoints.get(news.leg)?.onNews(news);
  }

  #onLost(): void {
    this.#portsAhead = [];
    const lost = new Set(this.#endpoints.keys());
    for (const endpoint of [...this.#endpoints.values()]) endpoint.onLost();
    for (const listener of this.#lostListeners) listener(lost);
    if (this.#started) this.#restartSoon();
  }

  #restartSoon(): void {
    clearTimeout(this.#restart);
    this.#restart = setTimeout(() => {
      this.start().catch(() => {
        if (this.#started) this.#restartSoon();
      });
    }, RESTART_MS);
  }
}

function externalAddress(address: string): string {
  if (address !== '0.0.0.0') return address;
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
