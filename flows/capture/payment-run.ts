import type { Changes, Outcome, Run } from '../actions/action.js';
import { bareName } from '../actions/fields.js';
import type { CaptureError, CollectCommand, CollectFailure, FlowCommand, FlowEvent } from '../commands.js';
import { milliseconds } from '../duration.js';
import { isFinal } from '../final-errors.js';
import type { Prompt } from '../prompt.js';
import { ATTEMPTS, collectCommand, commandField } from './field-spec.js';
import { MAIN_FIELD, type PaymentField, paymentFields } from './payment-fields.js';
import type { PaymentKeys } from './payment-keys.js';
import { ACCOUNT_ENDING, ACCOUNT_KEYED, CONFIRM_KEYS, cardEnding } from './payment-texts.js';

/** How often a caller may say that what was read back is wrong. */
const MOST_REFUSALS = 3;

/** What the action keeps between its commands. No digit but the last four is ever in it. */
type Memory = {
  readonly phase: 'fill' | 'held' | 'heldBrand' | 'ask' | 'brand' | 'ending' | 'confirm';
  /** Fields that have to be keyed, by their place; the first of them is the one that is asked for. */
  readonly open: readonly number[];
  /** Fields whose plain value has not been tried. */
  readonly untried: readonly number[];
  /** Fields that have the flow's plain value: nobody is asked for them. */
  readonly filled: readonly number[];
  readonly attempt: number;
  readonly error: string | null;
  /** Of the card; empty when it is not known. */
  readonly brand: string;
  readonly last4: string;
  readonly refusals: number;
};

/**
 * A payment's fields, decided from the answers to one command after the other. Keys are the collector's business, and the
 * order is
 *
 * ```
 *   fill ─▶ held ─▶ heldBrand ─▶ ask ⇄ brand ─▶ ending ─▶ confirm ─1─▶ collected
 *                                 ▲                          │ 2
 *                                 └──────────────────────────┘
 * ```
 * without the phases that there is nothing to do in.
 */
export class PaymentRun {
  readonly #keys: PaymentKeys;
  readonly #run: Run;
  readonly #fields: readonly PaymentField[];

  constructor(keys: PaymentKeys, run: Run) {
    this.#keys = keys;
    this.#run = run;
    this.#fields = paymentFields(keys);
  }

  begin(): Outcome {
    const all = [...this.#fields.keys()];
    return this.#fill({
      phase: 'fill',
      open: all,
      untried: all.filter((index) => this.#plainValue(index) !== ''),
      filled: [],
      attempt: 1,
      error: null,
      brand: '',
      last4: '',
      refusals: 0,
    });
  }

  resume(event: FlowEvent): Outcome {
    const memory = this.#run.memory as Memory;
    switch (memory.phase) {
      case 'fill':
        return this.#tried(memory, event.type === 'collected' && event.result.ok);
      case 'held':
        return this.#skip(memory, event.type === 'held' ? event.names : []);
      case 'heldBrand':
        return this.#judgeHeld({ ...memory, brand: textOf(event) });
      case 'brand':
        return this.#ask({ ...memory, brand: textOf(event) });
      case 'ending':
        return this.#confirm({ ...memory, last4: textOf(event), attempt: 1 });
      case 'ask':
        return event.type === 'collected' ? this.#keyed(memory, event.result) : { kind: 'next' };
      case 'confirm':
        return event.type === 'collected' ? this.#answered(memory, event.result) : { kind: 'next' };
    }
  }

