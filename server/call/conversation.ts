import type { FlowNote } from '../../flows/commands.js';
import type { CallEventBody, CallEvents } from './events.js';
import type { Participant } from './participant.js';
import type { CallEnd, ConversationView, SecureSessionView } from './views.js';

type State = ConversationView['state'];

/**
 * ```
 * ivr ⇄ ringing-agent ──▶ talking ⇄ secure
 *  │  ⇄ ringing-external ────┘  │       │
 *  └───────────┬────────────────┴───────┴──▶ ended   (ivr ⇄ secure: a flow without an agent, a transfer out of one)
 * ```
 */
const TRANSITIONS: Readonly<Record<State, readonly State[]>> = {
  ivr: ['ringing-agent', 'ringing-external', 'secure', 'ended'],
  'ringing-agent': ['ivr', 'talking', 'ended'],
  'ringing-external': ['ivr', 'talking', 'ended'],
  talking: ['secure', 'ended'],
  secure: ['talking', 'ivr', 'ended'],
  ended: [],
};

/** What a conversation knows of its secure sessions. */
export interface SessionRecord {
  readonly id: string;
  readonly ended: boolean;
  view(): SecureSessionView;
}

/** One customer's contact: who is on it, what state it is in, what happened. It decides nothing. */
export class Conversation {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly flow: string;
  /** The published version of the flow; null for a file's. */
  readonly flowVersion: number | null;
  readonly customer: Participant;
  readonly sessions: SessionRecord[] = [];
  /** In which the customer heard the last prompts (BCP 47): the next flow goes on in it, when it can. */
  language: string | undefined;
  readonly #events: CallEvents;
  readonly #others: Participant[] = [];
  readonly #startedAt = new Date().toISOString();
  #endedAt: string | null = null;
  #end: CallEnd | null = null;
  #abandoned: CallEnd | null = null;
  #state: State = 'ivr';

  constructor(options: {
    id: string;
    from: string;
    to: string;
    flow: string;
    flowVersion?: number | null;
    customer: Participant;
    events: CallEvents;
  }) {
    this.id = options.id;
    this.from = options.from;
    this.to = options.to;
    this.flow = options.flow;
    this.flowVersion = options.flowVersion ?? null;
    this.customer = options.customer;
    this.#events = options.events;
  }

  get state(): State {
    return this.#state;
  }

  /** The agent on the call now, or null. */
  get agent(): Participant | null {
    return this.#others.findLast(({ present, role }) => present && role === 'agent') ?? null;
  }

  /** Who is on the call beside the customer now, an agent or somebody beyond a trunk; or null. */
  get party(): Participant | null {
    return this.#others.findLast(({ present }) => present) ?? null;
  }

  /** Everybody beside the customer, in the order they were rung, those who have left among them. */
  get others(): readonly Participant[] {
    return this.#others;
  }

  /** One of these endpoints serves somebody who is on the call. */
  servedBy(endpoints: ReadonlySet<string>): boolean {
    return [this.customer, ...this.#others].some(
      ({ state, leg }) => state !== 'ended' && leg.uses(endpoints),
    );
  }

  publish(body: CallEventBody): void {
    this.#events.publish(this.id, body);
  }

  /** A run has entered an action. */
  entered({ language, secure: _secure, ...action }: FlowNote): void {
    this.language = language;
    this.publish({ type: 'flow.action', ...action });
  }

  moveTo(next: Exclude<State, 'ended'>): void {
    this.#change(next);
    this.publish({ type: 'conversation.state', state: next });
  }

  /** An agent who hangs up gives port and reservation back at once, not when the caller has finished paying. */
  add(party: Participant): void {
    this.#others.push(party);
    party.leg.gone.addEventListener('abort', () => void this.endParticipant(party), { once: true });
  }

  /** Ends one participant and says so, once. */
  async endParticipant(participant: Participant): Promise<void> {
    if (await participant.end()) {
      const { id: participantId, role, agentId } = participant;
      this.publish({ type: 'participant.ended', participantId, role, agentId });
    }
  }

  /** Ends everybody who is still there. */
  async endParticipants(): Promise<void> {
    await Promise.all([this.customer, ...this.#others].map((one) => this.endParticipant(one)));
  }

  /** Hangs up on everybody for a reason of ours; the call then ends by itself. */
  async abandon(reason: CallEnd): Promise<void> {
    // Once the customer is gone the call ends for that; what is lost with it is no reason.
    if (!this.customer.leg.gone.aborted) this.#abandoned ??= reason;
    await this.endParticipants();
  }

  /** The last step of every call: everybody is gone, the record is closed. */
  async close(end: CallEnd): Promise<void> {
    await this.endParticipants();
    this.#change('ended');
    this.#end = this.#abandoned ?? end;
    this.#endedAt = new Date().toISOString();
    this.publish({ type: 'conversation.ended', end: this.#end });
  }

  view(): ConversationView {
    const { id, from, to, flow, flowVersion } = this;
    return {
      id,
      state: this.#state,
      from,
      to,
      flow,
      flowVersion,
      participants: [this.customer, ...this.#others].map((one) => one.view()),
      secureSessions: this.sessions.map((session) => session.view()),
      end: this.#end,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
    };
  }

  #change(next: State): void {
    if (!TRANSITIONS[this.#state].includes(next)) {
      throw new Error(`a conversation cannot go from ${this.#state} to ${next}`);
    }
    this.#state = next;
  }
}
