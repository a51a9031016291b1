import Type from 'typebox';
import { Prompt } from '../prompt.js';
import { defineAction } from './action.js';

export const playAudio = defineAction({
  name: 'playAudio',
  description: 'plays a prompt to the caller',
  schema: Type.Object(
    {
      prompt: Prompt,
      bargeIn: Type.Optional(
        Type.Boolean({ default: false, description: 'true: a key press ends the prompt' }),
      ),
    },
    { additionalProperties: false },
  ),
  blocks: [],
  check: (fields, check) => check.prompt(['prompt'], fields.prompt),
  ends: () => false,
  prompts: (fields) => [fields.prompt],
  begin: (fields, run) => ({
    kind: 'wait',
    command: { do: 'play', audio: run.audio(fields.prompt), bargeIn: fields.bargeIn ?? false },
  }),
  resume: () => ({ kind: 'next' }),
});
