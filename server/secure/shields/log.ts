import type { LogGate } from '../../log/log-gate.js';
import type { Shield } from './shield.js';

/** Cuts the conversation's log lines down to allow-listed fields. */
export class LogShield implements Shield {
  readonly name = 'log';
  readonly #gate: LogGate;
  readonly #conversationId: string;

  constructor(gate: LogGate, conversationId: string) {
    this.#gate = gate;
    this.#conversationId = conversationId;
  }

  async engage(): Promise<void> {
    this.#gate.enter(this.#conversationId);
    const probe = `${JSON.stringify({ conversation: this.#conversationId, probe: true })}\n`;
    if (this.#gate.filter(probe).includes('probe')) throw new Error('the log still shows every field');
  }

  async release(): Promise<void> {
    this.#gate.leave(this.#conversationId);
  }
}
