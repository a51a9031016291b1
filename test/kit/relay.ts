import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP wire to a server, on a loopback port of its own, that can be cut, go silent, and be spoken into. */
export class Relay {
  readonly port: number;
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #towardsClient: Socket | null = null;
  #asked = '';
  #silent = false;
  #open = true;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#join(client));
  }

  static async start(target: number): Promise<Relay> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Relay(server, target);
  }

  /** Breaks every connection; new ones are broken at once until {@link mend}. */
  cut(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#open = true;
    this.#silent = false;
  }

  /** Keeps connections up, and lets nothing through. */
  silence(): void {
    this.#silent = true;
  }

  /** How often the clients said this, over all connections. */
  asked(text: string): number {
    return this.#asked.split(text).length - 1;
  }

  /** Says something to the client of the latest connection, in the server's place. */
  say(text: string): void {
    this.#towardsClient?.write(text);
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    if (!this.#open) return void client.destroy();
    const server = connect(this.#target, '127.0.0.1');
    this.#towardsClient = client;
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        if (from === client) this.#asked += chunk.toString('utf8');
        if (!this.#silent) to.write(chunk);
      });
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
