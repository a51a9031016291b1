import Value from 'typebox/value';
import { Name } from './actions/fields.js';
import { ACTIONS } from './actions/registry.js';
import type { Path } from './document.js';
import type { Action, FlowType } from './flow.js';
import { nearest } from './nearest.js';
import { type BlockPattern, nestedBlocks, pathText, placeText, withoutBlocks } from './nested-blocks.js';
import { schemaProblems } from './schema-problems.js';

/** Reports a key where `isKey`, and the value at the path otherwise. */
export type BuildReport = (path: Path, isKey: boolean, message: string, remedy: string) => void;

const COMMON = ['do', 'name'];

/** Makes actions of a document's lists; an action that its schema refuses is reported and left out of `sound`. */
export class ActionBuilder {
  /** Actions whose fields fit their schema, with their place in the document. */
  readonly sound = new Map<Action, Path>();
  readonly #type: FlowType;
  readonly #report: BuildReport;
  readonly #names = new Set<string>();

  constructor(type: FlowType, report: BuildReport) {
    this.#type = type;
    this.#report = report;
  }

  block(items: unknown, path: Path): readonly Action[] {
    if (!Array.isArray(items)) {
      this.#report(path, false, 'a path is a list of actions', 'begin each action with - do: <action>');
      return [];
    }
    return items.flatMap((item, index) => this.#action(item, [...path, index]) ?? []);
  }

  #action(item: unknown, path: Path): Action | null {
    if (item === null || typeof item !== 'object' || Array.isArray(item)) {
      this.#report(path, false, 'an action is a mapping', 'write - do: <action> and its keys below');
      return null;
    }
    const source = item as Readonly<Record<string, unknown>>;
    const definition = typeof source.do === 'string' ? ACTIONS.get(source.do) : undefined;
    if (!definition) {
      this.#unknownAction(source, path);
      return null;
    }
    const own = Object.entries(source).filter(
      ([key]) => !COMMON.includes(key) && !definition.blocks.includes(key),
    );
    const fields = Object.fromEntries(own);
    const problems = schemaProblems(definition.schema, fields, [...COMMON, ...definition.blocks], (key) =>
      definition.refusedKey?.(key),
    );
    for (const { path: inner, isKey, message, remedy } of problems) {
      this.#report([...path, ...inner], isKey, message, remedy);
    }
    const named = this.#name(source.name, path);
    const { nested = [] } = definition;
    const action: Action = {
      do: definition.name,
      name: named ?? definition.name,
      path: placeText(path, this.#type === 'secure' || this.#type === 'module'),
      fields: withoutBlocks(fields, nested),
      blocks: this.#blocks(source, [...definition.blocks.map((key) => [key]), ...nested], path),
    };
    if (problems.length === 0) this.sound.set(action, path);
    return action;
  }

  #blocks(source: object, patterns: readonly BlockPattern[], path: Path): Action['blocks'] {
    const found = patterns.flatMap((pattern) => nestedBlocks(source, pattern));
    return Object.fromEntries(
      found.map(({ path: inner, items }) => [pathText(inner), this.block(items, [...path, ...inner])]),
    );
  }

  #unknownAction(source: Readonly<Record<string, unknown>>, path: Path): void {
    const named = Object.keys(source).find((key) => ACTIONS.has(key));
    if (source.do === undefined) {
      const remedy = named ? `write do: ${named}` : `add do: one of ${[...ACTIONS.keys()].join(', ')}`;
      this.#report(path, false, "'do' is missing", remedy);
      return;
    }
    const meant = nearest(String(source.do), ACTIONS.keys());
    this.#report(
      [...path, 'do'],
      false,
      `unknown action '${String(source.do)}'`,
      meant ? `did you mean '${meant}'?` : `known are ${[...ACTIONS.keys()].join(', ')}`,
    );
  }

  #name(name: unknown, path: Path): string | null {
    if (name === undefined) return null;
    const at = [...path, 'name'];
    if (!Value.Check(Name, name)) {
      this.#report(at, false, 'not a name', `give letters, digits and _, beginning with a letter`);
      return null;
    }
    if (this.#names.has(name) || name === 'failure') {
      const message = name === 'failure' ? "the name 'failure' is taken" : `two actions are named '${name}'`;
      this.#report(at, false, message, 'choose another name: data.<name> tells their results apart');
    }
    this.#names.add(name);
    return name;
  }
}