  #fill(memory: Memory): Outcome {
    const [index] = memory.untried;
    const field = index === undefined ? undefined : this.#fields[index];
    if (index === undefined || !field) return this.#askHeld(memory);
    const value = this.#plainValue(index);
    const into = bareName(field.spec.into);
    return wait({ ...memory, phase: 'fill' }, { do: 'fill', field: commandField(field.spec), into, value });
  }

  #tried(memory: Memory, isFilled: boolean): Outcome {
    const [index = -1, ...untried] = memory.untried;
    if (!isFilled) return this.#fill({ ...memory, untried });
    const open = memory.open.filter((one) => one !== index);
    return this.#fill({ ...memory, untried, open, filled: [...memory.filled, index] });
  }

  #askHeld(memory: Memory): Outcome {
    if (this.#keys.known === 'ask' || memory.open.length === 0) return this.#ask(memory);
    return wait({ ...memory, phase: 'held' }, { do: 'held', names: this.#required(memory) });
  }

  #skip(memory: Memory, held: readonly string[]): Outcome {
    const open = memory.open.filter((index) => !held.includes(this.#variable(index)));
    const card = this.#place('cardNumber');
    if (card < 0 || open.includes(card)) return this.#ask({ ...memory, open: this.#withCard(open) });
    return wait({ ...memory, open, phase: 'heldBrand' }, this.#extract(card, 'brand'));
  }

  /** A card that is known but not accepted here is asked for all the same. */
  #judgeHeld(memory: Memory): Outcome {
    const { brands } = this.#keys;
    const isAccepted = memory.brand !== '' && (!brands || brands.some((one) => one === memory.brand));
    if (isAccepted) return this.#ask(memory);
    const open = this.#withCard([this.#place('cardNumber'), ...memory.open]);
    return this.#ask({ ...memory, open, brand: '' });
  }

  #ask(memory: Memory): Outcome {
    const [index] = memory.open;
    if (index === undefined) return this.#askEnding(memory);
    return this.#collect(index, { ...memory, phase: 'ask', attempt: 1, error: null });
  }

  #collect(index: number, memory: Memory): Outcome {
    const field = this.#fields[index];
    if (!field) return this.#askEnding(memory);
    const { attempt, brand } = memory;
    const situation = { attempt, error: memory.error as CaptureError | null, brand: brand || null };
    const command = collectCommand(field.spec, situation, this.#run, this.#shown(memory));
    const required = this.#required(memory);
    return wait(memory, { ...command, required, focusable: this.#focusable(index, memory) });
  }

  #keyed(memory: Memory, result: Result): Outcome {
    const [index = -1, ...open] = memory.open;
    if (result.ok) {
      const isCard = this.#fields[index]?.spec.field === 'cardNumber';
      return isCard
        ? wait({ ...memory, open, phase: 'brand' }, this.#extract(index, 'brand'))
        : this.#ask({ ...memory, open });
    }
    if (result.error === 'focus') return this.#focus(memory, result.field);
    const { error } = result;
    const attempts = this.#fields[index]?.spec.attempts ?? ATTEMPTS;
    if (isFinal(error) || memory.attempt >= attempts) return this.#failed(memory, error);
    return this.#collect(index, { ...memory, attempt: memory.attempt + 1, error });
  }

  #askEnding(memory: Memory): Outcome {
    if (this.#keys.confirm === undefined) return this.#collected();
    const { method } = this.#keys;
    const main = this.#place(MAIN_FIELD[method]);
    const part = method === 'card' ? 'last4' : 'accountEnd';
    return wait({ ...memory, phase: 'ending' }, this.#extract(main, part));
  }

  #confirm(memory: Memory): Outcome {
    const { cancelKey, bargeIn = true, typeAhead = 'keep', firstDigitTimeout = '5s' } = this.#keys;
    const { prompt, attempts = ATTEMPTS } = this.#confirmKeys;
    const timeoutMs = milliseconds(firstDigitTimeout);
    const command: CollectCommand = {
      do: 'collect',
      field: { kind: 'menu', min: 1, max: 1, brands: [], cardVariable: null, choices: '12' },
      into: { scope: 'menu', name: this.#run.action.name },
      audio: this.#run.audio(prompt ?? this.#readBack(memory), this.#shown(memory)),
      again: null,
      bargeIn,
      firstDigitTimeoutMs: timeoutMs,
      interDigitTimeoutMs: timeoutMs,
      totalTimeoutMs: timeoutMs,
      terminator: cancelKey === '#' ? null : '#',
      clearKey: null,
      cancelKey: cancelKey === undefined || cancelKey === 'none' ? null : cancelKey,
      typeAhead,
      attempt: memory.attempt,
      attempts,
      required: [],
    };
    return wait({ ...memory, phase: 'confirm' }, command);
  }

  #answered(memory: Memory, result: Result): Outcome {
    const { again = 'all', attempts = ATTEMPTS } = this.#confirmKeys;
    if (!result.ok) {
      if (isFinal(result.error) || memory.attempt >= attempts) return this.#failed(memory, result.error);
      return this.#confirm({ ...memory, attempt: memory.attempt + 1 });
    }
    if (result.value === '1') return this.#collected();
    const refusals = memory.refusals + 1;
    if (refusals >= MOST_REFUSALS) return this.#failed(memory, 'not-confirmed');
    const keyed = [...this.#fields.keys()].filter((index) => !memory.filled.includes(index));
    const open = again === 'all' ? keyed : this.#withCard([this.#place(again)]);
    return this.#ask({ ...memory, refusals, open });
  }

  #collected(): Outcome {
    const data = this.#result({ status: 'collected' });
    const isDrawn = this.#run.action.blocks.onCollected !== undefined;
    return isDrawn ? { kind: 'path', block: 'onCollected', reason: '', data } : { kind: 'next', data };
  }

  #failed(memory: Memory, reason: Reason): Outcome {
    const [index = -1] = memory.phase === 'confirm' ? [] : memory.open;
    const isCancelled = reason === 'caller-interrupted-with-star' || reason === 'cancelled-by-agent';
    const isTold = reason === 'timeout' || isCancelled || reason === 'caller-hung-up';
    const error = isTold ? reason : 'too-many-failed-attempts';
    const status = isCancelled ? 'cancelled' : 'failed';
    const data = this.#result({ status, reason, error, field: this.#variable(index) });
    const isDrawn = this.#run.action.blocks.onCancelled !== undefined;
    return { kind: 'path', block: isCancelled && isDrawn ? 'onCancelled' : 'onFailed', reason: error, data };
  }

  /** The agent's wish comes first; a field that was keyed is keyed anew. */
  #focus(memory: Memory, name: string): Outcome {
    const wanted = this.#fields.findIndex((_, index) => this.#variable(index) === name);
    const rest = this.#withCard([wanted, ...memory.open]).filter((index) => index !== wanted);
    return this.#ask({ ...memory, open: [wanted, ...rest] });
  }

  /** A code is judged by its card, so the card has to be there. */
  #focusable(asked: number, { open, filled }: Memory): readonly string[] {
    const isCardOpen = open.includes(this.#place('cardNumber'));
    return [...this.#fields.keys()]
      .filter((index) => index !== asked && !filled.includes(index))
      .filter((index) => !isCardOpen || this.#fields[index]?.spec.field !== 'securityCode')
      .map((index) => this.#variable(index));
  }

  /** A new card takes the date and the code of its own with it, whatever is held of the one before. */
  #withCard(open: readonly number[]): readonly number[] {
    if (!open.includes(this.#place('cardNumber'))) return open;
    const own = new Set([...open, this.#place('expiry'), this.#place('securityCode')]);
    return [...own].filter((index) => index >= 0).sort((a, b) => a - b);
  }

  #readBack({ brand, last4 }: Memory): Prompt {
    const begin = this.#keys.method === 'card' ? cardEnding(brand) : ACCOUNT_ENDING;
    const ending = { digits: `data.${this.#run.action.name}.last4` };
    return last4 === '' ? [ACCOUNT_KEYED, CONFIRM_KEYS] : [begin, ending, CONFIRM_KEYS];
  }

  get #confirmKeys(): Exclude<PaymentKeys['confirm'], true | undefined> {
    const { confirm = {} } = this.#keys;
    return confirm === true ? {} : confirm;
  }

  /** What the prompts of the action see; it goes no further than to the caller who keyed it. */
  #shown({ brand, last4 }: Memory): NonNullable<Changes['data']> {
    return this.#result({ brand, last4 });
  }

  #result(result: Readonly<Record<string, string>>): NonNullable<Changes['data']> {
    const none = { status: '', reason: '', error: '', message: '', field: '' };
    return { [this.#run.action.name]: { ...none, ...result } };
  }

  #extract(index: number, transform: 'brand' | 'last4' | 'accountEnd'): FlowCommand {
    return { do: 'extract', source: this.#variable(index), transform };
  }

  #plainValue(index: number): string {
    const source = this.#fields[index]?.value;
    return source === undefined ? '' : String(this.#run.evaluate(source) ?? '').replace(/[^0-9]/g, '');
  }

  #required({ open }: Memory): readonly string[] {
    return open.map((index) => this.#variable(index));
  }

  #variable(index: number): string {
    return bareName(this.#fields[index]?.spec.into ?? '');
  }

  #place(kind: string): number {
    return this.#fields.findIndex(({ spec }) => spec.field === kind);
  }
}

type Reason = CollectFailure['error'] | 'not-confirmed';
type Result = Extract<FlowEvent, { type: 'collected' }>['result'];

function wait(memory: Memory, command: FlowCommand): Outcome {
  return { kind: 'wait', command, attempt: memory.attempt, memory };
}

function textOf(event: FlowEvent): string {
  return event.type === 'extracted' && typeof event.value === 'string' ? event.value : '';
}
