import type { TransferCommand } from '../../server/transfer/transfers.js';
import type { Line } from './line.js';
import type { Scenario } from './scenario.js';

/** Rings whoever a flow hands the caller to: what comes of it is the scenario's, in turn. */
export class SimulatedTransfers {
  readonly #scenario: Pick<Scenario, 'agents' | 'numbers'>;
  readonly #line: Line;
  #rings = 0;
  #dials = 0;

  constructor(scenario: Pick<Scenario, 'agents' | 'numbers'>, line: Line) {
    this.#scenario = scenario;
    this.#line = line;
  }

  /** Null when somebody answers; otherwise the error. */
  ring(command: TransferCommand): { readonly error: string; readonly message: string } | null {
    const { agents, numbers } = this.#scenario;
    if (command.do === 'transferToNumber') {
      const { trunk, number } = command;
      const result = inTurn(numbers, this.#dials) ?? 'answered';
      this.#dials += 1;
      this.#line.tell({ type: 'to-number', trunk, number, result });
      return result === 'answered' ? null : { error: result, message: 'the number was not reached' };
    }
    const rung = inTurn(agents, this.#rings) ?? 'answered';
    this.#rings += 1;
    const isQueue = command.do === 'transferToQueue';
    const result = isQueue && rung === 'no-agent' ? 'no-agent-available' : rung;
    if (isQueue) this.#line.tell({ type: 'to-queue', queue: command.queue, result });
    else this.#line.tell({ type: 'to-agent', agent: command.agent, result });
    if (result === 'answered') return null;
    return {
      error: result,
      message: result === 'no-answer' ? 'no agent answered' : 'no agent can be reached',
    };
  }
}

function inTurn<T>(results: readonly T[], index: number): T | undefined {
  return results[Math.min(index, results.length - 1)];
}
