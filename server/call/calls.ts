import { randomUUID } from 'node:crypto';
import type { CaptureCommand } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { MediaError, type MediaServer } from '../../media/media-server.js';
import { firstOf, pause } from '../abort.js';
import type { Bots } from '../bots/bots.js';
import type { DataActions } from '../data-actions/data-actions.js';
import { TacetError } from '../errors.js';
import type { RunningCall } from '../flows/flow-dependents.js';
import { type Flows, remembering } from '../flows/published-flows.js';
import type { SecureSessions } from '../secure/secure-sessions.js';
import type { SecureStay } from '../secure/secure-stay.js';
import type { IncomingCall, Signalling } from '../sip/signalling.js';
import { type TransferTargets, transferBy } from '../transfer/transfers.js';
import { type CallServices, SessionRequestSlot, serveCall } from './call.js';
import { Conversation } from './conversation.js';
import type { Conversations } from './conversations.js';
import { type CallRecord, EndedCalls } from './ended-calls.js';
import type { CallEvents } from './events.js';
import { Leg } from './leg.js';
import { Participant } from './participant.js';
import type {
  AttributeChanges,
  CallEnd,
  ConversationView,
  ParticipantView,
  SecureSessionRequest,
  SecureSessionView,
} from './views.js';

/** How long the answer to an offer of ours may take (RFC 3261 timer H). */
const ANSWER_DEADLINE_MS = 32_000;

export interface CallsOptions extends TransferTargets {
  readonly signalling: Signalling;
  readonly media: MediaServer;
  /** Serves customers while a secure session lasts; null: `media` does. */
  readonly vault: MediaServer | null;
  /** Asked by each call when it begins. */
  readonly flows: Flows;
  /** User part of the request URI to the name of an inbound flow; `*` for every other user part. */
  readonly routes: ReadonlyMap<string, string>;
  readonly sessions: SecureSessions;
  readonly dataActions: DataActions;
  readonly bots: Bots;
  readonly events: CallEvents;
  readonly onError: (conversationId: string, error: unknown) => void;
  /** A call has given back everything. */
  readonly onEnded?: () => void;
}

interface Live {
  readonly conversation: Conversation;
  /** The flow that answered, and those it went on with. */
  readonly taken: ReadonlySet<Flow>;
  readonly requests: SessionRequestSlot;
  readonly sessions: Map<string, SecureStay>;
  /** Aborted when the process stops: a signal of the call's own, since one for all would collect listeners of each. */
  readonly stop: AbortController;
  readonly finished: Promise<void>;
}

/** Takes calls in, runs each to its end, and lets the API look at them and start secure sessions. */
export class Calls implements Conversations {
  readonly #options: CallsOptions;
  readonly #live = new Map<string, Live>();
  readonly #answering = new Set<Promise<void>>();
  readonly #ended = new EndedCalls();
  #draining = false;
  #stopped = false;

  constructor(options: CallsOptions) {
    this.#options = options;
    for (const engine of [options.media, options.vault]) {
      engine?.onLost((endpoints) => {
        for (const { conversation } of this.#live.values()) {
          if (conversation.servedBy(endpoints)) void conversation.abandon('media-failed');
        }
      });
    }
  }

