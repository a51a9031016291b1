import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { MediaStats } from '../../media/media-server.js';
import type { Conversations } from '../call/conversations.js';
import type { CallEvents } from '../call/events.js';
import { CALL_ENDS, type ConversationView, SECURE_ENDS } from '../call/views.js';

/** What the SIP side counts. */
export interface SipStats {
  readonly transactions: number;
  readonly dialogs: number;
  readonly connections: number;
  /** Requests dropped by the flood limit or as garbage, since the start. */
  readonly dropped: number;
}

export interface MetricSources {
  readonly events: CallEvents;
  readonly conversations: Pick<Conversations, 'list'>;
  readonly liveSecureValues: () => number;
  readonly media: () => Promise<MediaStats>;
  readonly sip: () => SipStats;
}

export interface Metrics {
  readonly registry: Registry;
  /** Stops counting; idempotent. */
  close(): void;
}

const LIVE_STATES = [
  'ivr',
  'ringing-agent',
  'ringing-external',
  'talking',
  'secure',
] as const satisfies ConversationView['state'][];
const DATA_ENDS = ['approved', 'declined', 'in-doubt', 'error'] as const;

/** Counters start at 0 for every label, so that a rate exists before the first event. */
function counter<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  label: L,
  values: readonly string[],
): Counter<L> {
  const made = new Counter({ name, help, labelNames: [label], registers: [registry] });
  for (const value of values) made.inc({ [label]: value } as Record<L, string>, 0);
  return made;
}

function count(registry: Registry, events: CallEvents): () => void {
  const calls = counter(registry, 'tacet_calls_total', 'calls that ended, by reason', 'end', CALL_ENDS);
  const sessions = counter(
    registry,
    'tacet_secure_sessions_total',
    'secure sessions that ended, by reason',
    'end',
    SECURE_ENDS,
  );
  const data = counter(
    registry,
    'tacet_secure_data_total',
    'secure data actions that were answered, by result',
    'status',
    DATA_ENDS,
  );
  return events.subscribe((event) => {
    if (event.type === 'conversation.ended') calls.inc({ end: event.end });
    else if (event.type === 'secure.state' && event.end !== null) sessions.inc({ end: event.end });
    else if (event.type === 'secure.data' && event.status !== 'calling') data.inc({ status: event.status });
  });
}

function gaugeCalls(registry: Registry, { conversations, liveSecureValues }: MetricSources): void {
  new Gauge({
    name: 'tacet_conversations',
    help: 'live conversations, by state',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const live = conversations.list();
      for (const state of LIVE_STATES) {
        this.set({ state }, live.filter((conversation) => conversation.state === state).length);
      }
    },
  });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('tacet_secure_sessions_active', 'secure sessions that have not ended', () => {
    const sessions = conversations.list().flatMap((conversation) => conversation.secureSessions);
    return sessions.filter((session) => session.state !== 'ended').length;
  });
  gauge('tacet_secure_values', 'secure values in memory that are not zeroed yet', liveSecureValues);
}

const SIP_GAUGES = {
  transactions: 'SIP transactions',
  dialogs: 'SIP dialogs',
  connections: 'SIP connections (TCP)',
} as const;

function gaugeSip(registry: Registry, sip: () => SipStats): void {
  for (const key of ['transactions', 'dialogs', 'connections'] as const) {
    new Gauge({
      name: `tacet_sip_${key}`,
      help: SIP_GAUGES[key],
      registers: [registry],
      collect() {
        this.set(sip()[key]);
      },
    });
  }
  new Counter({
    name: 'tacet_sip_dropped_total',
    help: 'SIP requests dropped by the flood limit or as garbage',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(sip().dropped);
    },
  });
}

const MEDIA_GAUGES: readonly (readonly [string, string, (stats: MediaStats) => number])[] = [
  ['endpoints', 'media endpoints', (stats) => stats.endpoints],
  ['bridges', 'pairs of endpoints that hear each other', (stats) => stats.bridges],
  ['ports_in_use', 'RTP ports in use', (stats) => stats.portsInUse],
  ['ports_draining', 'RTP ports given up, not yet reusable', (stats) => stats.portsDraining],
  [
    'lateness_p99_seconds',
    'lateness of packets since the last scrape, p99',
    (stats) => stats.latenessMs.p99 / 1000,
  ],
  [
    'lateness_max_seconds',
    'lateness of packets since the last scrape, worst',
    (stats) => stats.latenessMs.max / 1000,
  ],
];

function gaugeMedia(registry: Registry, media: () => Promise<MediaStats>): void {
  // One question for all gauges of a scrape: each answer starts a new span for the lateness.
  let asked: Promise<MediaStats | null> | null = null;
  const stats = () => {
    asked ??= media()
      .catch(() => null)
      .finally(() => {
        asked = null;
      });
    return asked;
  };
  const gauge = (name: string, help: string, read: (stats: MediaStats | null) => number) =>
    new Gauge({
      name: `tacet_media_${name}`,
      help,
      registers: [registry],
      async collect() {
        this.set(read(await stats()));
      },
    });
  for (const [name, help, read] of MEDIA_GAUGES) {
    gauge(name, help, (answer) => (answer === null ? Number.NaN : read(answer)));
  }
  gauge('up', '1 while the media engine answers', (answer) => (answer === null ? 0 : 1));
}

/**
 * The process's metrics in a registry of their own. Every label comes from a closed list; none can hold data
 * of a caller.
 */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  // The finest precision would wake the idle process a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1000 });
  gaugeCalls(registry, sources);
  gaugeSip(registry, sources.sip);
  gaugeMedia(registry, sources.media);
  const close = count(registry, sources.events);
  return { registry, close };
}
