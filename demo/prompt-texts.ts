import { ACTIONS } from '../flows/actions/registry.js';
import type { CallFacts } from '../flows/commands.js';
import type { Scope } from '../flows/expressions/evaluate.js';
import { ExpressionError } from '../flows/expressions/values.js';
import { actionsOf, type Flow } from '../flows/flow.js';
import { renderPrompt } from '../flows/prompt.js';

/** What the timeline knows of a call without looking into it; expressions of prompts see only this. */
export type Known = Pick<Scope, 'flow' | 'data'>;

const NOBODY: CallFacts = { id: '', from: '', to: '', invocationData: '' };

/**
 * The words an action plays first, as `path` of the flow has them (`tasks.main[2]`), or null when it plays none.
 * Retry prompts are not looked at.
 */
export function promptText(flow: Flow, path: string, known: Known): string | null {
  for (const action of actionsOf(flow)) {
    if (action.path !== path) continue;
    const prompt = ACTIONS.get(action.do)?.prompts?.(action.fields)[0];
    if (prompt === undefined) return null;
    try {
      const items = renderPrompt(prompt, flow.directory, { ...known, call: NOBODY });
      return items.map((item) => ('text' in item ? item.text : `[${item.file}]`)).join(' ');
    } catch (error) {
      if (error instanceof ExpressionError) return null;
      throw error;
    }
  }
  return null;
}
