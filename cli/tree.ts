import type { Action, Flow } from '../flows/flow.js';
import { hasKey } from '../flows/graph.js';

/** The mark of secure mode: it takes two columns of a terminal. */
export const KEY = '🔑';
const NO_KEY = '  ';

/** A flow as a tree of its actions, one a line, with the key on each secure action and on its ancestors. */
export function flowTree(flow: Flow): string[] {
  const blocks: [string, readonly Action[]][] = Object.entries(flow.tasks).map(([name, actions]) => [
    `tasks.${name}`,
    actions,
  ]);
  if (flow.onError.length > 0) blocks.push(['onError', flow.onError]);
  const lines = blocks.flatMap(([label, actions]) => [
    `${mark(flow, actions)} ${label}`,
    ...blockLines(flow, actions, ''),
  ]);
  return [
    `${mark(
      flow,
      blocks.flatMap(([, actions]) => actions),
    )} ${flow.name} (${flow.type})`,
    ...lines,
  ];
}

function blockLines(flow: Flow, actions: readonly Action[], margin: string): string[] {
  return actions.flatMap((action, index) => {
    const [branch, below] = twigs(index === actions.length - 1);
    return [
      `${mark(flow, [action])} ${margin}${branch}${title(action)}`,
      ...pathLines(flow, action, `${margin}${below}`),
    ];
  });
}

function pathLines(flow: Flow, { blocks }: Action, margin: string): string[] {
  const paths = Object.entries(blocks);
  return paths.flatMap(([path, actions], index) => {
    const [branch, below] = twigs(index === paths.length - 1);
    return [
      `${mark(flow, actions)} ${margin}${branch}${path}:`,
      ...blockLines(flow, actions, `${margin}${below}`),
    ];
  });
}

function title(action: Action): string {
  return action.name === action.do ? action.do : `${action.do} ${action.name}`;
}

function twigs(isLast: boolean): [branch: string, below: string] {
  return isLast ? ['└─ ', '   '] : ['├─ ', '│  '];
}

function mark(flow: Flow, actions: readonly Action[]): string {
  return actions.some((action) => hasKey(flow, action)) ? KEY : NO_KEY;
}
