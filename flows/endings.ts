import { ACTIONS } from './actions/registry.js';
import type { Action } from './flow.js';

/** True when a run that enters the block never goes on after it. */
export function blockEnds(block: readonly Action[] | undefined): boolean {
  return block?.some(actionEnds) ?? false;
}

/** True when a run never goes on after the action. */
export function actionEnds(action: Action): boolean {
  return ACTIONS.get(action.do)?.ends((name) => blockEnds(action.blocks[name]), action) ?? false;
}