  /** Calls that hold resources: answered ones and those being answered. */
  get liveCount(): number {
    return this.#live.size + this.#answering.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Handles one INVITE. Every outcome, a throw included, ends in an answer to it. */
  take(incoming: IncomingCall): void {
    const work = this.#answer(incoming)
      .catch((error: unknown) => {
        const verdict = verdictOf(error);
        incoming.reject(verdict.sipStatus, verdict.message);
        if (verdict.code === 'internal') this.#options.onError('', error);
      })
      .finally(() => this.#answering.delete(work));
    this.#answering.add(work);
  }

  list(): readonly ConversationView[] {
    const live = [...this.#live.values()].map(({ conversation }) => conversation).reverse();
    return [...live, ...this.#ended.list()].map((record) => record.view());
  }

  get(id: string): ConversationView {
    return this.#find(id).view();
  }

  async startSecureSession(id: string, request: SecureSessionRequest): Promise<SecureSessionView> {
    const record = this.#find(id);
    const live = this.#live.get(id);
    const source = live?.conversation.agent;
    const known = record.view().participants.find(({ id: one }) => one === request.sourceParticipantId);
    if (!known) throw new TacetError('participant-not-found');
    if (known.role !== 'agent') throw new TacetError('participant-not-agent');
    if (record.sessions.some((session) => !session.ended)) throw new TacetError('session-in-progress');
    if (!live?.requests.open || source?.id !== known.id) throw new TacetError('no-active-call');
    const session = this.#options.sessions.create(live.conversation, {
      flow: request.flow,
      invocationData: request.invocationData ?? '',
      source,
      disconnect: request.disconnect ?? false,
      shutdown: live.stop.signal,
    });
    live.sessions.set(session.id, session.stay);
    live.requests.put(session);
    return session.view();
  }

  setAttributes(id: string, participantId: string, { attributes }: AttributeChanges): ParticipantView {
    const known = this.#find(id)
      .view()
      .participants.some((one) => one.id === participantId);
    if (!known) throw new TacetError('participant-not-found');
    const { conversation } = this.#liveCall(id);
    const everybody = [conversation.customer, ...conversation.others];
    const participant = everybody.find((one) => one.id === participantId);
    if (!participant) throw new TacetError('participant-not-found');
    // To compare with what is keyed now would let a client guess it, one request after the other.
    if (conversation.sessions.some((session) => !session.ended)) throw new TacetError('session-in-progress');
    const refusal = participant.setAttributes(attributes, (event) => conversation.publish(event));
    if (refusal !== null) throw new TacetError('bad-request', refusal.message);
    return participant.view();
  }

  secureSessions(id: string): readonly SecureSessionView[] {
    return this.#find(id).sessions.map((session) => session.view());
  }

  secureSession(id: string, sessionId: string): SecureSessionView {
    const session = this.#find(id).sessions.find((one) => one.id === sessionId);
    if (!session) throw new TacetError('session-not-found');
    return session.view();
  }

  async cancelSecureSession(id: string, sessionId: string): Promise<SecureSessionView> {
    const session = this.#liveSession(id, sessionId);
    session.cancel();
    return session.view();
  }

  async commandCapture(
    id: string,
    sessionId: string,
    command: CaptureCommand,
    by: string | null,
  ): Promise<SecureSessionView> {
    const session = this.#liveSession(id, sessionId);
    session.command(command, by);
    return session.view();
  }

  /** The legs of a live conversation, for tests and the media watch. Throws TacetError when it has ended. */
  legs(id: string): { readonly customer: Leg; readonly agent: Leg | null } {
    const { customer, agent } = this.#liveCall(id).conversation;
    return { customer: customer.leg, agent: agent?.leg ?? null };
  }

  /**
   * Ends each call in which somebody has sent no RTP for so long. Whoever is on hold is spared, and so is a parked
   * agent: a softphone may well be silent while it hears only the comfort tone.
   */
  async endSilent(silenceMs: number): Promise<void> {
    for (const { conversation } of this.#live.values()) {
      const { customer, party } = conversation;
      const talking = party?.state === 'connected' ? [customer, party] : [customer];
      for (const { leg } of talking) {
        const state = await leg.endpoint.state().catch(() => null);
        if (!state || state.held || state.lastPacketAgeMs < silenceMs) continue;
        await conversation.abandon('media-timeout');
      }
    }
  }

  /** Every live call with the flows it is on, those of its secure sessions included. */
  running(): readonly RunningCall[] {
    return [...this.#live.values()].map(({ conversation, taken, sessions }) => {
      const secure = [...sessions.values()]
        .filter((session) => !session.ended)
        .flatMap((session) => [...session.flows]);
      return { conversationId: conversation.id, flows: [...taken, ...secure] };
    });
  }

  /** Takes no new call and resolves when the last one has ended. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.whenIdle();
  }

  /** Resolves when no call holds resources any more. */
  async whenIdle(): Promise<void> {
    while (this.liveCount > 0) {
      await Promise.all([...this.#answering, ...[...this.#live.values()].map(({ finished }) => finished)]);
    }
  }

  /** Ends every call now and resolves when each has given back its ports. */
  async close(): Promise<void> {
    this.#draining = true;
    this.#stopped = true;
    for (const { stop } of this.#live.values()) stop.abort();
    await this.drain();
  }

  #find(id: string): CallRecord {
    const found = this.#live.get(id)?.conversation ?? this.#ended.get(id);
    if (!found) throw new TacetError('conversation-not-found');
    return found;
  }

  #liveCall(id: string): Live {
    this.#find(id);
    const live = this.#live.get(id);
    if (!live) throw new TacetError('no-active-call');
    return live;
  }

  #liveSession(id: string, sessionId: string): SecureStay {
    const view = this.secureSession(id, sessionId);
    const session = this.#live.get(id)?.sessions.get(sessionId);
    if (view.state === 'ended' || !session) throw new TacetError('session-ended');
    return session;
  }

  #route(toUser: string): Flow {
    const { routes, flows } = this.#options;
    const name = routes.get(toUser) ?? routes.get('*');
    const flow = name === undefined ? undefined : flows.get(name);
    if (!flow) throw new TacetError('number-not-routed');
    return flow;
  }

