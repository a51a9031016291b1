import { callTask } from './actions/call-task.js';
import { exitLoop } from './actions/exit-loop.js';
import { loop } from './actions/loop.js';
import { nextLoop } from './actions/next-loop.js';
import { ACTIONS } from './actions/registry.js';
import type { Action, Flow, FlowType } from './flow.js';
import { actionAt, placeAfter, placeAfterVisit } from './position.js';
import { isSecure } from './secure-use.js';
import type { Position, Visit } from './state.js';

export interface GraphNode {
  /** The action's place in the document, e.g. `tasks.main[2].onDeclined[0]`. */
  readonly id: string;
  readonly action: string;
  /** The author's name, or the action's own. */
  readonly name: string;
  /** It runs in secure mode. */
  readonly secure: boolean;
  /** It is marked with the key: it is secure, or holds a secure action in one of its paths. */
  readonly key: boolean;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** The path out of the action (`then`, `onFailure`, ...), `task`, `nextLoop`, `exitLoop`, or `next`. */
  readonly path: string;
}

/** A flow as nodes and edges. Failures without a path of their own go to `onError`. */
export interface FlowGraph {
  readonly flow: string;
  readonly type: FlowType;
  /** An action of it runs in secure mode. */
  readonly secure: boolean;
  /** Where a run begins. */
  readonly entry: string;
  /** Where the error path begins; null: the call is disconnected. */
  readonly onError: string | null;
  /** In the order of the document, outer actions first. */
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export function flowGraph(flow: Flow): FlowGraph {
  const places = [...placesOf(flow)];
  const nodes = places.map(({ action, position }) => ({
    id: idOf(position),
    action: action.do,
    name: action.name,
    secure: isSecure(flow, action),
    key: hasKey(flow, action),
  }));
  return {
    flow: flow.name,
    type: flow.type,
    secure: nodes.some(({ secure }) => secure),
    entry: idOf(['tasks.main', 0]),
    onError: flow.onError.length > 0 ? idOf(['onError', 0]) : null,
    nodes,
    edges: places.flatMap((place) => [...edgesOf(flow, place)]),
  };
}

/** Each action is judged once: tasks that call tasks would multiply the work. */
const judged = new WeakMap<Flow, Map<Action, boolean>>();

/** True for a secure action and each of its ancestors, a call of a task that holds one among them. */
export function hasKey(flow: Flow, action: Action): boolean {
  const known = judged.get(flow) ?? new Map<Action, boolean>();
  judged.set(flow, known);
  const key =
    known.get(action) ?? (isSecure(flow, action) || inner(flow, action).some((one) => hasKey(flow, one)));
  known.set(action, key);
  return key;
}

function inner(flow: Flow, action: Action): readonly Action[] {
  return [...Object.values(action.blocks).flat(), ...(flow.tasks[calledBy(action) ?? ''] ?? [])];
}

/** The task that the action calls; null for all but `callTask`. */
function calledBy(action: Action): string | null {
  return action.do === callTask.name && 'task' in action.fields ? String(action.fields.task) : null;
}

interface Place {
  readonly action: Action;
  readonly position: Position;
}

function* placesOf(flow: Flow): Generator<Place> {
  for (const [name, block] of Object.entries(flow.tasks)) yield* placesIn(block, [`tasks.${name}`]);
  yield* placesIn(flow.onError, ['onError']);
}

function* placesIn(block: readonly Action[], at: Position): Generator<Place> {
  for (const [index, action] of block.entries()) {
    const position = [...at, index];
    yield { action, position };
    for (const [path, actions] of Object.entries(action.blocks))
      yield* placesIn(actions, [...position, path]);
  }
}

/** `tasks.main[2].onDeclined[0]`. An action's own path is no identifier: in a secure flow it leaves out the keys of menus. */
function idOf(position: Position): string {
  return position
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .slice(1);
}

function* edgesOf(flow: Flow, { action, position }: Place): Generator<GraphEdge> {
  const edge = (path: string, to: Position | null): GraphEdge[] =>
    to === null ? [] : [{ from: idOf(position), to: idOf(to), path }];
  const after = (from: Position) => placeAfter(flow, from, loopsAround(flow, from)).position;
  for (const path of Object.keys(action.blocks)) yield* edge(path, after([...position, path, -1]));
  const task = calledBy(action);
  if (task !== null) yield* edge('task', after([`tasks.${task}`, -1]));
  const loops = loopsAround(flow, position);
  if (action.do === nextLoop.name) yield* edge(action.do, loops.at(-1)?.position ?? null);
  else if (action.do === exitLoop.name) yield* edge(action.do, placeAfterVisit(flow, loops).position);
  else if (goesOn(action)) yield* edge('next', after(position));
}

/**
 * The loops under way at a position, outermost first. Calls of tasks are not among them: a task is drawn once, and a run
 * goes on behind each of its `callTask`s.
 */
function loopsAround(flow: Flow, from: Position): Visit[] {
  const loops: Visit[] = [];
  for (let length = 2; length < from.length; length += 2) {
    const position = from.slice(0, length);
    if (actionAt(flow, position)?.do === loop.name) loops.push({ position, loop: null });
  }
  return loops;
}

/** True when a run can go on after the action without one of the paths that were drawn. */
function goesOn(action: Action): boolean {
  const isDrawn = (path: string): boolean => action.blocks[path] !== undefined;
  return ACTIONS.get(action.do)?.ends(isDrawn, action, () => false) === false;
}
