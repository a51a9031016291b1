import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { AdminSession, type AdminSessionSettings } from './admin-session.js';

/** Listens for applications (drachtio-srf's `connect`). */
export class AdminServer {
  readonly #server: Server;
  readonly #settings: AdminSessionSettings;
  readonly #sessions = new Set<AdminSession>();
  #port = 0;

  constructor(settings: AdminSessionSettings) {
    this.#settings = {
      ...settings,
      onClosed: (session: AdminSession) => {
        this.#sessions.delete(session);
        if (session.authenticated) settings.onClosed(session);
      },
    };
    this.#server = createServer((socket) => this.adopt(socket));
  }

  get port(): number {
    return this.#port;
  }

  /** Applications that have authenticated. */
  get clients(): number {
    let count = 0;
    for (const session of this.#sessions) if (session.authenticated) count++;
    return count;
  }

  /** Serves an application at the other end of this connection. `onJoined` is called when it has authenticated. */
  adopt(socket: Socket, onJoined: (session: AdminSession) => void = () => {}): void {
    const settings = {
      ...this.#settings,
      onJoined: (session: AdminSession) => {
        onJoined(session);
        this.#settings.onJoined(session);
      },
    };
    this.#sessions.add(new AdminSession(socket, settings));
  }

  /** Starts listening. Rejects with the system's error, such as EADDRINUSE. */
  async listen(address: string, port: number): Promise<void> {
    this.#server.listen({ port, host: address });
    await once(this.#server, 'listening');
    const bound = this.#server.address();
    this.#port = typeof bound === 'object' && bound ? bound.port : port;
  }

  /** Closes the listener and every connection; resolves once all are closed. */
  async close(): Promise<void> {
    // It may never have listened: an error then.
    const listener = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([listener, ...[...this.#sessions].map((session) => session.close())]);
  }
}