  async #answer(incoming: IncomingCall): Promise<void> {
    if (this.#draining) throw new TacetError('draining');
    const flow = this.#route(incoming.toUser);
    // A caller who starts keying too early must not be heard either: the customer's keys never go to the agent.
    const endpoint = await this.#options.media.createEndpoint({ relaysKeys: false });
    const leg = new Leg(endpoint);
    try {
      const sdp = await (incoming.offer === null ? leg.offer() : leg.answer(incoming.offer));
      if (incoming.cancelled) return await leg.close();
      leg.attach(await incoming.answer(sdp, leg.handlers));
    } catch (error) {
      await leg.close();
      if (incoming.cancelled) return;
      throw error;
    }
    if (incoming.offer === null) await answeredOrGone(leg);
    this.#begin(incoming, leg, flow);
  }

  #begin(incoming: IncomingCall, leg: Leg, flow: Flow): void {
    const { events } = this.#options;
    const { from, to } = incoming;
    const id = randomUUID();
    const customer = new Participant({
      id: randomUUID(),
      role: 'customer',
      address: from,
      leg,
      state: 'connected',
    });
    const conversation = new Conversation({
      id,
      from,
      to,
      flow: flow.name,
      flowVersion: flow.version,
      customer,
      events,
    });
    conversation.publish({ type: 'conversation.started', from, to });
    const requests = new SessionRequestSlot();
    const sessions = new Map<string, SecureStay>();
    const taken = new Set([flow]);
    const stop = new AbortController();
    if (this.#stopped) stop.abort();
    const shutdown = stop.signal;
    const over = firstOf(leg.gone, shutdown);
    const services: CallServices = {
      flow,
      flows: remembering(this.#options.flows, taken),
      dataActions: this.#options.dataActions,
      bots: this.#options.bots,
      shutdown,
      over,
      newSession: (name, invocationData) => {
        const session = this.#options.sessions.create(conversation, {
          flow: name,
          invocationData,
          source: null,
          disconnect: false,
          shutdown,
        });
        sessions.set(session.id, session.stay);
        return session;
      },
      newStay: (running) => {
        const stay = this.#options.sessions.forActions(conversation, running, shutdown);
        sessions.set(stay.id, stay);
        return stay;
      },
      transfer: (command) => {
        const { signalling, media } = this.#options;
        return transferBy(command, this.#options, { conversation, signalling, media, signal: over });
      },
    };
    const finished = this.#run(conversation, services, requests);
    this.#live.set(id, { conversation, taken, requests, sessions, stop, finished });
  }

  async #run(
    conversation: Conversation,
    services: CallServices,
    requests: SessionRequestSlot,
  ): Promise<void> {
    let end: CallEnd = 'flow-error';
    try {
      end = await serveCall(conversation, services, requests);
    } catch (error) {
      end = error instanceof MediaError ? 'media-failed' : 'flow-error';
      this.#options.onError(conversation.id, error);
    } finally {
      await conversation.close(end);
      this.#live.delete(conversation.id);
      this.#ended.add(conversation);
      this.#options.onEnded?.();
    }
  }
}

async function answeredOrGone({ answered, gone }: Leg): Promise<void> {
  await pause(ANSWER_DEADLINE_MS, firstOf(answered, gone));
}

function verdictOf(error: unknown): TacetError {
  if (error instanceof TacetError) return error;
  if (error instanceof MediaError) {
    if (error.code === 'no-port' || error.code === 'engine-lost') return new TacetError('no-media-port');
    if (error.code === 'no-common-codec') return new TacetError('no-common-codec');
    if (error.code === 'unsupported-srtp' || error.code === 'insecure') {
      return new TacetError('srtp-refused', error.message);
    }
    if (error.code === 'bad-sdp') return new TacetError('bad-request', 'the SDP cannot be read');
  }
  return new TacetError('internal');
}
