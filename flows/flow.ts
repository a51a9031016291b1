import type { Acknowledgement } from './acknowledgement.js';

/** A loaded flow: plain data, checked, safe to serialise with the state of a run. */

export type FlowType = 'inbound' | 'secure';

/** One step of a flow. `fields` are the action's own keys as the document has them, checked by its schema. */
export interface Action {
  readonly do: string;
  /** The author's name, or the action's own. Only a name the author gave holds results under `data.<name>`. */
  readonly name: string;
  /** Where in the document, e.g. `tasks.main[2].onDeclined[0]`; in a secure flow without the keys of menus. */
  readonly path: string;
  readonly fields: object;
  /** The paths out of the action that the author drew, by key (`then`, `onFailure`, ...). */
  readonly blocks: Readonly<Record<string, readonly Action[]>>;
}

/** A `flow.*` variable and the value it has when a run starts. */
export interface VariableDeclaration {
  readonly type: 'string' | 'number' | 'boolean';
  readonly default: string | number | boolean;
}

export interface Flow {
  readonly name: string;
  readonly type: FlowType;
  readonly description: string;
  /** The document, as it was named to the loader. */
  readonly fileName: string;
  /** The text of the document, as it was loaded. */
  readonly source: string;
  /** Who decided that it may show parts of secure values; null where nobody has. */
  readonly acknowledgement: Acknowledgement | null;
  /** Absolute path that the prompt files of the document are relative to. */
  readonly directory: string;
  readonly variables: Readonly<Record<string, VariableDeclaration>>;
  /** Names of the `secure.*` variables. */
  readonly secureVariables: readonly string[];
  /** Names that `data.*` has, each with at least `status`, `reason`, `error` and `message`. */
  readonly dataNames: readonly string[];
  /** Lists of actions by name; a run begins with `main`. */
  readonly tasks: Readonly<Record<string, readonly Action[]>>;
  readonly onError: readonly Action[];
}

/** Every flow of a library, by name. */
export type FlowSet = ReadonlyMap<string, Flow>;

/** Visits every action of a flow, outer actions first. */
export function* actionsOf(flow: Pick<Flow, 'tasks' | 'onError'>): Generator<Action> {
  for (const task of Object.values(flow.tasks)) yield* actionsOfBlock(task);
  yield* actionsOfBlock(flow.onError);
}

function* actionsOfBlock(block: readonly Action[]): Generator<Action> {
  for (const action of block) {
    yield action;
    for (const inner of Object.values(action.blocks)) yield* actionsOfBlock(inner);
  }
}
