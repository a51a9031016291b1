import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Conditions } from './conditions.js';
import { within } from './deadline.js';

const DEADLINE_MS = 5000;

/** One request whose body has arrived whole. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What to do with one request: answer, say nothing, or end the connection, perhaps in the middle of an answer. */
export type DataReply =
  | { readonly http?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'never'
  | 'reset'
  | 'half';

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** A service for data actions, on a port of its own on loopback. Does what {@link script} lists, then answers `{}`. */
export class DataServer {
  readonly requests: ReceivedRequest[] = [];
  readonly #server: Server;
  readonly #script: DataReply[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #conditions = new Conditions(DEADLINE_MS);

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('error', () => {});
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request;
        this.requests.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
        this.#reply(this.#script.shift() ?? { body: '{}' }, response);
        this.#conditions.changed();
      });
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#conditions.changed();
      });
    });
  }

  static async start(): Promise<DataServer> {
    const server = new DataServer();
    const listening = new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    await within(listening, DEADLINE_MS, 'data server listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/data`;
  }

  script(...replies: DataReply[]): void {
    this.#script.push(...replies);
  }

  /** Resolves when `count` requests have arrived whole, counted from the start. */
  received(count: number): Promise<void> {
    return this.#conditions.when(() => this.requests.length >= count, `data server: request ${count}`);
  }

  /** Resolves when no connection is open. */
  idle(): Promise<void> {
    return this.#conditions.when(() => this.#sockets.size === 0, 'data server: connections closed');
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await within(closed, DEADLINE_MS, 'data server closed');
  }

  #reply(reply: DataReply, response: ServerResponse): void {
    if (reply === 'never') return;
    if (reply === 'reset') response.destroy();
    else if (reply === 'half') {
      response.writeHead(200, { ...JSON_TYPE, 'Content-Length': 100 });
      response.write('{"name":', () => response.destroy());
    } else response.writeHead(reply.http ?? 200, { ...JSON_TYPE, ...reply.headers }).end(reply.body);
  }
}
