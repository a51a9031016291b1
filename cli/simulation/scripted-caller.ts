import type { CallDataResult, CaptureCommand } from '../../flows/commands.js';
import { failed } from '../../server/data-actions/data-action.js';
import { type Act, type Caller, KEY_MS, type Moment, THINK_MS } from './caller.js';

/** What a caller does, one thing after the other. */
export type Step =
  | { readonly keys: string }
  /** Ms. */
  | { readonly waitMs: number }
  /** A command of the agent to the field that is being keyed. */
  | { readonly command: CaptureCommand }
  | 'hang-up'
  | 'cancel';

type Planned = NonNullable<Awaited<ReturnType<Caller['next']>>>;

/**
 * Plays a script. Keys, commands, `hang-up` and `cancel` come as soon as a field is open, 700 ms into its prompt; after a
 * wait they come at once, whatever is going on. Then the caller is silent.
 */
export class ScriptedCaller implements Caller {
  readonly #steps: Step[];
  #planned: Planned[] = [];
  /** Not before: the end of a wait. Null when the last step was none. */
  #waitsUntil: number | null = null;

  constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
  }

  async next(moment: Moment): Promise<Planned | null> {
    if (this.#planned.length === 0) this.#plan(moment);
    const [first] = this.#planned;
    if (!first || first.at > moment.until) return null;
    this.#planned.shift();
    return first;
  }

  async answer(): Promise<CallDataResult> {
    return failed('no-answer', 'the script has no answer for this call');
  }

  #plan({ now, field }: Moment): void {
    for (let [step] = this.#steps; step !== undefined; [step] = this.#steps) {
      if (typeof step === 'object' && 'waitMs' in step) {
        this.#waitsUntil = (this.#waitsUntil ?? now) + step.waitMs;
        this.#steps.shift();
        continue;
      }
      if (this.#waitsUntil === null && field === null) return;
      this.#steps.shift();
      const from = this.#waitsUntil ?? now + THINK_MS;
      this.#waitsUntil = null;
      this.#planned = actsOf(step).map((act, index) => ({ at: from + index * KEY_MS, act }));
      return;
    }
  }
}

function actsOf(step: Exclude<Step, { readonly waitMs: number }>): Act[] {
  if (typeof step === 'string') return [{ do: step }];
  if ('command' in step) return [{ do: 'command', command: step.command }];
  return [...step.keys].map((key) => ({ do: 'key', code: key.charCodeAt(0) }));
}
