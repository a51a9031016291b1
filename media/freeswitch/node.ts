import { setTimeout as pause } from 'node:timers/promises';
import { MediaError } from '../media-server.js';
import type { AgreedAudio } from '../sdp/session.js';
import { Channel, type ChannelEvents, refusal, statusOf } from './channel.js';
import { DeadMan } from './dead-man.js';
import { EslLine } from './esl-line.js';
import { farSideSdp } from './far-side-sdp.js';
import { type FreeswitchNode, NodeFailure, type NodeFault } from './freeswitch-node.js';
import { readAnswer } from './local-sdp.js';
import { type NewChannel, NodeConnection } from './node-connection.js';
import type { SipClient } from './sip-client.js';
import { uuid } from './words.js';

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;
/** FreeSWITCH takes ports at random, and tries no other when something else holds one; it answers 488 then. */
const PORT_TRIES = 3;

export interface NodeOptions {
  readonly node: FreeswitchNode;
  readonly sip: SipClient;
  /** Where FreeSWITCH is to connect to for each channel. */
  readonly listener: { readonly address: string; readonly port: number };
  /** To reach the server, and to be let in. */
  readonly connectMs: number;
  /** Longest time for an answer of the server. */
  readonly commandMs: number;
  /** Between two questions whether the server is alive. */
  readonly pingMs: number;
  /** Called on each new connection, before it is used: rejects with NodeFailure when the server is not fit for calls. */
  readonly onConnected: (node: Node) => Promise<void>;
  /** The server can be used (null), or why not; called when that changes. */
  readonly onChange: (fault: NodeFault | null) => void;
  /** The connection is lost, and every channel with it. */
  readonly onLost: () => void;
}

/**
 * One FreeSWITCH: keeps its connection up. Whatever hangs on one that is lost is given up, since nothing that comes
 * over a later connection can be trusted to answer what was asked over an earlier one.
 *
 * ```
 * connecting ──▶ inspected ──▶ up ──▶ lost: channels end ──▶ connecting (250 ms, doubled to 5 s) ...
 *                    └──▶ not fit: the connection is closed ──┘
 * ```
 */
export class Node {
  readonly #options: NodeOptions;
  readonly #closing = new AbortController();
  #connection: NodeConnection | null = null;
  #line: EslLine | null = null;
  #deadMan: DeadMan | null = null;
  #fault: NodeFault | null = 'unreachable';
  #said: NodeFault | null | undefined;
  #sessions = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: NodeOptions) {
    this.#options = options;
  }

  get name(): string {
    const { host, port } = this.#options.node;
    return `${host}:${port}`;
  }

  get weight(): number {
    return this.#options.node.weight;
  }

  /** Takes calls. */
  get up(): boolean {
    return this.#line?.up === true && this.#fault === null;
  }

  /** Calls that FreeSWITCH had when it was asked last, ours and others. */
  get sessions(): number {
    return this.#sessions;
  }

  /** Null while there is no connection. */
  get connection(): NodeConnection | null {
    return this.#connection;
  }

  /** Begins to connect; resolves when the first attempt has ended, well or not. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#running = this.#keepUp(resolve).finally(resolve);
    });
  }

  /** A command that belongs to no channel. Rejects with MediaError `engine-lost` when there is no answer. */
  async api(...words: readonly string[]): Promise<string> {
    if (!this.#line) throw new MediaError('engine-lost', `FreeSWITCH at ${this.name} is not connected`);
    return this.#line.api(...words);
  }

  /** A new channel, with this far end. Rejects with MediaError. */
  async openChannel(farSide: AgreedAudio, events: ChannelEvents): Promise<Channel> {
    const { sip, commandMs } = this.#options;
    let ended = false;
    const onGone = () => {
      if (ended) return;
      ended = true;
      events.onGone();
    };
    const made = await this.#create(farSide, onGone).catch((error: unknown) => {
      if (statusOf(error) !== 488) throw refusal(error);
      // It was shown nothing but G.711.
      throw new MediaError('no-port', 'FreeSWITCH found no port for RTP (SIP 488)', { cause: error });
    });
    try {
      const local = readAnswer(made.localSdp, farSide);
      const kill = (id: string) => this.#kill(id);
      const channel = new Channel(made, farSide, local, {
        sip,
        commandMs,
        events: { ...events, onGone },
        kill,
      });
      await channel.prepare();
      return channel;
    } catch (error) {
      ended = true;
      void sip.hangUp(made.dialog);
      throw refusal(error);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#deadMan?.end().catch(() => {});
    this.#line?.close();
    await this.#running;
  }

  async #create(farSide: AgreedAudio, onGone: () => void): Promise<NewChannel> {
    for (let tries = 1; ; tries += 1) {
      const connection = this.#connection;
      if (!connection) throw new NodeFailure('closed');
      const headers = { 'X-Tacet-Key': this.#options.node.key };
      try {
        return await connection.createChannel(farSideSdp(farSide, 1), headers, onGone);
      } catch (error) {
        if (statusOf(error) !== 488 || tries === PORT_TRIES) throw error;
      }
    }
  }

  /** Resolves when FreeSWITCH does not know the channel any more, or is not there itself. */
  async #kill(channel: string): Promise<void> {
    const line = this.#line;
    if (!line?.up) return;
    await line.api('uuid_kill', uuid(channel)).catch(() => '');
  }

  async #keepUp(attempted: () => void): Promise<void> {
    const { signal } = this.#closing;
    let delayMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.#serve(() => {
          delayMs = FIRST_RETRY_MS;
          attempted();
        });
      } catch (error) {
        this.#say(error instanceof NodeFailure ? error.fault : 'closed');
      }
      attempted();
      await pause(delayMs, undefined, { signal }).catch(() => {});
      delayMs = Math.min(delayMs * 2, LAST_RETRY_MS);
    }
  }

  /** One connection from its beginning to its end. Rejects with the reason of that. */
  async #serve(up: () => void): Promise<never> {
    const { node, sip, listener, connectMs, commandMs, pingMs, onConnected, onLost } = this.#options;
    const { host, port, secret } = node;
    const connection = await NodeConnection.open({
      host,
      port,
      secret,
      sip,
      listener,
      deadlineMs: connectMs,
    });
    const over = new AbortController();
    const line = new EslLine(connection.connection, { deadlineMs: commandMs, onGone: () => over.abort() });
    const deadMan = new DeadMan((...words) => line.api(...words), listener);
    this.#connection = connection;
    this.#line = line;
    this.#deadMan = deadMan;
    try {
      if (this.#closing.signal.aborted) throw new NodeFailure('closed');
      this.#sessions = sessionsIn(await line.api('status'));
      await deadMan.begin();
      await onConnected(this);
      this.#say(null);
      up();
      for (;;) {
        await pause(pingMs, undefined, { signal: over.signal }).catch(() => {});
        if (over.signal.aborted) throw new NodeFailure('closed');
        this.#sessions = sessionsIn(
          await line.api('status').catch(() => {
            throw new NodeFailure('silent');
          }),
        );
        await deadMan.renew();
      }
    } finally {
      this.#line = null;
      this.#deadMan = null;
      this.#connection = null;
      line.close();
      connection.close();
      onLost();
    }
  }

  #say(fault: NodeFault | null): void {
    this.#fault = fault;
    if (this.#said === fault || this.#closing.signal.aborted) return;
    this.#said = fault;
    this.#options.onChange(fault);
  }
}

function sessionsIn(status: string): number {
  return Number(/^(\d+) session\(s\) - /m.exec(status)?.[1] ?? 0);
}
