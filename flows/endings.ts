import { ACTIONS } from './actions/registry.js';
import type { Action, Flow } from './flow.js';

/** Finds where a run can go on. Each block is judged once: tasks that call tasks would multiply the work. */
export class Endings {
  readonly #tasks: Flow['tasks'];
  readonly #judged = new Map<readonly Action[], boolean>();

  /** `calledFirst` names every task after those that it calls, so that no chain of calls is followed in one go. */
  constructor(tasks: Flow['tasks'], calledFirst: readonly string[]) {
    this.#tasks = tasks;
    for (const name of calledFirst) this.block(tasks[name]);
  }

  /** True when a run that enters the block never goes on after it. */
  block(block: readonly Action[] | undefined): boolean {
    if (!block) return false;
    const judged = this.#judged.get(block) ?? block.some((action) => this.action(action));
    this.#judged.set(block, judged);
    return judged;
  }

  /** True when a run never goes on after the action. */
  action(action: Action): boolean {
    const inBlock = (name: string) => this.block(action.blocks[name]);
    const inTask = (name: string) => this.block(this.#tasks[name]);
    return ACTIONS.get(action.do)?.ends(inBlock, action, inTask) ?? false;
  }
}
