import { join } from 'node:path';
import type Srf from 'drachtio-srf';
import type { DrachtioServer } from '../../config/secrets.js';
import { DialogJournal } from './dialog-journal.js';
import { MediaDialogs } from './media-dialogs.js';
import {
  type AnsweredCall,
  type DialogHandlers,
  type IncomingCall,
  type OutgoingCall,
  type Registration,
  type Signalling,
  SipFailure,
} from './signalling.js';
import type { ConnectionFault, SipServerAccess } from './srf-connection.js';
import { guarded, incomingCall, registration } from './srf-incoming.js';
import { leastBusy, SrfLink } from './srf-link.js';
import { placeCall } from './srf-outgoing.js';

const PING_MS = 5000;

export interface DrachtioOptions {
  /** drachtio-servers, or the embedded SIP server. */
  readonly servers: readonly SipServerAccess[];
  /** Host of the From header of calls we make; `localhost` lets drachtio-server write its own. */
  readonly localHost: string;
  /** Time between two pings of a connection, in milliseconds. Default 5000; after two without answer it is lost. */
  readonly pingMs?: number;
  /** Directory of the files that remember dialogs for a process after this one; left out: nothing is remembered. */
  readonly journals?: string;
  /** Called when a connection comes up (null) or why there is none. */
  readonly onConnection?: (server: DrachtioServer, fault: ConnectionFault | null) => void;
}

/** drachtio-srf as {@link Signalling}. With the other srf-*.ts files the one place that knows drachtio-srf. */
export class DrachtioSignalling implements Signalling {
  readonly #options: DrachtioOptions;
  readonly #links: readonly SrfLink[];
  /** Over which server an agent registered, by user: calls to its source must take the same way (RFC 5626 section 5.3). */
  readonly #registered = new Map<string, { readonly source: string; readonly link: SrfLink }>();
  /** Calls to media servers, over the same connections. */
  readonly mediaDialogs: MediaDialogs;
  #handlers: Parameters<Signalling['start']>[0] | null = null;

  constructor(options: DrachtioOptions) {
    this.#options = options;
    this.#links = options.servers.map(
      (server) =>
        new SrfLink({
          server,
          pingMs: options.pingMs ?? PING_MS,
          journal: journalOf(options.journals, server),
          equip: (link, srf) => this.#equip(link, srf),
          onChange: (fault) => options.onConnection?.(server, fault),
        }),
    );
    this.mediaDialogs = new MediaDialogs(this.#links);
  }

  /** At least one server is connected. */
  get ready(): boolean {
    return this.#links.some(({ up }) => up);
  }

  /** How many of the servers are connected, in words. */
  get detail(): string {
    return `${this.#links.filter(({ up }) => up).length} of ${this.#links.length} SIP servers connected`;
  }

  /** What the connected servers say they listen on, such as `udp/192.0.2.1:5060`. */
  get contacts(): readonly string[] {
    return this.#links.flatMap(({ contacts }) => contacts);
  }

  get dialogs(): number {
    return this.#links.reduce((sum, { dialogs }) => sum + dialogs, 0);
  }

  /** Resolves when each server was tried once; one that is not there is tried on until {@link close}. */
  async start(handlers: {
    incoming(call: IncomingCall): void;
    register(registration: Registration): void;
  }): Promise<void> {
    this.#handlers = handlers;
    await Promise.all(this.#links.map((link) => link.start()));
  }

  async call(outgoing: OutgoingCall, handlers: DialogHandlers): Promise<AnsweredCall> {
    if (outgoing.signal.aborted) throw new SipFailure(487, 'cancelled');
    const link = this.#linkTo(outgoing.proxy);
    if (!link) throw new SipFailure(0, 'the SIP server is not connected');
    return placeCall(link, this.#options.localHost, outgoing, handlers);
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }

  /** The server that a phone registered over; for other targets the one with the fewest calls. */
  #linkTo(proxy: string | undefined): SrfLink | undefined {
    const known = [...this.#registered.values()].find(({ source }) => source === proxy);
    if (known) return known.link.up ? known.link : undefined;
    return leastBusy(this.#links);
  }

  /** Every method a peer can send, so that none gets srf's own answer. */
  #equip(link: SrfLink, srf: Srf): void {
    srf.invite((req, res) =>
      guarded(res, () => {
        const call = incomingCall(link, srf, req, res);
        if (call) this.#handlers?.incoming(call);
      }),
    );
    srf.use('register', (req, res) =>
      guarded(res, () => this.#handlers?.register(this.#remembering(link, registration(req, res)))),
    );
    srf.use('options', (_req, res) => guarded(res, () => res.send(200)));
    for (const method of ['info', 'message', 'refer', 'notify', 'publish', 'subscribe', 'update']) {
      srf.use(method, (_req, res) => guarded(res, () => res.send(method === 'message' ? 405 : 481)));
    }
  }

  #remembering(link: SrfLink, request: Registration): Registration {
    const { user, source, accept } = request;
    return {
      ...request,
      accept: (headers) => {
        this.#registered.set(user, { source, link });
        accept(headers);
      },
    };
  }
}

function journalOf(directory: string | undefined, { host, port }: DrachtioServer): DialogJournal | undefined {
  if (directory === undefined) return undefined;
  return new DialogJournal(join(directory, `${host}_${port}.dialogs`));
}
