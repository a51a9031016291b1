import { fileURLToPath } from 'node:url';
import type { CaptureCommand } from '../../flows/commands.js';
import { loadLibrary } from '../../flows/loader.js';
import type { Known } from '../../flows/uses.js';
import type { AudioItem } from '../../media/endpoint.js';
import { type Api, type ApiDependencies, createApi } from '../../server/api/api.js';
import { FlowChecker } from '../../server/api/flow-checker.js';
import { TokenStore } from '../../server/api/tokens.js';
import type { Conversations } from '../../server/call/conversations.js';
import { CallEvents } from '../../server/call/events.js';
import type {
  AttributeChanges,
  ConversationView,
  ParticipantView,
  SecureSessionRequest,
  SecureSessionView,
} from '../../server/call/views.js';
import { TacetError } from '../../server/errors.js';
import type { RunningCall } from '../../server/flows/flow-dependents.js';
import { FlowPublishing } from '../../server/flows/flow-publishing.js';
import { FlowStore } from '../../server/flows/flow-store.js';
import { PreparedPrompts } from '../../server/flows/prepared-prompts.js';
import { PublishedFlows } from '../../server/flows/published-flows.js';
import { createLogger, type Logger } from '../../server/log/logger.js';
import { createMetrics } from '../../server/log/metrics.js';
import { MemoryFlowFiles } from './flow-memory.js';

export const TOKEN = 'a-token-for-the-tests-of-the-api-only';

/** The flows that every server has. */
export const LIBRARY = fileURLToPath(new URL('../../../flows/library/', import.meta.url));
export const FLOWS = await loadLibrary([LIBRARY]);

export const SESSION: SecureSessionView = {
  id: 's-1',
  conversationId: 'c-1',
  flow: 'card-payment',
  flowVersion: null,
  state: 'requested',
  sourceParticipantId: 'p-2',
  disconnect: false,
  shields: [],
  end: null,
  reason: null,
  result: {},
  reconciled: [],
  startedAt: '2026-11-23T10:05:00.000Z',
  endedAt: null,
};

export const CONVERSATION: ConversationView = {
  id: 'c-1',
  state: 'talking',
  from: 'sip:+4930555010@192.0.2.10',
  to: 'sip:support@192.0.2.1',
  flow: 'support',
  flowVersion: null,
  participants: [
    {
      id: 'p-1',
      role: 'customer',
      agentId: null,
      state: 'connected',
      address: 'sip:+4930555010@192.0.2.10',
      attributes: { customer: '4711' },
    },
    {
      id: 'p-2',
      role: 'agent',
      agentId: 'agent',
      state: 'connected',
      address: 'sip:agent@192.0.2.20',
      attributes: {},
    },
  ],
  secureSessions: [],
  end: null,
  startedAt: '2026-11-23T10:04:12.345Z',
  endedAt: null,
};

/** One conversation, `c-1`, with one secure session, `s-1`. */
export class FakeConversations implements Conversations {
  readonly started: (readonly [string, SecureSessionRequest])[] = [];
  readonly cancelled: string[] = [];
  readonly commands: (readonly [CaptureCommand, string | null])[] = [];
  /** Thrown by startSecureSession and commandCapture. */
  refusal: Error | null = null;

  list(): readonly ConversationView[] {
    return [CONVERSATION];
  }

  get(id: string): ConversationView {
    if (id !== CONVERSATION.id) throw new TacetError('conversation-not-found');
    return CONVERSATION;
  }

  setAttributes(id: string, participantId: string, { attributes }: AttributeChanges): ParticipantView {
    const participant = this.get(id).participants.find((one) => one.id === participantId);
    if (!participant) throw new TacetError('participant-not-found');
    return { ...participant, attributes: { ...participant.attributes, ...attributes } };
  }

  async startSecureSession(id: string, request: SecureSessionRequest): Promise<SecureSessionView> {
    this.get(id);
    if (this.refusal !== null) throw this.refusal;
    this.started.push([id, request]);
    return SESSION;
  }

