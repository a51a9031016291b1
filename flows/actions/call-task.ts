import Type from 'typebox';
import { defineAction } from './action.js';
import { Name } from './fields.js';

export const callTask = defineAction({
  name: 'callTask',
  description: 'runs the actions of a task and comes back',
  schema: Type.Object({ task: Name }, { additionalProperties: false }),
  blocks: [],
  check: (fields, check) => check.task(['task'], fields.task),
  ends: (_ends, action, taskEnds) => 'task' in action.fields && taskEnds(String(action.fields.task)),
  begin: (fields) => ({ kind: 'task', task: fields.task }),
});
