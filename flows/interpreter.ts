import { ANSWERS, type Outcome, type Run } from './actions/action.js';
import { ACTIONS } from './actions/registry.js';
import type { FlowCommand, FlowEvent, FlowNote, PlainValue, StartFacts } from './commands.js';
import { evaluate, type Scope } from './expressions/evaluate.js';
import { renderTemplate } from './expressions/template.js';
import { ExpressionError } from './expressions/values.js';
import type { Action, Flow } from './flow.js';
import { abandonModule, enterModule, firstFrame, languageFor, leaveModule, rootOf } from './module-calls.js';
import { actionAt, placeBy, turnAt } from './position.js';
import { renderPrompt } from './prompt-audio.js';
import { OWN_NAMES, variablesOf, withHeldNames } from './secure-names.js';
import { runsSecure } from './secure-use.js';
import type { FlowState, Step } from './state.js';

export type { FlowState, Step } from './state.js';
export { staticAudio } from './static-audio.js';

/** Actions a run may enter before it goes to its error path (FEATURES.md G19). */
export const MOST_ACTIONS = 10_000;

/** What the error path may enter after that. */
const MOST_ERROR_ACTIONS = 1_000;

/**
 * Begins a run. `variables` override the defaults of declared `flow.*` variables. `entered` are the actions of the runs
 * that it goes on for (transferToFlow): flows that hand a call to each other must end too.
 * Throws a TypeError when one of them is not declared or has another type, and for a module: only flows call it.
 */
export function start(
  flow: Flow,
  facts: StartFacts,
  variables: Readonly<Record<string, string | number | boolean>> = {},
  entered = 0,
): Step {
  if (flow.type === 'module' || flow.type === 'bot') {
    throw new TypeError(`${flow.name} is a ${flow.type}: no run begins with it`);
  }
  for (const [name, value] of Object.entries(variables)) {
    if (!fits(flow, name, value))
      throw new TypeError(`flow ${flow.name} cannot begin with this flow.${name}`);
  }
  return proceed({
    ...firstFrame(flow, variables),
    secureNames: OWN_NAMES,
    call: { ...facts, language: languageFor(flow, facts.language) },
    callers: [],
    awaits: null,
    attempt: 1,
    memory: null,
    talk: null,
    actions: entered,
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
          const told = event.type === 'held' ? heldEvent(state, event.names) : event;
          const resume = ACTIONS.get(action.do)?.resume;
          return resume ? resume(action.fields, run, told) : { kind: 'next' };
        });
  return moved.command ? stepOf(moved.state, [], moved.command) : proceed(moved.state);
}

/** The answer in the flow's own names. */
function heldEvent({ flow, secureNames }: FlowState, names: readonly string[]): FlowEvent {
  return { type: 'held', names: variablesOf(secureNames, flow.secureVariables, names) };
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
  return { state, notes, command, secure: waiting ? runsSecure(rootOf(state), waiting) : false };
}

function enter(state: FlowState, notes: FlowNote[]): Moved {
  const action = state.position && actionAt(state.flow, state.position);
  if (!action) return state.callers.length > 0 ? leave(state) : end(state, lastCommand(state));
  const isFailing = [state, ...state.callers].some(({ failure }) => failure !== null);
  if (state.actions >= MOST_ACTIONS + (isFailing ? MOST_ERROR_ACTIONS : 0)) {
    return fail(state, action, 'too-many-actions', `more than ${MOST_ACTIONS} actions`);
  }
  const isEntered = turnAt(state.position ?? [], state.visits) === null;
  if (isEntered) {
    notes.push({
      flow: state.flow.name,
      action: action.do,
      path: action.path,
      name: action.name,
      language: state.call.language,
      secure: runsSecure(rootOf(state), action),
    });
  }
  const entered: FlowState = { ...state, actions: state.actions + 1, attempt: 1, memory: null, talk: null };
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
    const { attempt = state.attempt, memory = state.memory, talk = null } = outcome;
    const { command, names } = withHeldNames(outcome.command, state.secureNames);
    const waiting = { secureNames: names, awaits: ANSWERS[command.do], attempt, memory, talk };
    return { state: { ...state, ...waiting }, command };
  }
  if (outcome.kind === 'module') {
    const entered = enterModule(state, outcome);
    return 'reason' in entered
      ? moduleFailed(state, action, entered.reason, entered.detail)
      : { state: entered };
  }
  const { variables = {} } = outcome;
  const misfit = Object.entries(variables).find(([name, value]) => !fits(state.flow, name, value));
  if (misfit) return fail(state, action, 'wrong-type', `the value is no ${typeOf(state.flow, misfit[0])}`);
  const changed: FlowState = {
    ...state,
    variables: outcome.variables ? { ...state.variables, ...variables } : state.variables,
    data: outcome.data ? { ...state.data, ...outcome.data } : state.data,
    call: outcome.language === undefined ? state.call : { ...state.call, language: outcome.language },
  };
  if (outcome.kind === 'path' && !action.blocks[outcome.block]) {
    return fail(changed, action, outcome.reason, outcome.reason);
  }
  return { state: { ...changed, ...placeBy(outcome, state) } };
}

