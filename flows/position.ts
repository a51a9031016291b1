import type { Action, Flow } from './flow.js';
import type { FlowState, Position } from './state.js';

/** Where a run is, and what it comes back to. */
export type Place = Pick<FlowState, 'position' | 'visits'>;

export function actionAt(flow: Flow, position: Position): Action | undefined {
  return blockAt(flow, position)[Number(position.at(-1))];
}

/** Where a run goes on after an action: the next one of its block, of the blocks around it, or after the `callTask`. */
export function placeAfter(flow: Flow, from: Position, visits: Place['visits']): Place {
  let position = from;
  while (position.length >= 2) {
    const next = [...position.slice(0, -1), Number(position.at(-1)) + 1];
    if (actionAt(flow, next)) return { position: next, visits };
    position = position.slice(0, -2);
  }
  const caller = visits.at(-1);
  return caller ? placeAfter(flow, caller.position, visits.slice(0, -1)) : { position: null, visits };
}

/** The first action of a path out of an action; of an empty path, what follows the action. */
export function placeIn(flow: Flow, from: Position, block: string, visits: Place['visits']): Place {
  return placeAfter(flow, [...from, block, -1], visits);
}

/** The first action of a task that the action at `from` calls. */
export function placeInTask(flow: Flow, from: Position, task: string, visits: Place['visits']): Place {
  return placeAfter(flow, [`tasks.${task}`, -1], [...visits, { position: from }]);
}

function blockAt(flow: Flow, position: Position): readonly Action[] {
  const root = String(position[0]);
  let block = root === 'onError' ? flow.onError : (flow.tasks[root.slice('tasks.'.length)] ?? []);
  for (let level = 2; level < position.length; level += 2) {
    block = block[Number(position[level - 1])]?.blocks[String(position[level])] ?? [];
  }
  return block;
}
