import type { Socket } from 'node:net';
import Mrf from 'drachtio-fsmrf';
import MediaServer from 'drachtio-fsmrf/lib/mediaserver.js';
import modesl, { type Connection } from 'drachtio-modesl';
import { NodeFailure, type NodeFault } from './freeswitch-node.js';
import type { MediaDialog, SipClient } from './sip-client.js';

/** Of an event socket's unread input. An event with all variables of a channel is far smaller. */
const MOST_UNREAD = 4 * 1024 * 1024;

/** The SIP profile of FreeSWITCH that takes our calls. */
const PROFILE = 'drachtio_mrf';

export interface NodeConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** Where FreeSWITCH is told to connect to for each channel. */
  readonly listener: { readonly address: string; readonly port: number };
  readonly sip: SipClient;
  /** Longest time to be let in, and longest time for FreeSWITCH to answer an INVITE, in milliseconds. */
  readonly deadlineMs: number;
}

/** One channel as drachtio-fsmrf hands it over. */
export interface NewChannel {
  readonly uuid: string;
  readonly connection: Connection;
  readonly dialog: MediaDialog;
  /** FreeSWITCH's answer to the offer it was called with. */
  readonly localSdp: string;
}

interface Invitation {
  readonly offerSdp: string;
  readonly onGone: () => void;
  /** drachtio-fsmrf's name for the channel to come. */
  id: string;
  dialog: MediaDialog | null;
  over: boolean;
}

/**
 * drachtio-fsmrf's MediaServer for as long as one connection stands, with what STACK-NOTES 2.2 lists put right: it
 * never connects again by itself, its listener is closed before it can accept, no input throws out of a socket's event, and
 * it prints nothing. With fsmrf.d.ts and esl-line.ts the one place that knows drachtio-fsmrf.
 */
export class NodeConnection {
  readonly connection: Connection;
  readonly #options: NodeConnectionOptions;
  readonly #server: MediaServer;
  /** Event sockets of channels to come, by drachtio-fsmrf's name for them. */
  readonly #arrived = new Map<string, Socket>();
  #invitation: Invitation | null = null;

  private constructor(connection: Connection, options: NodeConnectionOptions) {
    this.connection = connection;
    this.#options = options;
    const { listener } = options;
    const mrf = new Mrf({ createUAC: (uri, invite) => this.#invite(uri, invite) });
    this.#server = new MediaServer(connection, mrf, '127.0.0.1', 0, listener.address, listener.port, PROFILE);
    // It would print that it connects again, which it does not.
    this.#server.closing = true;
    this.#server.on('error', () => {});
    this.#server.once('connect', () => {
      // Still in the turn in which it began to listen: nobody can have been accepted.
      this.#server._server.server.close();
      this.#server._server.on('connection::open', (channel) => harden(channel));
    });
  }

