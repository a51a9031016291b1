import type { AudioItem, MediaEndpoint } from '../endpoint.js';
import { type EndpointOptions, MediaError, type MediaServer, type MediaStats } from '../media-server.js';
import { EslGate } from './esl-gate.js';
import { FreeswitchEndpoint } from './freeswitch-endpoint.js';
import { type FreeswitchNode, NodeFailure, type NodeFault } from './freeswitch-node.js';
import { join, part } from './joining.js';
import { Node } from './node.js';
import { secureFault } from './node-check.js';
import type { SipClient } from './sip-client.js';
import { Sounds, type SoundsOptions } from './sounds.js';

export interface FreeswitchMediaServerOptions {
  /** At least one. */
  readonly nodes: readonly FreeswitchNode[];
  /** Where FreeSWITCH connects back to, on a private network; port 0 takes any free one. */
  readonly listen: { readonly address: string; readonly port: number; readonly advertisedAddress: string };
  readonly sip: SipClient;
  readonly sounds: SoundsOptions;
  /** Called when a server can be used (null), or why not. */
  readonly onNode?: (node: string, fault: NodeFault | null) => void;
  /** Called when a server takes calls, but no secure session: why not. */
  readonly onUnsafe?: (node: string, fault: string) => void;
  /** Longest time to reach a server and be let in, in milliseconds. Default 5000. */
  readonly connectMs?: number;
  /** Longest time for an answer of a server, in milliseconds. Default 3000. */
  readonly commandMs?: number;
  /** Between two questions whether a server is alive, in milliseconds. Default 5000. */
  readonly pingMs?: number;
}

/** FreeSWITCH servers as the media engine, through drachtio-fsmrf: chosen by health, load and weight. */
export class FreeswitchMediaServer implements MediaServer {
  readonly engine = 'freeswitch';
  readonly #options: FreeswitchMediaServerOptions;
  readonly #sounds: Sounds;
  readonly #gate: EslGate;
  readonly #endpoints = new Map<string, FreeswitchEndpoint>();
  readonly #lostListeners = new Set<(endpoints: ReadonlySet<string>) => void>();
  readonly #unsafe = new Map<Node, string | null>();
  #nodes: readonly Node[] = [];

