import type { CallDataResult, FlowCommand } from '../../flows/commands.js';
import { failed } from '../../server/data-actions/data-action.js';
import type { SecureValues } from '../../server/secure/secure-values.js';
import type { Line } from './line.js';

/** What a data action answers, and after how many ms. */
export interface DataAnswer {
  readonly result: CallDataResult;
  readonly afterMs: number;
}

/** Stands for every data action: gives the answers of a script in turn; after them whoever calls gives one. */
export class SimulatedDataService {
  readonly #answers: DataAnswer[];
  readonly #line: Line;

  constructor(answers: readonly DataAnswer[], line: Line) {
    this.#answers = [...answers];
    this.#line = line;
  }

  /** `values`: what was keyed into secure variables of the run. */
  async call(
    command: FlowCommand & { do: 'callData' },
    values: SecureValues,
    signal: AbortSignal,
  ): Promise<CallDataResult> {
    if (values.showIn(command.inputs)) {
      return failed('secure-value', 'an input shows a value of the secure session');
    }
    const line = this.#line;
    line.tell({ type: 'data-call', action: command.action, inputs: command.inputs });
    line.say(command.processingAudio);
    const { result, afterMs } = this.#answers.shift() ?? { result: await line.answer(), afterMs: 0 };
    await line.wait(afterMs, signal);
    const answer = signal.aborted ? failed('cancelled', 'the call has ended') : result;
    line.tell({ type: 'data-answer', status: answer.status, error: answer.error });
    return { ...answer, outputs: values.redact(answer.outputs) };
  }
}
