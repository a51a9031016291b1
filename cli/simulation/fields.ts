import type { CollectCommand, FlowEvent } from '../../flows/commands.js';
import { collectTwice } from '../../server/call/collect-twice.js';
import { fieldProgress } from '../../server/call/field-progress.js';
import { heldAs, SecureValues } from '../../server/secure/secure-values.js';
import { collect } from './collect.js';
import type { Line } from './line.js';

/** Attempts of all runs of a call, so that whoever calls can tell one open field from the next. */
export class AttemptCount {
  #count = 0;

  next(): number {
    this.#count += 1;
    return this.#count;
  }
}

/** The fields of one run of a flow: keys go into secure values, whatever the type of the flow. */
export class Fields {
  readonly values = new SecureValues();
  readonly #line: Line;
  readonly #attempts: AttemptCount;
  readonly #signal: AbortSignal;
  #surplusSince: number | null = null;

  constructor(line: Line, attempts: AttemptCount, signal: AbortSignal) {
    this.#line = line;
    this.#attempts = attempts;
    this.#signal = signal;
  }

  /** Keys that come at once are surplus of the field before. */
  swallowSurplus(): void {
    this.#surplusSince = this.#line.now;
  }

  /** `signal` ends the attempt, in place of what ends the run. */
  async collect(command: CollectCommand, signal = this.#signal): Promise<FlowEvent> {
    const { field, into } = command;
    const held = heldAs(into);
    const value = this.values.create(held, field.kind);
    const options = {
      line: this.#line,
      attempt: this.#attempts.next(),
      value,
      card: field.cardVariable === null ? null : (this.values.get(field.cardVariable) ?? null),
      signal,
      surplusSince: this.#surplusSince,
      onProgress: fieldProgress(command, (progress) =>
        this.#line.tell({ type: 'field', scope: into.scope, progress }),
      ),
    };
    const collected = await collectTwice(command, options, collect);
    this.#surplusSince = collected.surplusSince;
    const { result } = collected;
    if (result.ok && into.scope === 'secure') return { type: 'collected', result: { ok: true } };
    const plain = result.ok
      ? value.use('extract', (digits) => Buffer.from(digits).toString('latin1'))
      : undefined;
    this.values.drop(held);
    return { type: 'collected', result: result.ok ? { ok: true, value: plain } : result };
  }
}