  constructor(options: FreeswitchMediaServerOptions) {
    this.#options = options;
    this.#sounds = new Sounds(options.sounds);
    const { address, port } = options.listen;
    this.#gate = new EslGate({
      address,
      port,
      admits: (from) => this.#nodes.some(({ connection }) => connection?.remoteAddress === from),
      claim: (name) => {
        const connection = this.#nodes.find((node) => node.connection?.awaits(name))?.connection;
        return connection ? (socket, hello) => connection.adopt(name, socket, hello) : null;
      },
    });
  }

  /** At least one server takes calls. */
  get ready(): boolean {
    return this.#nodes.some(({ up }) => up);
  }

  /** How many servers take calls, and what speaks against secure mode on them. */
  get detail(): string {
    const up = this.#nodes.filter((node) => node.up);
    const faults = up.flatMap((node) => this.#unsafe.get(node) ?? []);
    return [`${up.length} of ${this.#nodes.length} FreeSWITCH servers connected`, ...faults].join('; ');
  }

  /** Resolves when each server was tried once; one that is not there is tried on. Rejects when it cannot listen. */
  async start(): Promise<void> {
    await this.#sounds.open();
    await this.#gate.start();
    this.#nodes = this.#options.nodes.map((node) => this.#node(node));
    await Promise.all(this.#nodes.map((node) => node.start()));
  }

  onLost(listener: (endpoints: ReadonlySet<string>) => void): void {
    this.#lostListeners.add(listener);
  }

  /** Rejects with `no-port` when no server takes calls. */
  async createEndpoint({
    relaysKeys = true,
    beside,
    srtp = false,
  }: EndpointOptions = {}): Promise<MediaEndpoint> {
    const endpoint: FreeswitchEndpoint = new FreeswitchEndpoint({
      node: beside ? this.#own(beside).node : this.#leastLoaded(),
      relaysKeys,
      srtp,
      sounds: this.#sounds,
      endpointOf: (channel) => this.#withChannel(channel)?.id ?? null,
      onLost: () => this.#tellLost([endpoint]),
      onClosed: () => this.#endpoints.delete(endpoint.id),
    });
    this.#endpoints.set(endpoint.id, endpoint);
    return endpoint;
  }

  async bridge(a: MediaEndpoint, b: MediaEndpoint): Promise<void> {
    if (a.id === b.id) throw new MediaError('closed', 'an endpoint cannot be bridged with itself');
    const [one, other] = [this.#own(a), this.#own(b)];
    if (one.node !== other.node) throw new MediaError('closed', 'the two endpoints are on different servers');
    await join(one, other);
  }

  async unbridge(endpoint: MediaEndpoint): Promise<void> {
    await part(this.#own(endpoint), (channel) => this.#withChannel(channel));
  }

  async secureFault(endpoint: MediaEndpoint): Promise<string | null> {
    const { node, channel } = this.#own(endpoint);
    const fault = await secureFault(nameOf(node), (...words) => node.api(...words));
    this.#unsafe.set(node, fault);
    // A channel can have a level of its own, which FreeSWITCH does not tell.
    await channel?.line.confirmed('uuid_loglevel', channel.uuid, 'err');
    return fault;
  }

  /** Also looks for the files on every server that is up. Rejects with `bad-audio`, naming file and server. */
  async prepare(
    items: readonly AudioItem[],
    onProgress: (done: number, total: number) => void = () => {},
  ): Promise<void> {
    await this.#sounds.prepare(items, onProgress);
    for (const node of this.#nodes.filter(({ up }) => up)) await this.#checkSounds(node);
  }

  release(items: readonly AudioItem[]): void {
    this.#sounds.release(items);
  }

  async stats(): Promise<MediaStats> {
    const endpoints = [...this.#endpoints.values()];
    return {
      endpoints: endpoints.length,
      bridges: endpoints.filter(({ player }) => player?.bridged).length / 2,
      portsInUse: endpoints.filter(({ channel }) => channel !== null).length,
      portsDraining: 0,
      latenessMs: { p99: Number.NaN, max: Number.NaN },
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.close()));
    await Promise.all(this.#nodes.map((node) => node.close()));
    this.#gate.close();
  }

  #node(node: FreeswitchNode): Node {
    const { listen, sip, onNode, connectMs = 5000, commandMs = 3000, pingMs = 5000 } = this.#options;
    const one: Node = new Node({
      node,
      sip,
      listener: { address: listen.advertisedAddress, port: this.#gate.port },
      connectMs,
      commandMs,
      pingMs,
      onConnected: () => this.#inspect(one),
      onChange: (fault) => onNode?.(one.name, fault),
      onLost: () => this.#nodeLost(one),
    });
    return one;
  }

  async #inspect(node: Node): Promise<void> {
    await this.#checkSounds(node).catch((error: unknown) => {
      const missing = error instanceof MediaError && error.code === 'bad-audio';
      throw missing ? new NodeFailure('prompts-missing', { cause: error }) : error;
    });
    const fault = await secureFault(nameOf(node), (...words) => node.api(...words));
    this.#unsafe.set(node, fault);
    if (fault !== null) this.#options.onUnsafe?.(node.name, fault);
  }

  /** A file that is missing must be found before a call wants it. */
  async #checkSounds(node: Node): Promise<void> {
    const { known } = this.#sounds;
    const answers = await Promise.all(known.map((file) => node.api('file_exists', file)));
    const missing = known[answers.findIndex((answer) => answer.trim() !== 'true')];
    if (missing === undefined) return;
    throw new MediaError(
      'bad-audio',
      `${this.#sounds.describe(missing)}: ${nameOf(node)} has no file ${missing}: check media.promptPath, and that the folder is shared`,
    );
  }

  #leastLoaded(): Node {
    const load = (node: Node) => {
      const ours = [...this.#endpoints.values()].filter((endpoint) => endpoint.node === node).length;
      return (Math.max(ours, node.sessions) + 1) / node.weight;
    };
    const [best] = this.#nodes
      .filter(({ up }) => up)
      .map((node) => ({ node, load: load(node) }))
      .sort((a, b) => a.load - b.load);
    if (!best) throw new MediaError('no-port', 'no FreeSWITCH server takes calls');
    return best.node;
  }

  #withChannel(channel: string | null): FreeswitchEndpoint | undefined {
    if (channel === null) return undefined;
    return [...this.#endpoints.values()].find((endpoint) => endpoint.channel?.uuid === channel);
  }

  #own(endpoint: MediaEndpoint): FreeswitchEndpoint {
    const own = this.#endpoints.get(endpoint.id);
    if (!own) throw new MediaError('closed', 'the endpoint is closed');
    return own;
  }

  #nodeLost(node: Node): void {
    const lost = [...this.#endpoints.values()].filter((endpoint) => endpoint.node === node && endpoint.live);
    for (const endpoint of lost) endpoint.lose();
    if (lost.length > 0) this.#tellLost(lost);
  }

  #tellLost(endpoints: readonly FreeswitchEndpoint[]): void {
    const ids = new Set(endpoints.map(({ id }) => id));
    for (const listener of this.#lostListeners) listener(ids);
  }
}

function nameOf(node: Node): string {
  return `FreeSWITCH at ${node.name}`;
}
