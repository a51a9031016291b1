import type { Acknowledgement } from './acknowledgement.js';
import type { Bot } from './bots/bot.js';

/** A loaded flow: plain data, checked, safe to serialise with the state of a run. */

import type { FieldKind } from './commands.js';

export const FLOW_TYPES = ['inbound', 'outbound', 'inQueue', 'secure', 'bot', 'module'] as const;
export type FlowType = (typeof FLOW_TYPES)[number];

/** One step of a flow. `fields` are the action's own keys as the document has them, checked by its schema. */
export interface Action {
  readonly do: string;
  /** The author's name, or the action's own. Only a name the author gave holds results under `data.<name>`. */
  readonly name: string;
  /** Where in the document, e.g. `tasks.main[2].onDeclined[0]`; in a secure flow or a module without the keys of menus. */
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

/** An input or output of a module or bot: a variable of it that its callers fill or read. */
export interface Port {
  readonly type: VariableDeclaration['type'] | 'secure';
  /** What a secure one holds; null for any field, of which nothing but the length can be extracted. */
  readonly field: FieldKind | null;
  /** An input that every call of the module has to give. */
  readonly required: boolean;
}
export type Ports = Readonly<Record<string, Port>>;

export interface Flow {
  readonly name: string;
  /** Counts from 1 with every time it was published; null for a document of a flow directory. */
  readonly version: number | null;
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
  /** Tags (BCP 47); a run begins in the first one. */
  readonly languages: readonly string[];
  /** Folders with `0.wav` to `9.wav`, relative to {@link directory}, by language. */
  readonly recordings: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, VariableDeclaration>>;
  /** What a module or bot is given, and what it gives back: variables too. Empty for every other type. */
  readonly inputs: Ports;
  readonly outputs: Ports;
  /** Names of the `secure.*` variables. */
  readonly secureVariables: readonly string[];
  /** Names that `data.*` has, each with at least `status`, `reason`, `error` and `message`. */
  readonly dataNames: readonly string[];
  /** Lists of actions by name; a run begins with `main`. */
  readonly tasks: Readonly<Record<string, readonly Action[]>>;
  readonly onError: readonly Action[];
  /** What it declares as a bot; null for every other type. */
  readonly bot: Bot | null;
  /** Every module or bot that a run of it can come to, by name. They have none of their own: a run finds them here. */
  readonly modules: Readonly<Record<string, Flow>>;
  /** Names of those that run in secure mode, or come to one that does. */
  readonly secureModules: readonly string[];
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
