import type { Outcome } from './actions/action.js';
import type { Action, Flow } from './flow.js';
import type { FlowState, LoopTurn, Position, Visit } from './state.js';

/** Where a run is, and what it comes back to. */
type Place = Pick<FlowState, 'position' | 'visits'>;
type Visits = Place['visits'];

export function actionAt(flow: Flow, position: Position): Action | undefined {
  return blockAt(flow, position)[Number(position.at(-1))];
}

/** The turn of the loop at this position that has just come to its end; null when the run enters the action anew. */
export function turnAt(position: Position, visits: Visits): LoopTurn | null {
  const visit = visits.at(-1);
  return visit && isAt(visit, position) ? visit.loop : null;
}

/** Where the run goes from its action by what that decided. */
export function placeBy(
  outcome: Exclude<Outcome, { kind: 'wait' | 'end' | 'module' }>,
  state: FlowState,
): Place {
  const { flow, position, visits } = state;
  const from = position ?? [];
  // A loop that has come to the end of a turn decides from outside it: a next turn takes the place of that one.
  const outer = turnAt(from, visits) ? visits.slice(0, -1) : visits;
  switch (outcome.kind) {
    case 'next':
      return placeAfter(flow, from, outer);
    case 'path':
      return placeIn(flow, from, outcome.block, outer);
    case 'turn':
      return placeIn(flow, from, outcome.block, [...outer, { position: from, loop: outcome.loop }]);
    case 'task':
      return placeAfter(flow, [`tasks.${outcome.task}`, -1], [...outer, { position: from, loop: null }]);
    case 'exitLoop':
      return placeAfterVisit(flow, outer);
    case 'nextLoop':
      return { position: outer.at(-1)?.position ?? null, visits: outer };
  }
}

/**
 * What follows an action: the next one of its block, or of the blocks around it; from the end of a loop's block the
 * loop itself, which decides about the next turn; from the end of a task what follows its `callTask`.
 */
export function placeAfter(flow: Flow, from: Position, visits: Visits): Place {
  const visit = visits.at(-1);
  let position = from;
  while (position.length >= 2) {
    const next = [...position.slice(0, -1), Number(position.at(-1)) + 1];
    if (actionAt(flow, next)) return { position: next, visits };
    position = position.slice(0, -2);
    if (visit && isAt(visit, position)) return { position, visits };
  }
  return visit ? placeAfterVisit(flow, visits) : { position: null, visits };
}

/** What follows the innermost loop or task that is under way. */
export function placeAfterVisit(flow: Flow, visits: Visits): Place {
  return placeAfter(flow, visits.at(-1)?.position ?? [], visits.slice(0, -1));
}

/** The first action of a path out of an action; of an empty path, what follows it. */
function placeIn(flow: Flow, from: Position, block: string, visits: Visits): Place {
  return placeAfter(flow, [...from, block, -1], visits);
}

function isAt({ position }: Visit, other: Position): boolean {
  return position.length === other.length && position.every((part, index) => part === other[index]);
}

function blockAt(flow: Flow, position: Position): readonly Action[] {
  const root = String(position[0]);
  let block = root === 'onError' ? flow.onError : (flow.tasks[root.slice('tasks.'.length)] ?? []);
  for (let level = 2; level < position.length; level += 2) {
    block = block[Number(position[level - 1])]?.blocks[String(position[level])] ?? [];
  }
  return block;
}
