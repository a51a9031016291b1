import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { Conditions } from './conditions.js';
import { within } from './deadline.js';
import type { Certificate } from './gateway.js';

const DEADLINE_MS = 5000;

/** A turn as it arrived. */
export interface ReceivedTurn {
  readonly session: string;
  readonly turn: number;
  readonly flow: string;
  readonly event: string;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly digits?: string;
}

/** What to do with one turn: answer with this object or this text, say nothing, or end the connection. */
export type BotAct = object | string | 'never' | 'reset';

/** A small bot over HTTP and WebSocket, on a port of its own on loopback. Does what {@link script} lists, then is done. */
export class BotServer {
  readonly turns: ReceivedTurn[] = [];
  readonly authorizations: (string | undefined)[] = [];
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #connections = new Set<Socket>();
  readonly #script: BotAct[] = [];
  readonly #conditions = new Conditions(DEADLINE_MS);
  readonly #secure: boolean;

  private constructor(certificate: Certificate | null) {
    this.#secure = certificate !== null;
    const answer = (request: IncomingMessage, response: ServerResponse) => this.#post(request, response);
    this.#server = certificate ? createTlsServer(certificate, answer) : createServer(answer);
    this.#server.on('upgrade', (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.authorizations.push(request.headers.authorization);
        webSocket.on('error', () => {});
        webSocket.on('message', (data) => this.#message(webSocket, String(data)));
      });
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#connections.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#connections.delete(socket);
        this.#conditions.changed();
      });
    });
  }

  static async start(certificate: Certificate | null = null): Promise<BotServer> {
    const bot = new BotServer(certificate);
    const listening = new Promise<void>((resolve) => bot.#server.listen(0, '127.0.0.1', resolve));
    await within(listening, DEADLINE_MS, 'bot server listening');
    return bot;
  }

  url(transport: 'http' | 'ws'): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${transport}${this.#secure ? 's' : ''}://${this.#secure ? 'localhost' : '127.0.0.1'}:${port}/bot`;
  }

  script(...acts: BotAct[]): void {
    this.#script.push(...acts);
  }

  /** Resolves when a turn with this event has arrived. */
  async received(event: string): Promise<void> {
    await this.#conditions.when(
      () => this.turns.some((turn) => turn.event === event),
      `bot server: ${event}`,
    );
  }

  /** Resolves when the condition holds after a turn. */
  async until(condition: () => boolean): Promise<void> {
    await this.#conditions.when(condition, 'bot server');
  }

  /** Resolves when no connection is open. */
  async idle(): Promise<void> {
    await this.#conditions.when(() => this.#connections.size === 0, 'bot server: connections closed');
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.destroy();
    await within(closed, DEADLINE_MS, 'bot server closed');
  }

  #post(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.authorizations.push(request.headers.authorization);
      const act = this.#take(Buffer.concat(chunks).toString());
      if (act === 'reset') response.destroy();
      else if (act !== 'never')
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(textOf(act));
    });
  }

  #message(socket: WebSocket, text: string): void {
    const act = this.#take(text);
    if (act === 'reset') socket.terminate();
    else if (act !== 'never') socket.send(textOf(act));
  }

  #take(text: string): BotAct {
    const turn = JSON.parse(text) as ReceivedTurn;
    this.turns.push(turn);
    this.#conditions.changed();
    return turn.event === 'end' ? { done: true } : (this.#script.shift() ?? { done: true });
  }
}

const textOf = (act: BotAct): string => (typeof act === 'string' ? act : JSON.stringify(act));
