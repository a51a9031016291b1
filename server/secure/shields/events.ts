import type { CallEvents } from '../../call/events.js';
import type { Shield } from './shield.js';

/** Cuts every event of the conversation down to its allow-listed fields, for API readers and the log alike. */
export class EventsShield implements Shield {
  readonly name = 'events';
  readonly #events: CallEvents;
  readonly #conversationId: string;

  constructor(events: CallEvents, conversationId: string) {
    this.#events = events;
    this.#conversationId = conversationId;
  }

  async engage(): Promise<void> {
    this.#events.enterSecure(this.#conversationId);
    if (this.#showsMore()) throw new Error('events still show fields that are not allow-listed');
  }

  async release(): Promise<void> {
    this.#events.leaveSecure(this.#conversationId);
  }

  #showsMore(): boolean {
    const probe = { type: 'conversation.state', state: 'secure', probe: true } as const;
    return 'probe' in this.#events.preview(this.#conversationId, probe);
  }
}
