import { ACTIONS } from './actions/registry.js';
import { type Action, actionsOf, type Flow, type FlowType } from './flow.js';
import { actionAt, positionAfter, positionIn } from './position.js';
import { isSecure } from './secure-use.js';
import type { Position } from './state.js';

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
  /** The path out of the action (`then`, `onFailure`, ...), or `next`. */
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
  const nodes = [...actionsOf(flow)].map((action) => ({
    id: action.path,
    action: action.do,
    name: action.name,
    secure: isSecure(flow, action),
    key: hasKey(flow, action),
  }));
  return {
    flow: flow.name,
    type: flow.type,
    secure: nodes.some(({ secure }) => secure),
    entry: flow.main[0]?.path ?? '',
    onError: flow.onError[0]?.path ?? null,
    nodes,
    edges: [...edgesOf(flow, flow.main, ['main']), ...edgesOf(flow, flow.onError, ['onError'])],
  };
}

/** True for a secure action and each of its ancestors. */
export function hasKey(flow: Pick<Flow, 'type'>, action: Action): boolean {
  return isSecure(flow, action) || inner(action).some((one) => hasKey(flow, one));
}

function inner(action: Action): readonly Action[] {
  return Object.values(action.blocks).flat();
}

function* edgesOf(flow: Flow, block: readonly Action[], at: Position): Generator<GraphEdge> {
  for (const [index, action] of block.entries()) {
    const position = [...at, index];
    for (const [path, actions] of Object.entries(action.blocks)) {
      yield* edge(flow, action, path, positionIn(flow, position, path));
      yield* edgesOf(flow, actions, [...position, path]);
    }
    if (goesOn(action)) yield* edge(flow, action, 'next', positionAfter(flow, position));
  }
}

/** True when a run can go on after the action without one of the paths that were drawn. */
function goesOn(action: Action): boolean {
  return ACTIONS.get(action.do)?.ends((path) => action.blocks[path] !== undefined, action) === false;
}

function* edge(flow: Flow, from: Action, path: string, position: Position | null): Generator<GraphEdge> {
  const to = position && actionAt(flow, position);
  if (to) yield { from: from.path, to: to.path, path };
}
