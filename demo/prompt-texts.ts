import { ACTIONS } from '../flows/actions/registry.js';
import type { StartFacts } from '../flows/commands.js';
import type { Scope } from '../flows/expressions/evaluate.js';
import { ExpressionError } from '../flows/expressions/values.js';
import { actionsOf, type Flow } from '../flows/flow.js';
import { renderPrompt } from '../flows/prompt-audio.js';

/** What the timeline knows of a call without looking into it; expressions of prompts see only this. */
export type Known = Pick<Scope, 'flow' | 'data'>;

const NOBODY: StartFacts = { id: '', from: '', to: '', invocationData: '' };

/**
 * The words an action plays first, as `path` of the flow has them (`tasks.main[2]`), or null when it plays none.
 * Retry prompts are not looked at.
 */
export function promptText(flow: Flow, path: string, known: Known): string | null {
  for (const action of actionsOf(flow)) {
    if (action.path !== path) continue;
    const prompt = ACTIONS.get(action.do)?.prompts?.(action.fields)[0];
    if (prompt === undefined) return null;
    const [language = ''] = flow.languages;
    try {
      const items = renderPrompt(prompt, { ...flow, language }, { ...known, call: { ...NOBODY, language } });
      return items.map((item) => ('text' in item ? item.text : `[${item.file}]`)).join(' ');
    } catch (error) {
      if (error instanceof ExpressionError) return null;
      throw error;
    }
  }
  return null;
}
