import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import { drachtioServers } from '../../config/secrets.js';
import type { Logger } from '../log/logger.js';
import type { SipStats } from '../log/metrics.js';
import { DrachtioSignalling } from './drachtio-signalling.js';
import type { SipServerAccess } from './srf-connection.js';

/** Where peers reach the SIP side. */
export interface SipAddress {
  readonly sipAddress: string;
  readonly sipPort: number;
}

/** What speaks SIP for this process: its own server, or drachtio-servers. drachtio-srf drives either. */
export interface SipSide {
  readonly signalling: DrachtioSignalling;
  address(): SipAddress;
  stats(): SipStats;
  /** Says BYE in every dialog, then closes everything. */
  close(): Promise<void>;
}

/**
 * Binds the SIP ports of the embedded server, or with `sip.drachtio` reads the secrets of the servers there.
 * Rejects with the system's error or with ConfigError.
 */
export function openSipSide(config: Config, log: Logger): Promise<SipSide> {
  return config.sip.drachtio.length > 0 ? drachtioSide(config, log) : embeddedSide(config, log);
}

/** Calls are answered, or agents rung, much sooner as a rule. */
const TRYING_AFTER_MS = 100;
/** Nobody notices it, and at 100 calls a second it saves a third of what a call costs (docs/benchmarks.md). */
const COALESCE_MS = 40;

/** What the log says when a connection comes or goes. */
const CONNECTION_TEXTS = {
  unreachable: 'SIP server not reached; trying on',
  silent: 'SIP server does not answer; trying on',
  'secret-refused': 'SIP server refused the secret; trying on',
  closed: 'SIP server lost; calls over it end; connecting again',
} as const;

function signallingTo(
  servers: readonly SipServerAccess[],
  localHost: string,
  log: Logger,
  journals?: string,
): DrachtioSignalling {
  return new DrachtioSignalling({
    servers,
    localHost,
    ...(journals === undefined ? {} : { journals }),
    onConnection: ({ host, port }, fault) => {
      if (fault === null) log.info({ host, port }, 'SIP server connected');
      else log.error({ host, port }, CONNECTION_TEXTS[fault]);
    },
  });
}

async function embeddedSide({ sip }: Config, log: Logger): Promise<SipSide> {
  // Loaded here only: with drachtio-server no part of it is in the process.
  const { startSipServer } = await import('./embedded/server.js');
  const server = await startSipServer({
    address: sip.address,
    port: sip.port,
    transports: sip.transports,
    advertisedAddress: sip.advertisedAddress,
    flood: sip.floodLimit,
    adminPort: null,
    tryingAfterMs: TRYING_AFTER_MS,
    coalesceMs: COALESCE_MS,
  });
  const { sipPort, secret } = server;
  const own = { host: sip.advertisedAddress, port: sipPort, secret, attach: () => server.attach() };
  const signalling = signallingTo([own], sip.advertisedAddress, log);
  return {
    signalling,
    address: () => ({ sipAddress: sip.advertisedAddress, sipPort }),
    stats() {
      const { transactions, dialogs, connections, dropped } = server.stats();
      const total = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      return { transactions, dialogs, connections, dropped: total };
    },
    async close() {
      await signalling.close();
      await server.close();
    },
  };
}

async function drachtioSide(config: Config, log: Logger): Promise<SipSide> {
  const servers = drachtioServers(config);
  const signalling = signallingTo(servers, 'localhost', log, join(config.dataDirectory, 'sip'));
  return {
    signalling,
    address() {
      const [, address, port] = /^\w+\/(\S+):(\d+)$/.exec(signalling.contacts[0] ?? '') ?? [];
      return { sipAddress: address ?? servers[0]?.host ?? '', sipPort: port ? Number(port) : 5060 };
    },
    // drachtio-server counts transactions, connections and drops for itself, and has metrics of its own.
    stats: () => ({
      transactions: Number.NaN,
      dialogs: signalling.dialogs,
      connections: Number.NaN,
      dropped: 0,
    }),
    close: () => signalling.close(),
  };
}
