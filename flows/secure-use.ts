import { ParseError } from '@marcbachmann/cel-js';
import { callBotFlow } from './actions/call-bot-flow.js';
import { callModule } from './actions/call-module.js';
import { ACTIONS } from './actions/registry.js';
import { environment } from './expressions/environment.js';
import { expressionUse } from './expressions/references.js';
import { parseTemplate } from './expressions/template.js';
import type { Action, Flow } from './flow.js';

/** What decides whether the actions of a flow are secure. */
type Judge = Pick<Flow, 'type' | 'secureModules'>;

/**
 * True for an action that runs in secure mode: every one of a secure flow; elsewhere one of a secure kind, one
 * that sets or uses a `secure.*` variable, and one that calls a module with such actions. What stands in its paths does not
 * count.
 */
export function isSecure(flow: Judge, action: Action): boolean {
  return (
    flow.type === 'secure' ||
    ACTIONS.get(action.do)?.secure !== undefined ||
    flow.secureModules.includes(moduleOf(action) ?? '') ||
    usesSecure(action)
  );
}

/**
 * True for a secure action that has the call in secure mode while it runs, `root` being the flow that the run began with: a
 * module is judged by who calls it. `transferToSecureFlow` has not: the flow that it hands the call to goes there by itself.
 * A call of a secure module does nothing there; it has the call stay in secure mode until an action of the module has it
 * leave.
 */
export function runsSecure(root: Judge, action: Action): boolean {
  return isSecure(root, action) && ACTIONS.get(action.do)?.secure !== 'hands-over';
}

/** The module or bot that the action calls; null for all but `callModule` and `callBotFlow`. */
export function moduleOf(action: Action): string | null {
  if (action.do === callBotFlow.name) return 'bot' in action.fields ? String(action.fields.bot) : null;
  return action.do === callModule.name && 'module' in action.fields ? String(action.fields.module) : null;
}

/** Each action is looked at once: a loop enters it again and again while a call waits. */
const users = new WeakMap<Action, boolean>();

function usesSecure(action: Action): boolean {
  const known = users.get(action) ?? namesSecure(action.fields);
  users.set(action, known);
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
