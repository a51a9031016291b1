import { setTimeout as pause } from 'node:timers/promises';
import type { AudioItem, MediaEndpoint } from '../endpoint.js';
import { type EndpointOptions, MediaError, type MediaServer, type MediaStats } from '../media-server.js';
import { Channel, type ChannelEvents, statusOf } from './channel.js';
import { EslGate } from './esl-gate.js';
import { FreeswitchEndpoint } from './freeswitch-endpoint.js';
import { type FreeswitchNode, NodeFailure, type NodeFault } from './freeswitch-node.js';
import { Node } from './node.js';
import { secureFault } from './node-check.js';
import type { SipClient } from './sip-client.js';
import { Sounds, type SoundsOptions } from './sounds.js';

export interface FreeswitchMediaServerOptions {
  readonly nodes: readonly FreeswitchNode[];
  /** Where FreeSWITCH connects back to; on a private network. */
  readonly listen: { readonly address: string; readonly port: number; readonly advertisedAddress: string };
  readonly sip: SipClient;
  readonly sounds: SoundsOptions;
  /** Called when a server can be used (null), or why not. */
  readonly onNode?: (node: string, fault: NodeFault | null) => void;
  /** Called when a server takes calls, but no secure session: why not. */
  readonly onUnsafe?: (node: string, fault: string) => void;
}

/** How long FreeSWITCH may take to join or part two channels after it has said that it will. */
const BRIDGE_MS = 1500;
const BRIDGE_LOOK_MS = 5;

/** FreeSWITCH servers as the media engine, through drachtio-fsmrf. */
export class FreeswitchMediaServer implements MediaServer {
  readonly engine = 'freeswitch';
  readonly #options: FreeswitchMediaServerOptions;
  readonly #sounds: Sounds;
  readonly #endpoints = new Map<string, FreeswitchEndpoint>();
  readonly #lostListeners = new Set<(endpoints: ReadonlySet<string>) => void>();
  #nodes: readonly Node[] = [];
  #gate: EslGate | null = null;

  constructor(options: FreeswitchMediaServerOptions) {
    this.#options = options;
    this.#sounds = new Sounds(options.sounds);
  }

  /** At least one server takes calls. */
  get ready(): boolean {
    return this.#nodes.some(({ up }) => up);
  }

  get detail(): string {
    return `${this.#nodes.filter(({ up }) => up).length} of ${this.#nodes.length} FreeSWITCH servers connected`;
  }

