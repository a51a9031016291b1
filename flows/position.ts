import type { Action, Flow } from './flow.js';
import type { Position } from './state.js';

export function actionAt(flow: Flow, position: Position): Action | undefined {
  return blockAt(flow, position)[Number(position.at(-1))];
}

/** Where a run goes on after an action: the next one of its block, or of the nearest block around it. */
export function positionAfter(flow: Flow, from: Position): Position | null {
  let position = from;
  while (position.length >= 2) {
    const next = [...position.slice(0, -1), Number(position.at(-1)) + 1];
    if (actionAt(flow, next)) return next;
    position = position.slice(0, -2);
  }
  return null;
}

/** The first action of a path out of an action; of an empty path, what follows the action. */
export function positionIn(flow: Flow, from: Position, block: string): Position | null {
  const inner = [...from, block, 0];
  return actionAt(flow, inner) ? inner : positionAfter(flow, from);
}

function blockAt(flow: Flow, position: Position): readonly Action[] {
  let block = position[0] === 'onError' ? flow.onError : flow.main;
  for (let level = 2; level < position.length; level += 2) {
    block = block[Number(position[level - 1])]?.blocks[String(position[level])] ?? [];
  }
  return block;
}
