import { callData } from './actions/call-data.js';
import { callModule } from './actions/call-module.js';
import { callSecureData } from './actions/call-secure-data.js';
import { callTask } from './actions/call-task.js';
import { collectInput } from './actions/collect-input.js';
import { disconnect } from './actions/disconnect.js';
import { exitLoop } from './actions/exit-loop.js';
import { loop } from './actions/loop.js';
import { menu } from './actions/menu.js';
import { nextLoop } from './actions/next-loop.js';
import { returnToAgent } from './actions/return-to-agent.js';
import { transferToAgent } from './actions/transfer-to-agent.js';
import { transferToSecureFlow } from './actions/transfer-to-secure-flow.js';
import type { BuildReport } from './build.js';
import type { Path } from './document.js';
import { parseExpression } from './expressions/evaluate.js';
import { expressionUse } from './expressions/references.js';
import { type Action, actionsOf, type Flow } from './flow.js';

/** Actions that end a run, or can: what a module does is not looked at here. */
const ENDING: ReadonlySet<string> = new Set(
  [callModule, disconnect, returnToAgent, transferToAgent, transferToSecureFlow].map(({ name }) => name),
);

/** Paths that an action goes on without. */
const GOING_ON: ReadonlySet<string> = new Set(['onApproved', 'onSuccess']);

/** Actions that fail, and leave every loop by the error path, where the author drew none of these paths. */
const FAILING: ReadonlyMap<string, readonly string[]> = new Map(
  [callData, callSecureData, collectInput, menu].map(({ name, blocks }) => [
    name,
    blocks.filter((path) => !GOING_ON.has(path)),
  ]),
);

/** Reports `exitLoop` and `nextLoop` that have no loop around them in their own task. */
export function checkLoopActions(
  { tasks, onError }: Flow,
  paths: ReadonlyMap<Action, Path>,
  report: BuildReport,
): void {
  const visit = (block: readonly Action[]): void => {
    for (const action of block) {
      if (action.do === exitLoop.name || action.do === nextLoop.name) {
        const message = `${action.do} has no loop around it`;
        report(paths.get(action) ?? [], false, message, 'remove it, or move it into the actions of a loop');
      }
      if (action.do !== loop.name) Object.values(action.blocks).forEach(visit);
    }
  };
  for (const block of [...Object.values(tasks), onError]) visit(block);
}

/** Reports loops that nothing in a run can end. Others that turn for too long end with the run's last action. */
export function checkEndlessLoops(flow: Flow, paths: ReadonlyMap<Action, Path>, report: BuildReport): void {
  for (const action of actionsOf(flow)) {
    if (action.do !== loop.name || 'count' in action.fields || !('while' in action.fields)) continue;
    if (canChange(action.fields.while) || canLeave(flow, action.blocks.actions, true, new Set())) continue;
    const path = [...(paths.get(action) ?? []), 'while'];
    report(path, false, 'nothing ends this loop', 'add count:, or an exitLoop among its actions');
  }
}

/** A condition over variables or results can become another one from turn to turn. */
function canChange(condition: unknown): boolean {
  if (typeof condition !== 'string') return condition === false;
  const { references } = expressionUse(parseExpression(condition).ast);
  return references.some(({ namespace }) => namespace !== 'call');
}

/** `own`: an `exitLoop` here leaves the loop in question, and not one inside it or in a task. */
function canLeave(
  flow: Flow,
  block: readonly Action[] | undefined,
  own: boolean,
  called: Set<string>,
): boolean {
  return (block ?? []).some((action) => {
    if (ENDING.has(action.do)) return true;
    if (FAILING.get(action.do)?.some((path) => !action.blocks[path])) return true;
    if (action.do === exitLoop.name) return own;
    if (action.do === callTask.name && 'task' in action.fields) {
      const task = String(action.fields.task);
      if (called.has(task)) return false;
      called.add(task);
      return canLeave(flow, flow.tasks[task], false, called);
    }
    const inside = own && action.do !== loop.name;
    return Object.values(action.blocks).some((inner) => canLeave(flow, inner, inside, called));
  });
}
