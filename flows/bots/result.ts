import type { Outcome, Run } from '../actions/action.js';
import type { PlainValue } from '../commands.js';

/** What a `callBotFlow` goes on with. */

/** The part of the action that says where results go. */
export interface BotCall {
  readonly bot: string;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly into?: string;
}

type Result = Readonly<Record<string, PlainValue>>;

/** The bot knows what the caller wants. An intent without a path of its own goes on after the action. */
export function found(
  fields: BotCall,
  run: Run,
  intent: string,
  slots: Readonly<Record<string, string>>,
): Outcome {
  const result = { ...slots, status: 'success', intent, reason: '', error: '', message: '' };
  const variables = Object.fromEntries(
    Object.entries(fields.outputs ?? {}).flatMap(([slot, reference]) =>
      reference.startsWith('flow.') && Object.hasOwn(slots, slot)
        ? [[reference.slice('flow.'.length), slots[slot] ?? '']]
        : [],
    ),
  );
  const data = { [nameOf(fields, run)]: result };
  const block = `onIntent.${intent}`;
  if (!run.action.blocks[block]) return { kind: 'next', data, variables };
  return { kind: 'path', block, reason: intent, data, variables };
}

/** The bot came to its end without an intent. */
export function exited(fields: BotCall, run: Run, reason: string): Outcome {
  if (reason === 'timeout') return leave(fields, run, 'onNoInput', 'no-input', 'nothing was keyed');
  if (reason === 'invalid-input' || reason === '') {
    return leave(fields, run, 'onNoMatch', 'no-match', 'no intent was found');
  }
  return failed(fields, run, reason, 'the bot found no intent');
}

export function failed(fields: BotCall, run: Run, reason: string, message: string): Outcome {
  return leave(fields, run, 'onFailure', reason, message);
}

function leave(fields: BotCall, run: Run, path: string, reason: string, message: string): Outcome {
  const result: Result = { status: 'error', intent: '', reason, error: reason, message };
  const block = run.action.blocks[path] ? path : 'onFailure';
  return { kind: 'path', block, reason, data: { [nameOf(fields, run)]: result } };
}

function nameOf(fields: BotCall, run: Run): string {
  return fields.into ?? run.action.name;
}