  /** Resolves when each server was tried once; one that is not there is tried on. Rejects when it cannot listen. */
  async start(): Promise<void> {
    const { listen, nodes, sip } = this.#options;
    await this.#sounds.open();
    const gate = await EslGate.open(listen.address, listen.port);
    this.#gate = gate;
    this.#nodes = nodes.map((node) => {
      const one: Node = new Node({
        node,
        gate,
        advertised: { address: listen.advertisedAddress, port: gate.port },
        sip,
        onConnected: (connected) => this.#admit(connected),
        onChange: (fault) => this.#options.onNode?.(one.name, fault),
        onLost: () => this.#lose([...this.#endpoints.values()].filter((endpoint) => endpoint.node === one)),
      });
      return one;
    });
    await Promise.all(this.#nodes.map((node) => node.start()));
  }

  onLost(listener: (endpoints: ReadonlySet<string>) => void): void {
    this.#lostListeners.add(listener);
  }

  /** Rejects with `engine-lost` when no server takes calls, and `unsupported-srtp` when nothing but SRTP will do. */
  async createEndpoint({ relaysKeys = true, beside, srtp }: EndpointOptions = {}): Promise<MediaEndpoint> {
    if (srtp) throw new MediaError('unsupported-srtp', 'offers of FreeSWITCH do not ask for SRTP');
    const node = beside ? this.#known(beside).node : this.#leastLoaded();
    const endpoint: FreeswitchEndpoint = new FreeswitchEndpoint({
      node,
      sounds: this.#sounds,
      relaysKeys,
      openChannel: (offer, events) => this.#openChannel(node, offer, events),
      endpointOf: (uuid) => this.#endpointOf(uuid),
      onClosed: () => void this.#endpoints.delete(endpoint.id),
      onLost: () => this.#lose([endpoint]),
    });
    this.#endpoints.set(endpoint.id, endpoint);
    return endpoint;
  }

  async bridge(a: MediaEndpoint, b: MediaEndpoint): Promise<void> {
    const [one, other] = [this.#known(a), this.#known(b)];
    if (one === other) throw new MediaError('closed', 'an endpoint cannot be bridged with itself');
    if (one.node !== other.node) throw new MediaError('closed', 'the two endpoints are on different servers');
    await Promise.all([one.setBridged(true), other.setBridged(true)]);
    await this.#relayKeys(one, other);
    await this.#relayKeys(other, one);
    await one.channel.order('uuid_bridge', one.channel.uuid, other.channel.uuid);
    await Promise.all([this.#untilPeer(one, other.channel.uuid), this.#untilPeer(other, one.channel.uuid)]);
  }

  async unbridge(endpoint: MediaEndpoint): Promise<void> {
    const one = this.#known(endpoint);
    const uuid = await one.channel.peer();
    const other = uuid === null ? undefined : this.#withChannel(uuid);
    if (uuid !== null) {
      const both = other ? [one, other] : [one];
      const parked = both.map(({ channel }) => channel.parked(BRIDGE_MS));
      await one.channel.order('uuid_transfer', one.channel.uuid, '-both', 'park', 'inline');
      await Promise.all(parked);
      await Promise.all(both.map((party) => this.#untilPeer(party, null)));
    }
    await one.setBridged(false);
    await other?.setBridged(false).catch(() => {});
  }

  secureFault(endpoint: MediaEndpoint): Promise<string | null> {
    const { node } = this.#known(endpoint);
    return secureFault(node.name, (command) => node.api(command));
  }

  async prepare(
    items: readonly AudioItem[],
    onProgress: (done: number, total: number) => void = () => {},
  ): Promise<void> {
    await this.#sounds.prepare(items, onProgress);
    for (const node of this.#nodes.filter(({ up }) => up)) await this.#checkSounds(node);
  }

  async stats(): Promise<MediaStats> {
    const endpoints = [...this.#endpoints.values()];
    const peers = await Promise.all(
      endpoints.map((one) =>
        one.state().then(
          ({ peer }) => peer,
          () => null,
        ),
      ),
    );
    return {
      endpoints: endpoints.length,
      bridges: peers.filter((peer) => peer !== null).length / 2,
      portsInUse: endpoints.filter((endpoint) => endpoint.hasChannel).length,
      portsDraining: 0,
      latenessMs: { p99: Number.NaN, max: Number.NaN },
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.close()));
    await Promise.all(this.#nodes.map((node) => node.close()));
    await this.#gate?.close();
  }

  async #admit(node: Node): Promise<void> {
    await this.#checkSounds(node).catch((error: unknown) => {
      throw error instanceof MediaError ? new NodeFailure('prompts-missing', { cause: error }) : error;
    });
    const fault = await secureFault(node.name, (command) => node.api(command));
    if (fault !== null) this.#options.onUnsafe?.(node.name, fault);
  }

  /** A file that is missing must be found before a call wants it. */
  async #checkSounds(node: Node): Promise<void> {
    for (const file of this.#sounds.known) {
      if ((await node.api(`file_exists ${file}`)) === 'true') continue;
      throw new MediaError(
        'bad-audio',
        `FreeSWITCH at ${node.name} has no file ${file}: check media.promptPath, and that the folder is shared`,
      );
    }
  }

  async #openChannel(node: Node, offer: string | null, events: ChannelEvents): Promise<Channel> {
    const secured = offer !== null && /^m=audio \d+ RTP\/SAVP/m.test(offer);
    try {
      // drachtio-fsmrf takes every SAVP for DTLS, and refuses it: such a channel is made first, and told the offer then.
      const options = offer === null ? {} : secured ? { srtp: true } : { remoteSdp: offer };
      const endpoint = await node.createEndpoint(options);
      const channel = new Channel(endpoint, this.#options.sip, events);
      node.onDialogGone(endpoint.dialog, () => channel.gone());
      if (secured) channel.firstSdp = await channel.modify(offer);
      return channel;
    } catch (error) {
      throw refusal(error);
    }
  }

  /** Keys of one go on to the other, or not: FreeSWITCH drops them on the way out. */
  async #relayKeys(from: FreeswitchEndpoint, to: FreeswitchEndpoint): Promise<void> {
    const { channel } = to;
    await channel.order('uuid_drop_dtmf', channel.uuid, from.relaysKeys ? 'off' : 'on', 'mask_digits', 'X');
  }

  async #untilPeer(endpoint: FreeswitchEndpoint, wanted: string | null): Promise<void> {
    const over = performance.now() + BRIDGE_MS;
    for (;;) {
      const peer = await endpoint.channel.peer();
      if (peer === wanted) return;
      if (performance.now() > over)
        throw new MediaError('engine-lost', 'FreeSWITCH did not confirm who is joined to whom');
      await pause(BRIDGE_LOOK_MS);
    }
  }

  #leastLoaded(): Node {
    const load = (node: Node) => this.#loadOf(node) / node.node.weight;
    const [best] = this.#nodes.filter(({ up }) => up).sort((a, b) => load(a) - load(b));
    if (!best) throw new MediaError('engine-lost', 'no FreeSWITCH server is connected');
    return best;
  }

  #loadOf(node: Node): number {
    let load = 0;
    for (const endpoint of this.#endpoints.values()) if (endpoint.node === node) load += 1;
    return load;
  }

  #endpointOf(uuid: string): string | null {
    return this.#withChannel(uuid)?.id ?? null;
  }

  #withChannel(uuid: string): FreeswitchEndpoint | undefined {
    return [...this.#endpoints.values()].find((endpoint) => endpoint.uuid === uuid);
  }

  #known(endpoint: MediaEndpoint): FreeswitchEndpoint {
    const known = this.#endpoints.get(endpoint.id);
    if (!known) throw new MediaError('closed', 'the endpoint is closed');
    return known;
  }

  #lose(endpoints: readonly FreeswitchEndpoint[]): void {
    const lost = new Set<string>();
    for (const endpoint of endpoints) {
      if (!this.#endpoints.delete(endpoint.id)) continue;
      lost.add(endpoint.id);
      endpoint.onLost();
    }
    if (lost.size > 0) for (const listener of this.#lostListeners) listener(lost);
  }
}

function refusal(error: unknown): unknown {
  if (error instanceof MediaError) return error;
  if (error instanceof NodeFailure) return new MediaError('engine-lost', error.message, { cause: error });
  switch (statusOf(error)) {
    case 488:
      return new MediaError('no-common-codec', 'FreeSWITCH has no codec in common with it', { cause: error });
    case 503:
      return new MediaError('no-port', 'FreeSWITCH takes no more calls', { cause: error });
    default:
      return new MediaError('engine-lost', 'FreeSWITCH did not take the call', { cause: error });
  }
}
