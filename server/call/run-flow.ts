import type { FlowCommand, FlowEvent, FlowNote, StartFacts } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { start, step } from '../../flows/interpreter.js';

/** What executing a command leads to: the event for the interpreter, the end of the run, or another flow. */
export type Executed<End> =
  | { readonly event: FlowEvent }
  | { readonly end: End }
  /** The run of another flow goes on for this one. */
  | { readonly next: Flow; readonly invocationData: string };

/** Executes the commands of one run; an inbound call and a secure session each bring their own. */
export interface FlowHost<End> {
  /** `secure`: the command is one of a secure action. Hosts that are in secure mode throughout need not be told. */
  execute(command: FlowCommand, secure: boolean): Promise<Executed<End>>;
  note(note: FlowNote, flow: Flow): void;
}

/**
 * Runs a flow, and those that it hands the call to, to the end, one command at a time. All of them share one budget of
 * actions. Resolves `interrupted` as soon as the signal has aborted and
 * the command under way has settled: hosts end theirs early on the same signal, but never a charge.
 */
export async function runFlow<End>(
  flow: Flow,
  facts: StartFacts,
  host: FlowHost<End>,
  signal: AbortSignal,
): Promise<End | 'interrupted'> {
  let next = start(flow, facts);
  for (;;) {
    for (const note of next.notes) host.note(note, next.state.flow);
    if (signal.aborted || next.command === null) return 'interrupted';
    const executed = await host.execute(next.command, next.secure);
    if ('end' in executed) return executed.end;
    if (signal.aborted) return 'interrupted';
    if ('next' in executed) {
      const { invocationData } = executed;
      const { language } = next.state.call;
      next = start(executed.next, { ...facts, invocationData, language }, {}, next.state.actions);
    } else next = step(next.state, executed.event);
  }
}
