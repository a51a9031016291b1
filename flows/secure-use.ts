import { ParseError } from '@marcbachmann/cel-js';
import { ACTIONS } from './actions/registry.js';
import { environment } from './expressions/environment.js';
import { expressionUse } from './expressions/references.js';
import { parseTemplate } from './expressions/template.js';
import type { Action, Flow } from './flow.js';

/**
 * True for an action that runs in secure mode: every one of a secure flow; elsewhere one of a secure kind, and one
 * that sets or uses a `secure.*` variable. What stands in its paths does not count.
 */
export function isSecure(flow: Pick<Flow, 'type'>, action: Action): boolean {
  return flow.type === 'secure' || ACTIONS.get(action.do)?.secure !== undefined || namesSecure(action.fields);
}

/** Each action is judged once: a loop enters it again and again while a call waits. */
const judged = new WeakMap<Action, boolean>();

/**
 * True for a secure action that has the call in secure mode while it runs. `transferToSecureFlow` has not: the flow that
 * it hands the call to goes there by itself.
 */
export function runsSecure(flow: Pick<Flow, 'type'>, action: Action): boolean {
  const known =
    judged.get(action) ?? (isSecure(flow, action) && ACTIONS.get(action.do)?.secure !== 'hands-over');
  judged.set(action, known);
  return known;
}

/** True when a key or a text, anywhere in the fields, is an expression over `secure.*` or has one inserted. */
function namesSecure(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('secure') && textNamesSecure(value);
  if (Array.isArray(value)) return value.some(namesSecure);
  if (value === null || typeof value !== 'object') return false;
  return Object.entries(value).some(([key, inner]) => namesSecure(key) || namesSecure(inner));
}

function textNamesSecure(text: string): boolean {
  const template = parseTemplate(text);
  const inserted = typeof template === 'string' ? [] : template.expressions;
  return [text, ...inserted].some(expressionNamesSecure);
}

function expressionNamesSecure(source: string): boolean {
  try {
    // Not the cache of running flows: most of these texts are prompts.
    const { references } = expressionUse(environment.parse(source).ast);
    return references.some(({ namespace }) => namespace === 'secure');
  } catch (error) {
    if (error instanceof ParseError) return false;
    throw error;
  }
}
