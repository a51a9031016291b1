import type { Path } from './document.js';

/** The keys from an action down to lists of actions; `*` stands for every key or index: `['cases', '*', 'actions']`. */
export type BlockPattern = readonly string[];

export interface NestedBlock {
  /** Relative to the action. */
  readonly path: Path;
  readonly items: unknown;
}

/** Every list of actions that a pattern leads to. */
export function nestedBlocks(value: unknown, pattern: BlockPattern): NestedBlock[] {
  const [key, ...rest] = pattern;
  if (key === undefined) return [{ path: [], items: value }];
  return entriesOf(value)
    .filter(([name]) => key === '*' || key === name)
    .flatMap(([name, inner]) =>
      nestedBlocks(inner, rest).map(({ path, items }) => ({ path: [name, ...path], items })),
    );
}

/** Fields of an action with those lists empty: they stand in its blocks, and a flow holds nothing twice. */
export function withoutBlocks(fields: object, patterns: readonly BlockPattern[]): object {
  return patterns.reduce((rest, pattern) => emptied(rest, pattern) as object, fields);
}

function emptied(value: unknown, pattern: BlockPattern): unknown {
  const [key, ...rest] = pattern;
  if (key === undefined) return [];
  if (Array.isArray(value)) return value.map((inner) => (key === '*' ? emptied(inner, rest) : inner));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      key === '*' || key === name ? emptied(inner, rest) : inner,
    ]),
  );
}

function entriesOf(value: unknown): [string | number, unknown][] {
  if (Array.isArray(value)) return value.map((inner, index) => [index, inner]);
  return value !== null && typeof value === 'object' ? Object.entries(value) : [];
}

/**
 * The place of an action as events, logs and gateways see it. In a secure flow it does not tell the key by which a menu
 * was left, nor the intent that a bot found: that is keyed data as any other there.
 */
export function placeText(path: Path, isSecure: boolean): string {
  return pathText(
    path.map((part, index) =>
      isSecure && CHOSEN.includes(path[index - 1] ?? '') && typeof part === 'string' ? '?' : part,
    ),
  );
}

/** Keys whose own keys tell what a caller chose. */
const CHOSEN: readonly (string | number)[] = ['choices', 'onIntent'];

/** `['tasks', 'main', 2, 'onDeclined', 0]` as `tasks.main[2].onDeclined[0]`. */
export function pathText(path: Path): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}
