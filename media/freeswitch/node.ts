import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type Endpoint from 'drachtio-fsmrf/lib/endpoint.js';
import type { EslGate } from './esl-gate.js';
import { type FreeswitchNode, NodeFailure, type NodeFault } from './freeswitch-node.js';
import { type NodeConnection, openNodeConnection } from './node-connection.js';
import type { MediaDialog, SipClient } from './sip-client.js';

export interface NodeOptions {
  readonly node: FreeswitchNode;
  readonly gate: EslGate;
  /** Where FreeSWITCH connects back to. */
  readonly advertised: { readonly address: string; readonly port: number };
  readonly sip: SipClient;
  /** Called on each new connection, before it is used: rejects when the server is not fit for calls. */
  readonly onConnected: (node: Node) => Promise<void>;
  /** The server can be used (null), or why not. */
  readonly onChange: (fault: NodeFault | null) => void;
  /** The connection is lost: replies that come later belong to nothing. */
  readonly onLost: () => void;
}

const PING_MS = 5000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;

/**
 * Keeps up the connection to one FreeSWITCH.
 *
 * ```
 * connecting ──▶ up ──▶ lost: its channels are given up ──▶ connecting (250 ms, doubled to 5 s) ...
 * ```
 * Each connection has a drachtio-fsmrf object of its own, which is thrown away with it.
 */
export class Node {
  readonly #options: NodeOptions;
  readonly #closing = new AbortController();
  #connection: NodeConnection | null = null;
  #fault: NodeFault | null = null;
  #running: Promise<void> = Promise.resolve();
  #usable = false;

  constructor(options: NodeOptions) {
    this.#options = options;
  }

  get name(): string {
    const { host, port } = this.#options.node;
    return `${host}:${port}`;
  }

  get node(): FreeswitchNode {
    return this.#options.node;
  }

  /** Takes calls. */
  get up(): boolean {
    return this.#usable;
  }

  /** Begins to connect; resolves when the first attempt has ended, well or not. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#running = this.#keepUp(resolve).finally(resolve);
    });
  }

  /** An API command outside of calls; rejects when the connection is gone, or there is no answer in time. */
  async api(command: string): Promise<string> {
    if (!this.#connection) throw new NodeFailure('closed');
    return this.#connection.api(command);
  }

  /** A new channel: for this offer, or with an offer of FreeSWITCH's own. */
  async createEndpoint(options: { remoteSdp?: string; srtp?: boolean }): Promise<Endpoint> {
    const connection = this.#connection;
    if (!connection) throw new NodeFailure('closed');
    const headers = { 'X-Tacet-Key': this.#options.node.key };
    const endpoint = await connection.createEndpoint({ ...options, headers });
    const socket = endpoint.conn?.socket;
    if (socket) this.#options.gate.claim(socket);
    return endpoint;
  }

  /** Tells whose dialog with FreeSWITCH ended. */
  onDialogGone(dialog: MediaDialog, listener: () => void): void {
    this.#connection?.onDialogGone(dialog, listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#connection?.close();
    await this.#running;
  }

  async #keepUp(attempted: () => void): Promise<void> {
    const { signal } = this.#closing;
    let delayMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        const connection = await this.#connect();
        this.#connection = connection;
        await this.#options.onConnected(this);
        delayMs = FIRST_RETRY_MS;
        this.#usable = true;
        this.#say(null);
        attempted();
        this.#say(await this.#watch(connection));
      } catch (error) {
        this.#say(error instanceof NodeFailure ? error.fault : 'unreachable');
        attempted();
      }
      this.#lose();
      await pause(delayMs, undefined, { signal }).catch(() => {});
      delayMs = Math.min(delayMs * 2, LAST_RETRY_MS);
    }
  }

  async #connect(): Promise<NodeConnection> {
    const { node, gate, advertised, sip } = this.#options;
    const { address } = await lookup(node.host, 4).catch(() => ({ address: '' }));
    if (address === '') throw new NodeFailure('unreachable');
    await reach(address, node.port);
    return openNodeConnection({ node: { ...node, host: address }, gate, advertised, sip });
  }

  /** Resolves with the reason when the connection is over. Asks the server now and then, and gives up one that is silent. */
  async #watch(connection: NodeConnection): Promise<NodeFault> {
    while (!connection.gone.aborted) {
      await pause(PING_MS, undefined, { signal: connection.gone }).catch(() => {});
      if (connection.gone.aborted) break;
      const answered = await connection.api('global_getvar core_uuid').catch(() => null);
      if (answered === null && !connection.gone.aborted) return 'silent';
    }
    return 'closed';
  }

  #lose(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#usable = false;
    connection?.close();
    if (connection) this.#options.onLost();
  }

  #say(fault: NodeFault | null): void {
    if (this.#closing.signal.aborted || (fault !== null && fault === this.#fault)) return;
    this.#fault = fault;
    this.#options.onChange(fault);
  }
}

/**
 * Tries the way by a socket of our own: drachtio-modesl follows a refused connection with one attempt a millisecond,
 * for ever.
 */
function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const late = setTimeout(() => socket.destroy(new NodeFailure('unreachable')), PING_MS);
    socket.on('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', () => reject(new NodeFailure('unreachable')));
    socket.on('close', () => clearTimeout(late));
  });
}