  secureSessions(id: string): readonly SecureSessionView[] {
    this.get(id);
    return [SESSION];
  }

  secureSession(id: string, sessionId: string): SecureSessionView {
    this.get(id);
    if (sessionId !== SESSION.id) throw new TacetError('session-not-found');
    return SESSION;
  }

  async cancelSecureSession(id: string, sessionId: string): Promise<SecureSessionView> {
    this.secureSession(id, sessionId);
    this.cancelled.push(sessionId);
    return { ...SESSION, state: 'unshielding' };
  }

  async commandCapture(
    id: string,
    sessionId: string,
    command: CaptureCommand,
    by: string | null,
  ): Promise<SecureSessionView> {
    this.secureSession(id, sessionId);
    if (this.refusal !== null) throw this.refusal;
    this.commands.push([command, by]);
    return { ...SESSION, state: 'active' };
  }
}

export interface Fixture {
  readonly api: Api;
  readonly conversations: FakeConversations;
  readonly events: CallEvents;
  readonly log: string[];
  /** What calls would find, unless a test brought flows of its own. */
  readonly flows: PublishedFlows;
  /** Calls in progress, for what flows are needed by. */
  readonly running: RunningCall[];
  /** Texts of the prompts that are ready. */
  readonly prepared: Set<string>;
}

/** What the configuration of these tests has. */
export const KNOWN: Known = {
  connector: new Set(['payment']),
  dataAction: new Set(),
  agent: new Set(['agent']),
  queue: new Set(),
  trunk: new Set(),
};

const NOW = () => new Date('2026-11-23T10:05:00.000Z');

/** Flows over a store in memory, as the server builds them. */
async function publishable(events: CallEvents, log: Logger) {
  const flows = new PublishedFlows({ flows: FLOWS, files: FLOWS });
  const running: RunningCall[] = [];
  const prepared = new Set<string>();
  const media = {
    prepare: async (items: readonly AudioItem[]) => {
      for (const item of items) prepared.add(JSON.stringify(item));
    },
    release: (items: readonly AudioItem[]) => {
      for (const item of items) prepared.delete(JSON.stringify(item));
    },
  };
  const flowStore = await FlowStore.open(new MemoryFlowFiles(), {}, NOW);
  const flowChecker = new FlowChecker(flows, LIBRARY, {}, KNOWN);
  const prompts = new PreparedPrompts({
    media,
    flows,
    running: () => running.flatMap((call) => call.flows),
  });
  const flowPublishing = new FlowPublishing({
    store: flowStore,
    flows,
    checker: flowChecker,
    prompts,
    routes: [{ user: 'pay', flow: 'pay-by-phone' }],
    known: KNOWN,
    running: () => running,
    events,
    log,
  });
  return { flows, flowStore, flowChecker, flowPublishing, running, prepared };
}

/** An API over fakes; to be closed by its test. */
export async function fixture(more: Partial<ApiDependencies> = {}): Promise<Fixture> {
  const conversations = new FakeConversations();
  const events = new CallEvents(NOW);
  const log: string[] = [];
  const logger = createLogger({ level: 'debug', destination: { write: (line) => void log.push(line) } });
  const { flows, running, prepared, ...published } = await publishable(events, logger);
  const sip = { transactions: 0, dialogs: 0, connections: 0, dropped: 0 };
  const media = {
    endpoints: 0,
    bridges: 0,
    portsInUse: 0,
    portsDraining: 0,
    latenessMs: { p99: 0, max: 0 },
  };
  const metrics = createMetrics({
    events: new CallEvents(),
    conversations,
    liveSecureValues: () => 0,
    media: async () => media,
    sip: () => sip,
  });
  const api = await createApi({
    conversations,
    events,
    flows,
    ...published,
    tokens: new TokenStore([{ name: 'tests', token: TOKEN }]),
    health: { ready: () => ({ ok: true, checks: { sip: { ok: true }, media: { ok: true } } }) },
    metrics: metrics.registry,
    log: logger,
    ...more,
  });
  return { api, conversations, events, log, flows, running, prepared };
}
