import type { BotResult, FlowCommand } from '../../flows/commands.js';
import { botFailed } from '../../server/bots/bot-service.js';
import type { Line } from './line.js';

/** What a remote bot answers to a turn, and after how many ms. */
export interface BotAnswer {
  readonly result: BotResult;
  readonly afterMs: number;
}

/** Stands for every remote bot: gives the answers of a script in turn; after them none can be reached. */
export class SimulatedBots {
  readonly #answers: BotAnswer[];
  readonly #line: Line;

  constructor(answers: readonly BotAnswer[], line: Line) {
    this.#answers = [...answers];
    this.#line = line;
  }

  async turn(
    { bot, turn, event }: FlowCommand & { readonly do: 'botTurn' },
    signal: AbortSignal,
  ): Promise<BotResult> {
    const line = this.#line;
    line.tell({ type: 'bot-turn', bot, turn, event });
    if (event === 'end') return { ok: true, reply: { done: true } };
    const { result, afterMs } = this.#answers.shift() ?? { result: botFailed('unreachable'), afterMs: 0 };
    await line.wait(afterMs, signal);
    const answer = signal.aborted ? botFailed('cancelled') : result;
    const error = answer.ok ? '' : answer.error;
    line.tell({ type: 'bot-answer', status: answer.ok ? 'success' : 'failure', error });
    return answer;
  }
}
