import type { Outcome, Run } from './actions/action.js';
import { ANSWERS } from './actions/action.js';
import { ACTIONS } from './actions/registry.js';
import type { AudioItem, CallFacts, FlowCommand, FlowEvent, FlowNote, PlainValue } from './commands.js';
import { evaluate, type Scope } from './expressions/evaluate.js';
import { renderTemplate } from './expressions/template.js';
import { ExpressionError } from './expressions/values.js';
import { type Action, actionsOf, type Flow } from './flow.js';
import { type Prompt, promptItems, renderPrompt, staticItem } from './prompt.js';
import type { FlowState, Position, Step } from './state.js';

export type { FlowState, Step } from './state.js';

/** Actions a run may enter before it goes to its error path (FEATURES.md G19). */
export const MOST_ACTIONS = 10_000;

/** What the error path may enter after that. */
const MOST_ERROR_ACTIONS = 1_000;

/**
 * Begins a run. `variables` override the defaults of declared `flow.*` variables.
 * Throws when one of them is not declared or has another type.
 */
export function start(
  flow: Flow,
  call: CallFacts,
  variables: Readonly<Record<string, string | number | boolean>> = {},
): Step {
  const values: Record<string, PlainValue> = {};
  for (const [name, { default: value }] of Object.entries(flow.variables)) values[name] = value;
  for (const [name, value] of Object.entries(variables)) {
    if (!holds(flow, name, value)) throw new TypeError(`flow ${flow.name}: flow.${name} cannot be preset so`);
    values[name] = value;
  }
  const empty = { status: '', reason: '', error: '', message: '' };
  const state: FlowState = {
    flow,
    call,
    variables: values,
    data: Object.fromEntries(flow.dataNames.map((name) => [name, empty])),
    position: ['main', 0],
    awaits: null,
    attempt: 1,
    actions: 0,
    failure: null,
  };
  return proceed(state, []);
}

/**
 * The next state and command after the answer to the outstanding command. Pure: no clock, no input or output.
 * Throws when the event answers something else, or when the run has ended: both are faults of the caller.
 */
export function step(state: FlowState, event: FlowEvent): Step {
  const action = state.position && actionAt(state.flow, state.position);
  if (!action || state.awaits !== event.type) {
    throw new Error(`flow ${state.flow.name}: '${event.type}' does not answer (awaited: ${state.awaits})`);
  }
  const answered: FlowState = { ...state, awaits: null };
  const definition = ACTIONS.get(action.do);
  const decided = decide(answered, action, (run) =>
    definition?.resume ? definition.resume(action.fields, run, event) : { kind: 'next' },
  );
  return settle(answered, action, decided, []);
}

/** Every prompt of the flow that is the same in every call: they can be rendered before there is one. */
export function staticAudio(flow: Flow): AudioItem[] {
  const found = new Map<string, AudioItem>();
  for (const action of actionsOf(flow)) {
    const prompts = ACTIONS.get(action.do)?.prompts?.(action.fields) ?? [];
    for (const item of prompts.flatMap((prompt) => promptItems(prompt))) {
      const audio = staticItem(item, flow.directory);
      if (audio) found.set(JSON.stringify(audio), audio);
    }
  }
  return [...found.values()];
}

type Decided = Outcome | { readonly kind: 'failed'; readonly reason: string };

/** Enters actions until one waits or the run ends. */
function proceed(from: FlowState, notes: FlowNote[]): Step {
  let state = from;
  for (;;) {
    const action = state.position && actionAt(state.flow, state.position);
    if (!action) return finish(state, notes, endOfBlock(state));
    if (state.actions >= MOST_ACTIONS + (state.failure === null ? 0 : MOST_ERROR_ACTIONS)) {
      const failed = fail(state, action, 'too-many-actions');
      if ('command' in failed) return finish(state, notes, failed.command);
      state = failed.state;
      continue;
    }
    notes.push({ action: action.do, path: action.path, name: action.name });
    state = { ...state, actions: state.actions + 1, attempt: 1 };
    const definition = ACTIONS.get(action.do);
    const decided = decide(state, action, (run) =>
      definition ? definition.begin(action.fields, run) : { kind: 'next' },
    );
    const moved = move(state, action, decided);
    if ('command' in moved) return { state: moved.state, notes, command: moved.command };
    state = moved.state;
  }
}

function settle(state: FlowState, action: Action, decided: Decided, notes: FlowNote[]): Step {
  const moved = move(state, action, decided);
  return 'command' in moved
    ? { state: moved.state, notes, command: moved.command }
    : proceed(moved.state, notes);
}