/** Comes back from a module at its end. One that ends on its error path has failed. */
function leave(from: FlowState): Moved {
  if (from.failure !== null) return leaveFailed(from, from.data.failure?.reason, from.failure);
  const { state, variables } = leaveModule(from);
  const action = callingAction(state);
  const back = ACTIONS.get(action.do)?.back;
  if (back) {
    return move(state, action, (run) => back(action.fields, run, { ok: true, values: from.variables }));
  }
  const data = { [action.name]: { status: 'success', reason: '', error: '', message: '' } };
  return apply(state, action, { kind: 'next', variables, data });
}

function leaveFailed(from: FlowState, reason: PlainValue | undefined, message: string): Moved {
  const state = abandonModule(from);
  return moduleFailed(
    state,
    callingAction(state),
    String(reason ?? 'error'),
    `${from.flow.name}: ${message}`,
  );
}

/** Takes the path of a failed call; without one, the failure is the caller's. */
function moduleFailed(state: FlowState, action: Action, reason: string, detail: string): Moved {
  const back = ACTIONS.get(action.do)?.back;
  if (back) {
    return move(state, action, (run) => back(action.fields, run, { ok: false, reason, message: detail }));
  }
  const data = { [action.name]: { status: 'error', reason, error: reason, message: detail } };
  const failed = { ...state, data: { ...state.data, ...data } };
  if (!action.blocks.onError) return fail(failed, action, reason, detail);
  return apply(failed, action, { kind: 'path', block: 'onError', reason });
}

function callingAction(state: FlowState): Action {
  const action = state.position && actionAt(state.flow, state.position);
  if (!action) throw new Error(`flow ${state.flow.name} calls no module`);
  return action;
}

/** Goes to the error path of the flow; ends the run or the module when there is none, or when that path failed itself. */
function fail(state: FlowState, action: Action, reason: string, detail: string): Moved {
  const message = state.failure ?? `${action.do} at ${action.path} failed: ${detail}`;
  if (state.failure !== null || state.flow.onError.length === 0) {
    const cause = state.failure === null ? reason : state.data.failure?.reason;
    if (state.callers.length > 0) return leaveFailed(state, cause, message);
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
  const { modules } = rootOf(state);
  const scope: Scope = { flow: state.variables, call: state.call, data: state.data };
  return {
    action,
    flow: state.flow,
    secure: rootOf(state).type === 'secure',
    attempt: state.attempt,
    memory: state.memory,
    loop: turnAt(state.position ?? [], state.visits),
    language: state.call.language,
    talk: state.talk,
    callee: (name) => (Object.hasOwn(modules, name) ? (modules[name] ?? null) : null),
    occurrence: `${action.path}#${state.actions}`,
    evaluate: (source) => evaluate(source, scope),
    text: (template) => renderTemplate(template, scope),
    audio: (prompt, data = {}) =>
      renderPrompt(
        prompt,
        { ...state.flow, language: state.call.language },
        { ...scope, data: { ...state.data, ...data } },
      ),
  };
}

function typeOf(flow: Flow, name: string): string | null {
  return Object.hasOwn(flow.variables, name) ? (flow.variables[name]?.type ?? null) : null;
}

function fits(flow: Flow, name: string, value: PlainValue): boolean {
  const type: string = typeof value;
  return type === typeOf(flow, name);
}
