import type { PlainValue, Refusal } from '../../flows/commands.js';
import { changedData } from '../../flows/plain-data.js';
import type { Reservation } from '../agent/agents.js';
import type { CallEventBody } from './events.js';
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
  #attributes: Readonly<Record<string, PlainValue>> = {};

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

  /** Plain data by name, from flows and the API. */
  get attributes(): Readonly<Record<string, PlainValue>> {
    return this.#attributes;
  }

  /** Sets all of these and publishes it, null removes one; or changes nothing and says why. */
  setAttributes(
    changes: Readonly<Record<string, PlainValue>>,
    publish: (event: CallEventBody) => void,
  ): Refusal | null {
    const changed = changedData(this.#attributes, changes);
    if ('refusal' in changed) return changed.refusal;
    this.#attributes = changed.data;
    publish({ type: 'participant.data', participantId: this.id, role: this.role, attributes: changes });
    return null;
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
    return { id, role, agentId, state: this.#state, address, attributes: { ...this.#attributes } };
  }
}