  /** Rejects with NodeFailure. */
  static open(options: NodeConnectionOptions): Promise<NodeConnection> {
    const { host, port, secret } = options;
    return new Promise((resolve, reject) => {
      const connection = new modesl.Connection(host, port, secret, () => {
        const opened = new NodeConnection(connection, options);
        opened.#server.once('ready', () => {
          clearTimeout(late);
          resolve(opened);
        });
      });
      connection.closing = true;
      let connected = false;
      const fail = (fault: NodeFault) => {
        clearTimeout(late);
        connection.socket?.destroy();
        reject(new NodeFailure(fault));
      };
      const late = setTimeout(() => fail(connected ? 'silent' : 'unreachable'), options.deadlineMs);
      connection.on('esl::connect', () => {
        connected = true;
        harden(connection);
      });
      connection.on('esl::event::auth::fail', () => fail('password-refused'));
      connection.on('esl::event::raw::text/rude-rejection', () => fail('address-refused'));
      connection.on('error', () => fail(connected ? 'closed' : 'unreachable'));
      connection.on('esl::end', () => fail(connected ? 'closed' : 'unreachable'));
    });
  }

  /** Where FreeSWITCH is. */
  get remoteAddress(): string | null {
    return this.connection.socket?.remoteAddress?.replace(/^::ffff:/, '') ?? null;
  }

  /** Whether drachtio-fsmrf waits for the event socket of this channel. */
  awaits(id: string): boolean {
    return this.#server.pendingConnections.has(id) && !this.#arrived.has(id);
  }

  /**
   * Gives drachtio-fsmrf the event socket of a channel that it waits for. `connect` was sent on it, and `answer` is
   * what came back.
   */
  adopt(id: string, socket: Socket, answer: Buffer): void {
    this.#arrived.set(id, socket);
    socket.on('close', () => this.#arrived.delete(id));
    const write = socket.write;
    socket.write = () => true;
    this.#server._server.server.emit('connection', socket);
    socket.write = write;
    socket.emit('data', answer);
  }

  /**
   * A new channel, called with this offer. Rejects with an error whose `status` is the SIP answer of FreeSWITCH, when it
   * has one. `onGone` is called when the channel's dialog ends otherwise than by us, at any time after.
   */
  async createChannel(
    offerSdp: string,
    headers: Readonly<Record<string, string>>,
    onGone: () => void,
  ): Promise<NewChannel> {
    const invitation: Invitation = { offerSdp, onGone, id: '', dialog: null, over: false };
    this.#invitation = invitation;
    try {
      // createUAC is called before this returns. The SDP is put in there: of SRTP drachtio-fsmrf takes none.
      const endpoint = await this.#server.createEndpoint({ remoteSdp: 'v=0', headers: { ...headers } });
      this.#arrived.delete(invitation.id);
      const { conn, uuid, local } = endpoint;
      if (conn === null || invitation.dialog === null) throw new NodeFailure('closed');
      // Without a listener it would be printed.
      endpoint.on('destroy', () => {});
      return { uuid, connection: conn, dialog: invitation.dialog, localSdp: local.sdp };
    } catch (error) {
      invitation.over = true;
      this.#arrived.get(invitation.id)?.destroy();
      if (invitation.dialog) void this.#options.sip.hangUp(invitation.dialog);
      throw error;
    }
  }

  /** Ends the connection and whatever waits on it. Idempotent. */
  close(): void {
    for (const socket of this.#arrived.values()) socket.destroy();
    this.connection.socket?.destroy();
  }

  async #invite(uri: string, { headers }: { headers: Record<string, string> }): Promise<{ destroy(): void }> {
    const invitation = this.#invitation;
    this.#invitation = null;
    if (!invitation) throw new NodeFailure('closed');
    invitation.id = (headers['User-Agent'] ?? '').replace('drachtio-fsmrf:', '');
    const { sip, deadlineMs } = this.#options;
    const calling = sip.invite(
      uri,
      { headers, localSdp: invitation.offerSdp },
      { onGone: invitation.onGone },
    );
    calling.then(
      (dialog) => {
        if (invitation.over) void sip.hangUp(dialog);
      },
      () => {},
    );
    const dialog = await within(calling, deadlineMs);
    invitation.dialog = dialog;
    return { destroy: () => void sip.hangUp(dialog) };
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NodeFailure('silent')), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** drachtio-modesl throws out of the socket's event at what it cannot decode, and keeps whatever has no end. */
function harden(connection: Connection): void {
  const { socket } = connection;
  if (!socket) return;
  socket.setKeepAlive(true, 10_000);
  socket.setNoDelay(true);
  for (const read of socket.listeners('data') as ((chunk: Buffer) => void)[]) {
    socket.removeListener('data', read);
    socket.on('data', (chunk: Buffer) => {
      try {
        read(chunk);
        if ((connection.parser?.buffer.length ?? 0) > MOST_UNREAD) socket.destroy();
      } catch {
        socket.destroy();
      }
    });
  }
}
