import type { SecureState } from '../call/views.js';

/**
 * ```
 * requested ──▶ shielding ──▶ active ──▶ unshielding ──▶ ended
 *                   │ a shield fails         ▲
 *                   └────────────────────────┘
 * ```
 * Every way out but a refusal before the first shield leads through `unshielding`, so that what was engaged is
 * released in order (DESIGN.md section 2, rules 1 and 6).
 */
const TRANSITIONS: Readonly<Record<SecureState, readonly SecureState[]>> = {
  requested: ['shielding', 'ended'],
  shielding: ['active', 'unshielding'],
  active: ['unshielding'],
  unshielding: ['ended'],
  ended: [],
};

/** The state of one secure session and its only writer. An illegal move throws. */
export class SessionState {
  readonly #onChange: (state: SecureState) => void;
  #current: SecureState = 'requested';

  constructor(onChange: (state: SecureState) => void) {
    this.#onChange = onChange;
  }

  get current(): SecureState {
    return this.#current;
  }

  to(next: SecureState): void {
    if (!TRANSITIONS[this.#current].includes(next)) {
      throw new Error(`a secure session cannot go from ${this.#current} to ${next}`);
    }
    this.#current = next;
    this.#onChange(next);
  }
}
