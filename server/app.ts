import { type AddressInfo, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/schema.js';
import { agentPasswords } from '../config/secrets.js';
import { staticAudio } from '../flows/interpreter.js';
import { loadFlows } from '../flows/loader.js';
import type { MediaServer } from '../media/media-server.js';
import { Agents } from './agent/agents.js';
import { DirectQueues } from './agent/queues.js';
import { Registrar } from './agent/registrar.js';
import { type Api, createApi } from './api/api.js';
import { FlowChecker } from './api/flow-checker.js';
import type { Readiness } from './api/routes/health.js';
import { loadTokens } from './api/tokens.js';
import { Bots } from './bots/bots.js';
import { Calls } from './call/calls.js';
import { CallEvents } from './call/events.js';
import { MediaWatch } from './call/media-watch.js';
import type { Connector } from './connectors/connector.js';
import { createConnector } from './connectors/create-connector.js';
import { DataActions } from './data-actions/data-actions.js';
import { FlowDirectory } from './flows/flow-files.js';
import { FlowPublishing } from './flows/flow-publishing.js';
import { FlowStore } from './flows/flow-store.js';
import { PreparedPrompts } from './flows/prepared-prompts.js';
import { PublishedFlows } from './flows/published-flows.js';
import { logEvents } from './log/call-log.js';
import { LogGate } from './log/log-gate.js';
import { createLogger, type Logger, standardOutput } from './log/logger.js';
import { createMetrics } from './log/metrics.js';
import { openMediaSide } from './media-side.js';
import { checkReferences, knownNames } from './references.js';
import { SecureSessions } from './secure/secure-sessions.js';
import { liveSecureValues } from './secure/secure-value.js';
import { openSipSide, type SipSide } from './sip/sip-side.js';
import { Trunks } from './transfer/trunks.js';

const LIBRARY = fileURLToPath(new URL('../../flows/library/', import.meta.url));

export interface AppOptions {
  /** Takes the log's lines. Default: standard output. */
  readonly logDestination?: { write(line: string): void; flushSync?(): void };
  /** Start-up steps for people, e.g. `prompts 12 of 40`. */
  readonly onProgress?: (step: string) => void;
}

/**
 * Where a started server listens, and the files with generated secrets. A drachtio-server that is not connected yet
 * has not said where it listens: then its host, and port 5060.
 */
export interface Listening {
  readonly sipAddress: string;
  readonly sipPort: number;
  readonly httpUrl: string;
  readonly tokenFile: string | null;
  readonly passwordFiles: readonly string[];
}

/** What the server is made of; {@link buildApp} is the only place that names an adapter. */
interface Parts {
  readonly config: Config;
  readonly log: Logger;
  readonly events: CallEvents;
  readonly flows: PublishedFlows;
  readonly media: MediaServer;
  readonly vault: MediaServer | null;
  readonly agents: Agents;
  readonly calls: Calls;
  readonly api: Api;
  readonly sip: SipSide;
  readonly registrar: Registrar;
  readonly watch: MediaWatch;
  readonly tokenFile: string | null;
  readonly passwordFiles: readonly string[];
  readonly onProgress: (step: string) => void;
  /** In the order they are closed, after calls, API and SIP. */
  readonly closers: readonly (() => void | Promise<void>)[];
}

/**
 * Loads the flows, makes missing secrets, binds the SIP ports and builds everything else without listening.
 * Rejects with FlowError or ConfigError, naming file and line, and leaves nothing open then.
 */
export async function buildApp(config: Config, options: AppOptions = {}): Promise<App> {
  const flowStore = await FlowStore.open(new FlowDirectory(join(config.dataDirectory, 'flows')));
  const loaded = await loadFlows([LIBRARY, ...config.flows.directories], await flowStore.published());
  const known = knownNames(config);
  checkReferences(config, loaded.flows, known);
  const flows = new PublishedFlows(loaded);
  const { passwords, generated } = agentPasswords(config);
  const tokens = loadTokens(config);
  // Not written synchronously: a reader of the log that stalls must not stall calls.
  const logGate = new LogGate(options.logDestination ?? standardOutput());
  const log = createLogger({ level: config.log.level, destination: logGate });
  for (const { name: flow, acknowledgement } of flows.values()) {
    if (acknowledgement) log.info({ flow, ...acknowledgement }, 'shows parts of secure values');
  }
  const events = new CallEvents();
  const connectors = buildConnectors(config, log);
  const dataActions = DataActions.of(config.dataActions);
  const bots = Bots.of(config.bots);
  const agents = new Agents(config.agents);
  const sip = await openSipSide(config, log);
  const mediaSide = await openMediaSide(config, sip.signalling.mediaDialogs, log);
  const { media, vault } = mediaSide;
  const sessions = new SecureSessions({
    flows,
    media,
    vault,
    capture: config.secure.capture,
    events,
    logGate,
    connectors,
    dataActions,
    bots,
    shieldTimeoutMs: config.secure.shieldTimeoutMs,
    leavingGuardMs: config.secure.leavingGuardMs,
    leavingGuardMaxMs: config.secure.leavingGuardMaxMs,
    maxSessionMs: config.secure.maxSessionSeconds * 1000,
  });
  const calls = new Calls({
    signalling: sip.signalling,
    media,
    vault,
    agents,
    queues: new DirectQueues(config.queues, agents),
    trunks: new Trunks(config.trunks),
    flows,
    routes: new Map(config.routes.map(({ user, flow }) => [user, flow])),
    sessions,
    dataActions,
    bots,
    events,
    onError: (conversation, err) => log.error({ conversation, err }, 'call failed'),
    onEnded: () => prompts.sweep(),
  });
  const prompts = new PreparedPrompts({
    media,
    flows,
    running: () => calls.running().flatMap((call) => call.flows),
  });
  const flowChecker = new FlowChecker(flows, config.flows.directories.at(-1) ?? LIBRARY, {}, known);
  const metrics = createMetrics({
    events,
    conversations: calls,
    liveSecureValues,
    media: () => media.stats(),
    sip: () => sip.stats(),
  });
  const api = await createApi({
    conversations: calls,
    events,
    flows,
    flowChecker,
    flowStore,
    flowPublishing: new FlowPublishing({
      store: flowStore,
      flows,
      checker: flowChecker,
      prompts,
      routes: config.routes,
      known,
      running: () => calls.running(),
      events,
      log,
    }),
    tokens,
    health: { ready: () => readiness(sip, media, calls) },
    metrics: metrics.registry,
    log,
  });
  return new App({
    config,
    log,
    events,
    flows,
    media,
    vault,
    agents,
    calls,
    api,
    sip,
    registrar: new Registrar(agents, passwords),
    watch: new MediaWatch(calls, config.media.silenceTimeoutSeconds * 1000),
    tokenFile: tokens.generated?.file ?? null,
    passwordFiles: generated.map(({ file }) => file),
    onProgress: options.onProgress ?? (() => {}),
    closers: [
      () => mediaSide.close(),
      ...[...connectors.values()].map((connector) => () => connector.close()),
      () => bots.close(),
      () => metrics.close(),
      logEvents(events, log),
      () => logGate.flushSync(),
    ],
  });
}

function buildConnectors(config: Config, log: Logger): ReadonlyMap<string, Connector> {
  const onNotice = (notice: object) => log.warn(notice, 'payment gateway');
  return new Map(
    Object.entries(config.connectors).map(([name, one]) => [name, createConnector(name, one, { onNotice })]),
  );
}

function readiness({ signalling }: SipSide, media: MediaServer, calls: Calls): Readiness {
  const checks = {
    sip: { ok: signalling.ready, detail: signalling.detail },
    media: { ok: media.ready, detail: media.detail },
    accepting: { ok: !calls.draining },
  };
  return { ok: Object.values(checks).every(({ ok }) => ok), checks };
}

/** The whole server: {@link start} begins it, {@link close} ends everything that building and starting began. */
export class App {
  readonly #parts: Parts;
  #closing: Promise<void> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get config(): Config {
    return this.#parts.config;
  }

  get log(): Logger {
    return this.#parts.log;
  }

  get events(): CallEvents {
    return this.#parts.events;
  }

  get calls(): Calls {
    return this.#parts.calls;
  }

  get agents(): Agents {
    return this.#parts.agents;
  }

  get media(): MediaServer {
    return this.#parts.media;
  }

  /** What serves customers in secure mode; null when {@link media} does. */
  get vault(): MediaServer | null {
    return this.#parts.vault;
  }

  /** SIP dialogs standing now. */
  get dialogs(): number {
    return this.#parts.sip.signalling.dialogs;
  }

  /** Prepares prompts, then takes calls and HTTP requests. */
  async start(): Promise<Listening> {
    const { config, flows, media, vault, calls, registrar, watch, api, sip, onProgress } = this.#parts;
    await vault?.start();
    await media.start();
    const audio = [...flows.values()].flatMap((flow) => staticAudio(flow));
    await media.prepare(audio, (done, total) => onProgress(`prompts ${done} of ${total}`));
    await sip.signalling.start({
      incoming: (call) => calls.take(call),
      register: (registration) => registrar.handle(registration),
    });
    watch.start();
    await api.listen({ host: config.http.address, port: config.http.port });
    const { address, port } = api.server.address() as AddressInfo;
    return {
      ...sip.address(),
      httpUrl: `http://${isIPv6(address) ? `[${address}]` : address}:${port}`,
      tokenFile: this.#parts.tokenFile,
      passwordFiles: this.#parts.passwordFiles,
    };
  }

  /** Takes no new call and resolves when the last one has ended. */
  drain(): Promise<void> {
    return this.#parts.calls.drain();
  }

  /** Ends every call, then everything else. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { watch, calls, api, sip, closers } = this.#parts;
    watch.stop();
    await calls.close();
    await api.close();
    await sip.close();
    for (const close of closers) await close();
  }
}
