import type { Reservation } from '../agent/agents.js';
import type { Leg } from './leg.js';
import type { ParticipantView } from './views.js';

/** One party of a conversation. A participant that has ended keeps its place in the conversation's record. */
export class Participant {
  readonly id: string;
  readonly role: ParticipantView['role'];
  readonly agentId: string | null;
  readonly address: string;
  readonly leg: Leg;
  readonly #reservation: Reservation | null;
  #state: ParticipantView['state'];

  constructor(options: {
    id: string;
    role: ParticipantView['role'];
    address: string;
    leg: Leg;
    state: ParticipantView['state'];
    /** Held until the participant ends: a reserved agent gets no other call (G6). */
    reservation?: Reservation;
  }) {
    this.id = options.id;
    this.role = options.role;
    this.address = options.address;
    this.leg = options.leg;
    this.agentId = options.reservation?.agentId ?? null;
    this.#reservation = options.reservation ?? null;
    this.#state = options.state;
  }

  get state(): ParticipantView['state'] {
    return this.#state;
  }

  /** On the call with a leg that still stands. */
  get present(): boolean {
    return (this.#state === 'connected' || this.#state === 'parked') && !this.leg.gone.aborted;
  }

  moveTo(state: 'connected' | 'parked'): void {
    if (this.#state !== 'ended') this.#state = state;
  }

  /** Hangs up, gives the agent free and resolves when the leg's port is given back. Returns false when it had ended before. */
  async end(): Promise<boolean> {
    const first = this.#state !== 'ended';
    this.#state = 'ended';
    await this.leg.close();
    this.#reservation?.release();
    return first;
  }

  view(): ParticipantView {
    const { id, role, agentId, address } = this;
    return { id, role, agentId, state: this.#state, address };
  }
}
