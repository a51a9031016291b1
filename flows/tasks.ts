import Value from 'typebox/value';
import { callTask } from './actions/call-task.js';
import { Name } from './actions/fields.js';
import type { ActionBuilder, BuildReport } from './build.js';
import type { Path } from './document.js';
import type { Action, Flow } from './flow.js';

/** Makes the tasks of a document. */
export function buildTasks(source: object, builder: ActionBuilder, report: BuildReport): Flow['tasks'] {
  return Object.fromEntries(
    Object.entries(source).map(([name, items]) => {
      const path = ['tasks', name];
      if (!Value.Check(Name, name)) {
        report(
          path,
          true,
          `'${name}' is no name of a task`,
          'give letters, digits and _, beginning with a letter',
        );
      }
      return [name, builder.block(items, path)];
    }),
  );
}

interface Call {
  readonly task: string;
  readonly path: Path;
}

/** The tasks, each after those that it calls. A task that comes to call itself is reported where the circle closes. */
export function calledFirst(
  tasks: Flow['tasks'],
  actions: ReadonlyMap<Action, Path>,
  report: BuildReport,
): string[] {
  const calls = callsByTask(actions);
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (name: string, trail: readonly string[]): void => {
    state.set(name, 'open');
    for (const { task, path } of calls.get(name) ?? []) {
      if (state.get(task) === 'open') reportCircle([...trail.slice(trail.indexOf(task)), task], path, report);
      else if (!state.has(task)) visit(task, [...trail, task]);
    }
    state.set(name, 'done');
    order.push(name);
  };
  for (const name of Object.keys(tasks)) if (!state.has(name)) visit(name, [name]);
  return order;
}

/** Calls of `main` are refused as such, wherever they stand. */
function callsByTask(actions: ReadonlyMap<Action, Path>): Map<string, Call[]> {
  const calls = new Map<string, Call[]>();
  for (const [action, path] of actions) {
    if (action.do !== callTask.name || path[0] !== 'tasks' || !('task' in action.fields)) continue;
    const caller = String(path[1]);
    const task = String(action.fields.task);
    if (task !== 'main') calls.set(caller, [...(calls.get(caller) ?? []), { task, path }]);
  }
  return calls;
}

function reportCircle(circle: readonly string[], path: Path, report: BuildReport): void {
  const message =
    circle.length === 2
      ? `the task '${circle[0]}' calls itself`
      : `tasks call each other in a circle: ${circle.join(' > ')}`;
  report([...path, 'task'], false, message, 'remove this call, or repeat the actions with a loop');
}
