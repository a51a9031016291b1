import type { Socket } from 'node:net';
import { AdminServer } from './admin-server.js';
import { ApplicationRoutes } from './application-routes.js';
import type { Context, DroppedCounts } from './context.js';
import { SipCore } from './core.js';
import { DialogTable } from './dialog-table.js';
import { Intake } from './intake.js';
import { localConnection } from './local-socket.js';
import { KNOWN_METHODS } from './message.js';
import { completeOptions, type SipServerOptions, type SipServerSettings } from './options.js';
import { RateLimiter } from './rate-limiter.js';
import { SpentTransactions } from './spent-transactions.js';
import { TransactionTable } from './transaction-table.js';
import { Transports } from './transports.js';

/** What is alive, and what was thrown away since the start. */
export interface SipServerStats {
  readonly transactions: number;
  readonly dialogs: number;
  /** SIP connections over TCP. */
  readonly connections: number;
  /** Applications connected and authenticated. */
  readonly clients: number;
  readonly dropped: Readonly<DroppedCounts>;
}

/** A SIP server in this process that speaks drachtio-server's application protocol. */
export interface SipServer {
  /** Port drachtio-srf connects to; 0 when none was asked for. */
  readonly adminPort: number;
  /** Secret drachtio-srf presents. */
  readonly secret: string;
  /** Port of SIP, the same for every transport. */
  readonly sipPort: number;
  /**
   * A connection for an application in this process, as drachtio-server makes one to an application that listens
   * (`srf.listen`): it presents the secret, and gets every request without asking for it. No system call is made on it.
   */
  attach(): Socket;
  /** A URI at which the server is reached: `sip:address:port`. */
  contact(): string;
  stats(): SipServerStats;
  /** Drops calls and connections without a word, and frees every socket and timer. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a SIP server.
 *
 * @throws the system's error when a port cannot be bound, such as EADDRINUSE.
 */
export async function startSipServer(settings: SipServerSettings = {}): Promise<SipServer> {
  const options = completeOptions(settings);
  const intake = new Intake(options.clock, options.coalesceMs, (message) => core.received(message));
  const transports = new Transports(options, (message) => intake.take(message));
  const context: Context = {
    options,
    transports,
    transactions: new TransactionTable(new SpentTransactions(options.clock)),
    dialogs: new DialogTable(),
    routes: new ApplicationRoutes(),
    limiter: new RateLimiter(options.flood, options.clock),
    dropped: { flood: 0, malformed: 0, stray: 0, overload: 0 },
  };
  const core = new SipCore(context);
  const admin = openAdmin(options, context, core);
  await transports.listen();
  try {
    if (options.adminPort !== null) await admin.listen(options.adminAddress, options.adminPort);
  } catch (error) {
    await transports.close();
    throw error;
  }
  return sipServer(options, context, core, admin, intake);
}

function sipServer(
  options: SipServerOptions,
  context: Context,
  core: SipCore,
  admin: AdminServer,
  intake: Intake,
): SipServer {
  const { transports, transactions, dialogs, routes, dropped } = context;
  let closing: Promise<void> | undefined;
  return {
    adminPort: admin.port,
    attach() {
      const [near, far] = localConnection();
      admin.adopt(far, (session) => {
        for (const method of KNOWN_METHODS) routes.add(session, method.toLowerCase());
      });
      return near;
    },
    secret: options.secret,
    sipPort: transports.port,
    contact: () => `sip:${transports.localAddress('')}:${transports.port}`,
    stats: () => ({
      transactions: transactions.size,
      dialogs: dialogs.size,
      connections: transports.connections,
      clients: admin.clients,
      dropped: { ...dropped },
    }),
    close() {
      intake.close();
      core.close();
      closing ??= Promise.all([admin.close(), transports.close()]).then(() => undefined);
      return closing;
    },
  };
}

function openAdmin(options: SipServerOptions, context: Context, core: SipCore): AdminServer {
  const { transports, routes } = context;
  const { log, secret, clock } = options;
  const admin: AdminServer = new AdminServer({
    secret,
    clock,
    hostports: () => {
      const at = `${transports.localAddress('')}:${transports.port}`;
      return options.transports.map((protocol) => `${protocol}/${at}`).join(',');
    },
    onJoined: () => log({ event: 'client-joined', clients: admin.clients }),
    onClosed: (session) => {
      core.applicationLost(session);
      log({ event: 'client-left', clients: admin.clients });
    },
    onRefused: (reason) => log({ event: 'client-refused', reason }),
    onRoute: (session, verb, wanted) => (wanted ? routes.add(session, verb) : routes.remove(session, verb)),
    onSip: (command, tokens, message) => core.command(command, tokens, message),
  });
  return admin;
}
