import type { Conversation, SessionRecord } from './conversation.js';
import type { ConversationView } from './views.js';

/** What is still asked of a conversation, during the call and afterwards. */
export type CallRecord = Pick<Conversation, 'id' | 'view' | 'sessions'>;

const KEPT = 200;

/**
 * The last calls that have ended. Of each only what it shows is kept: its legs, dialogs and SDP go with the call. What
 * it shows of a secure session may still change, when a charge that was in doubt is settled afterwards.
 */
export class EndedCalls {
  readonly #records = new Map<string, CallRecord>();

  add(conversation: Conversation): void {
    const { id, sessions } = conversation;
    this.#records.set(id, new EndedCall(conversation.view(), sessions));
    const [oldest] = this.#records.keys();
    if (oldest !== undefined && this.#records.size > KEPT) this.#records.delete(oldest);
  }

  get(id: string): CallRecord | undefined {
    return this.#records.get(id);
  }

  /** Newest first. */
  list(): CallRecord[] {
    return [...this.#records.values()].reverse();
  }
}

class EndedCall implements CallRecord {
  readonly sessions: SessionRecord[];
  readonly #view: ConversationView;

  constructor(view: ConversationView, sessions: SessionRecord[]) {
    this.#view = view;
    this.sessions = sessions;
  }

  get id(): string {
    return this.#view.id;
  }

  view(): ConversationView {
    return { ...this.#view, secureSessions: this.sessions.map((session) => session.view()) };
  }
}
