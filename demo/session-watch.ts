import type { CallEvent } from '../server/call/events.js';
import type { SecureEnd } from '../server/call/views.js';
import type { Moments } from './judge.js';

/** The shield that keeps the agent from the customer: first up, last down. */
const AGENT_SHIELD = 'agent-leg';

/** Notes the moments of a secure session. Must be told each event at the time it is published. */
export class SessionWatch {
  /** Resolves when the session has ended. */
  readonly ended: Promise<SecureEnd | null>;
  #end: (how: SecureEnd | null) => void = () => {};
  #requestedAt: number | null = null;
  #activeAt: number | null = null;
  #shieldedUntil: number | null = null;
  #agentReleased = false;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get moments(): Moments {
    return { requestedAt: this.#requestedAt, activeAt: this.#activeAt, shieldedUntil: this.#shieldedUntil };
  }

  /** The agent asks now. */
  request(): void {
    this.#requestedAt = performance.now();
  }

  see(event: CallEvent): void {
    if (event.type === 'secure.shield' && event.change === 'released') {
      if (event.shield === AGENT_SHIELD) this.#agentReleased = true;
      else this.#stillShielded();
    }
    if (event.type !== 'secure.state') return;
    if (event.state === 'active') this.#activeAt = performance.now();
    if (event.state === 'unshielding') this.#stillShielded();
    if (event.state === 'ended') this.#end(event.end);
  }

  #stillShielded(): void {
    if (!this.#agentReleased) this.#shieldedUntil = performance.now();
  }
}
