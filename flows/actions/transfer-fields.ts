import Type from 'typebox';
import type { AudioItem, FlowEvent } from '../commands.js';
import { Prompt } from '../prompt.js';
import type { ActionCheck, Outcome, Run } from './action.js';

/** Keys that transfers have. */
export const transferAudio = {
  preTransferAudio: Type.Optional(Prompt),
  failedTransferAudio: Type.Optional(Prompt),
};

type TransferAudio = { readonly [Key in keyof typeof transferAudio]?: Prompt };

export function checkTransferAudio(fields: TransferAudio, check: ActionCheck): void {
  check.prompt(['preTransferAudio'], fields.preTransferAudio);
  check.prompt(['failedTransferAudio'], fields.failedTransferAudio);
}

/** The same keys of the command, as the caller hears them. */
export function audioOfTransfer(
  fields: TransferAudio,
  run: Run,
): Record<keyof typeof transferAudio, readonly AudioItem[]> {
  return {
    preTransferAudio: run.audio(fields.preTransferAudio),
    failedTransferAudio: run.audio(fields.failedTransferAudio),
  };
}

/** A transfer that did not come about: its reason becomes `data.<name>.error`, and the run takes `onFailure`. */
export function transferFailed(run: Run, event: FlowEvent): Outcome {
  if (event.type !== 'transferFailed') return { kind: 'next' };
  const { error, message } = event;
  if (run.secure) {
    // DESIGN.md section 2, rule 7: whatever path the author drew.
    return {
      kind: 'end',
      command: {
        do: 'disconnect',
        reason: 'error',
        message: `transfer at ${run.action.path} failed: ${error}`,
      },
    };
  }
  const data = { [run.action.name]: { status: 'error', reason: error, error, message } };
  return { kind: 'path', block: 'onFailure', reason: error, data };
}
