import type { CallFacts, FlowCommand, FlowEvent, FlowNote } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { start, step } from '../../flows/interpreter.js';

/** What executing a command leads to: the event for the interpreter, or the end of the run. */
export type Executed<End> = { readonly event: FlowEvent } | { readonly end: End };

/** Executes the commands of one run; an inbound call and a secure session each bring their own. */
export interface FlowHost<End> {
  /** `secure`: the command is one of a secure action. Hosts that are in secure mode throughout need not be told. */
  execute(command: FlowCommand, secure: boolean): Promise<Executed<End>>;
  note(note: FlowNote): void;
}

/**
 * Runs a flow to its end, one command at a time. Resolves `interrupted` as soon as the signal has aborted and
 * the command under way has settled: hosts end theirs early on the same signal, but never a charge.
 */
export async function runFlow<End>(
  flow: Flow,
  facts: CallFacts,
  host: FlowHost<End>,
  signal: AbortSignal,
): Promise<End | 'interrupted'> {
  let next = start(flow, facts);
  for (;;) {
    for (const note of next.notes) host.note(note);
    if (signal.aborted || next.command === null) return 'interrupted';
    const executed = await host.execute(next.command, next.secure);
    if ('end' in executed) return executed.end;
    next = step(next.state, executed.event);
  }
}
