import { ANSWERS, type Outcome, type Run } from './actions/action.js';
import { ACTIONS } from './actions/registry.js';
import type { CallFacts, FlowCommand, FlowEvent, FlowNote, PlainValue } from './commands.js';
import { evaluate, type Scope } from './expressions/evaluate.js';
import { renderTemplate } from './expressions/template.js';
import { ExpressionError } from './expressions/values.js';
import type { Action, Flow } from './flow.js';
import { actionAt, placeBy, turnAt } from './position.js';
import { renderPrompt } from './prompt.js';
import { runsSecure } from './secure-use.js';
import type { FlowState, Step } from './state.js';

export type { FlowState, Step } from './state.js';
export { staticAudio } from './static-audio.js';

/** Actions a run may enter before it goes to its error path (FEATURES.md G19). */
export const MOST_ACTIONS = 10_000;

/** What the error path may enter after that. */
const MOST_ERROR_ACTIONS = 1_000;

const NO_RESULT = { status: '', reason: '', error: '', message: '' };

/**
 * Begins a run. `variables` override the defaults of declared `flow.*` variables.
 * Throws a TypeError when one of them is not declared or has another type.
 */
export function start(
  flow: Flow,
  call: CallFacts,
  variables: Readonly<Record<string, string | number | boolean>> = {},
): Step {
  const defaults = Object.entries(flow.variables).map(([name, declared]) => [name, declared.default]);
  for (const [name, value] of Object.entries(variables)) {
    if (!fits(flow, name, value))
      throw new TypeError(`flow ${flow.name} cannot begin with this flow.${name}`);
  }
  return proceed({
    flow,
    call,
    variables: { ...Object.fromEntries(defaults), ...variables },
    data: Object.fromEntries(flow.dataNames.map((name) => [name, NO_RESULT])),
    position: ['tasks.main', 0],
    visits: [],
    awaits: null,
    attempt: 1,
    actions: 0,
    failure: null,
  });
}

/**
 * The next state and command after the answer to the outstanding command. Pure: no clock, no input or output.
 * Throws when the event does not answer that command, or when the run has ended: both are faults of the server.
 */
export function step(state: FlowState, event: FlowEvent): Step {
  const action = state.position && actionAt(state.flow, state.position);
  const answers = state.awaits === event.type || (state.awaits !== null && event.type === 'secureFailed');
  if (!action || !answers) {
    throw new Error(`flow ${state.flow.name}: '${event.type}' answers nothing (awaited: ${state.awaits})`);
  }
  const answered: FlowState = { ...state, awaits: null };
  const moved =
    event.type === 'secureFailed'
      ? fail(answered, action, event.reason, event.message)
      : move(answered, action, (run) => {
          const resume = ACTIONS.get(action.do)?.resume;
          return resume ? resume(action.fields, run, event) : { kind: 'next' };
        });
  return moved.command ? stepOf(moved.state, [], moved.command) : proceed(moved.state);
}

/** A state, and the command that it waits with or ended with. */
interface Moved {
  readonly state: FlowState;
  readonly command?: FlowCommand;
}

/** Enters actions until one waits or the run ends. */
function proceed(from: FlowState): Step {
  const notes: FlowNote[] = [];
  let state = from;
  for (;;) {
    const moved = enter(state, notes);
    if (moved.command) return stepOf(moved.state, notes, moved.command);
    state = moved.state;
  }
}

function stepOf(state: FlowState, notes: readonly FlowNote[], command: FlowCommand): Step {
  const waiting = state.position && actionAt(state.flow, state.position);
  return { state, notes, command, secure: waiting ? runsSecure(state.flow, waiting) : false };
}

function enter(state: FlowState, notes: FlowNote[]): Moved {
  const action = state.position && actionAt(state.flow, state.position);
  if (!action) return end(state, lastCommand(state));
  if (state.actions >= MOST_ACTIONS + (state.failure === null ? 0 : MOST_ERROR_ACTIONS)) {
    return fail(state, action, 'too-many-actions', `more than ${MOST_ACTIONS} actions`);
  }
  const isEntered = turnAt(state.position ?? [], state.visits) === null;
  if (isEntered) {
    const secure = runsSecure(state.flow, action);
    notes.push({ action: action.do, path: action.path, name: action.name, secure });
  }
  const entered: FlowState = { ...state, actions: state.actions + 1, attempt: 1 };
  return move(entered, action, (run) => {
    const definition = ACTIONS.get(action.do);
    return definition ? definition.begin(action.fields, run) : { kind: 'next' };
  });
}

/** Has the action decide, and applies what it decided. */
function move(state: FlowState, action: Action, decide: (run: Run) => Outcome): Moved {
  try {
    return apply(state, action, decide(runOf(state, action)));
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return fail(state, action, 'expression-failed', error.message);
  }
}

function apply(state: FlowState, action: Action, outcome: Outcome): Moved {
  if (outcome.kind === 'end') return end(state, outcome.command);
  if (outcome.kind === 'wait') {
    const { command, attempt = state.attempt } = outcome;
    return { state: { ...state, awaits: ANSWERS[command.do], attempt }, command };
  }
  const { variables = {} } = outcome;
  const misfit = Object.entries(variables).find(([name, value]) => !fits(state.flow, name, value));
  if (misfit) return fail(state, action, 'wrong-type', `the value is no ${typeOf(state.flow, misfit[0])}`);
  const changed: FlowState = {
    ...state,
    variables: outcome.variables ? { ...state.variables, ...variables } : state.variables,
    data: outcome.data ? { ...state.data, ...outcome.data } : state.data,
  };
  if (outcome.kind === 'path' && !action.blocks[outcome.block]) {
    return fail(changed, action, outcome.reason, outcome.reason);
  }
  return { state: { ...changed, ...placeBy(outcome, state) } };
}

/** Goes to the error path of the flow; ends the run when there is none, or when that path failed itself. */
function fail(state: FlowState, action: Action, reason: string, detail: string): Moved {
  const message = state.failure ?? `${action.do} at ${action.path} failed: ${detail}`;
  if (state.failure !== null || state.flow.onError.length === 0) {
    return end(state, { do: 'disconnect', reason: 'error', message });
  }
  const failure = { status: 'error', reason, error: reason, message };
  const data = { ...state.data, failure };
  return { state: { ...state, data, failure: message, position: ['onError', 0], visits: [] } };
}

function end(state: FlowState, command: FlowCommand): Moved {
  return { state: { ...state, position: null, awaits: null }, command };
}

function lastCommand(state: FlowState): FlowCommand {
  return state.failure === null
    ? { do: 'disconnect', reason: 'flow', message: 'the flow came to its end' }
    : { do: 'disconnect', reason: 'error', message: state.failure };
}

function runOf(state: FlowState, action: Action): Run {
  const scope: Scope = { flow: state.variables, call: state.call, data: state.data };
  return {
    action,
    flow: state.flow,
    attempt: state.attempt,
    loop: turnAt(state.position ?? [], state.visits),
    occurrence: `${action.path}#${state.actions}`,
    evaluate: (source) => evaluate(source, scope),
    text: (template) => renderTemplate(template, scope),
    audio: (prompt) => renderPrompt(prompt, state.flow.directory, scope),
  };
}

function typeOf(flow: Flow, name: string): string | null {
  return Object.hasOwn(flow.variables, name) ? (flow.variables[name]?.type ?? null) : null;
}

function fits(flow: Flow, name: string, value: PlainValue): boolean {
  const type: string = typeof value;
  return type === typeOf(flow, name);
}