type Moved = { readonly state: FlowState } | { readonly state: FlowState; readonly command: FlowCommand };

function move(state: FlowState, action: Action, decided: Decided): Moved {
  if (decided.kind === 'failed') return failed(state, action, decided.reason);
  if (decided.kind === 'end') return ended(state, decided.command);
  if (decided.kind === 'wait') {
    const { command, attempt = state.attempt } = decided;
    return { state: { ...state, awaits: ANSWERS[command.do], attempt }, command };
  }
  const changed = change(state, decided);
  if (changed === null) return failed(state, action, 'wrong-type');
  if (decided.kind === 'next') return { state: { ...changed, position: after(changed) } };
  const { block, reason } = decided;
  if (!action.blocks[block]) return failed(changed, action, reason);
  return { state: { ...changed, position: enter(changed, block) } };
}

function failed(state: FlowState, action: Action, reason: string): Moved {
  const next = fail(state, action, reason);
  return 'command' in next ? ended(state, next.command) : next;
}

function ended(state: FlowState, command: FlowCommand): Moved {
  return { state: { ...state, position: null, awaits: null }, command };
}

function finish(state: FlowState, notes: FlowNote[], command: FlowCommand): Step {
  return { state: { ...state, position: null, awaits: null }, notes, command };
}

/** The error path of the run, or the disconnect when there is none or it failed itself. */
function fail(
  state: FlowState,
  action: Action,
  reason: string,
): { readonly state: FlowState } | { readonly command: FlowCommand } {
  const failure = `${action.do} at ${action.path} failed: ${reason}`;
  if (state.failure !== null || state.flow.onError.length === 0) {
    return { command: { do: 'disconnect', reason: 'error', message: state.failure ?? failure } };
  }
  const data = { ...state.data, failure: { status: 'error', reason, error: reason, message: failure } };
  return { state: { ...state, data, failure, position: ['onError', 0] } };
}

function endOfBlock(state: FlowState): FlowCommand {
  return state.failure === null
    ? { do: 'disconnect', reason: 'flow', message: 'the flow came to its end' }
    : { do: 'disconnect', reason: 'error', message: state.failure };
}

function decide(state: FlowState, action: Action, ask: (run: Run) => Outcome): Decided {
  try {
    return ask(runOf(state, action));
  } catch (error) {
    if (error instanceof ExpressionError) return { kind: 'failed', reason: error.message };
    throw error;
  }
}

function runOf(state: FlowState, action: Action): Run {
  const scope: Scope = { flow: state.variables, call: state.call, data: state.data };
  return {
    action,
    flow: state.flow,
    variables: state.variables,
    attempt: state.attempt,
    occurrence: `${action.path}#${state.actions}`,
    evaluate: (source) => evaluate(source, scope),
    text: (template) => renderTemplate(template, scope),
    audio: (prompt: Prompt | undefined) => renderPrompt(prompt, state.flow.directory, scope),
  };
}

/** The state with an action's changes, or null when a value does not fit its variable. */
function change(state: FlowState, outcome: Extract<Outcome, { kind: 'next' | 'path' }>): FlowState | null {
  const { variables = {}, data = {} } = outcome;
  const fits = Object.entries(variables).every(([name, value]) => holds(state.flow, name, value));
  if (!fits) return null;
  return {
    ...state,
    variables: { ...state.variables, ...variables },
    data: { ...state.data, ...data },
  };
}

function holds(flow: Flow, name: string, value: PlainValue): boolean {
  return Object.hasOwn(flow.variables, name) && typeof value === flow.variables[name]?.type;
}

function blockAt(flow: Flow, position: Position): readonly Action[] {
  let block = position[0] === 'onError' ? flow.onError : flow.main;
  for (let level = 2; level < position.length; level += 2) {
    block = block[Number(position[level - 1])]?.blocks[String(position[level])] ?? [];
  }
  return block;
}

function actionAt(flow: Flow, position: Position): Action | undefined {
  return blockAt(flow, position)[Number(position.at(-1))];
}

/** Where the run goes on after its action: the next one of the block, or of the nearest block around it. */
function after(state: FlowState): Position | null {
  let position = state.position ?? [];
  while (position.length >= 2) {
    const next = [...position.slice(0, -1), Number(position.at(-1)) + 1];
    if (actionAt(state.flow, next)) return next;
    position = position.slice(0, -2);
  }
  return null;
}

function enter(state: FlowState, block: string): Position | null {
  const inner = [...(state.position ?? []), block, 0];
  return actionAt(state.flow, inner) ? inner : after(state);
}
