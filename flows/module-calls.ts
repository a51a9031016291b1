import type { ModuleCall } from './actions/action.js';
import type { PlainValue } from './commands.js';
import type { Flow } from './flow.js';
import { DEFAULT_LANGUAGE } from './languages.js';
import { heldUnder, namesOfCall } from './secure-names.js';
import type { Caller, FlowState, Frame } from './state.js';

/** Going into a module and coming back: pure, on the state of a run. */

/** Why a module could not be called, for the caller's path. */
export interface Refusal {
  readonly reason: string;
  readonly detail: string;
}

const NO_RESULT = { status: '', reason: '', error: '', message: '' };

/** The flow that the run began with. */
export function rootOf(state: FlowState): Flow {
  return state.callers[0]?.flow ?? state.flow;
}

/** The wanted language where the flow speaks it, else the first that it does. */
export function languageFor({ languages }: Flow, wanted: string | undefined): string {
  const spoken = [wanted, ...languages].find((tag) => tag !== undefined && languages.includes(tag));
  return spoken ?? DEFAULT_LANGUAGE;
}

/** A flow or module before its first action. */
export function firstFrame(
  flow: Flow,
  variables: Readonly<Record<string, PlainValue>>,
): Omit<Frame, 'secureNames'> {
  const defaults = Object.entries(flow.variables).map(([name, declared]) => [name, declared.default]);
  return {
    flow,
    variables: { ...Object.fromEntries(defaults), ...variables },
    data: Object.fromEntries(flow.dataNames.map((name) => [name, NO_RESULT])),
    position: ['tasks.main', 0],
    visits: [],
    failure: null,
  };
}

/** The run at the begin of a module. The check refused what is refused here, as far as it can be seen in documents. */
export function enterModule(state: FlowState, call: ModuleCall): FlowState | Refusal {
  const root = rootOf(state);
  const module = Object.hasOwn(root.modules, call.module) ? root.modules[call.module] : undefined;
  if (!module || module.bot?.remote)
    return { reason: 'unknown-module', detail: `there is no module '${call.module}'` };
  if (module.type === 'bot' && root.type !== 'secure' && root.secureModules.includes(module.name)) {
    return { reason: 'secure-bot', detail: 'it runs in secure mode only' };
  }
  if (module.bot?.kind === 'digital') return { reason: 'digital-bot', detail: 'a call has no text' };
  const running = [state, ...state.callers].some(({ flow }) => flow.name === module.name);
  if (running) return { reason: 'recursion', detail: `the module '${module.name}' is running already` };
  const misfit = misfitOf(module, call);
  if (misfit !== null) return { reason: 'wrong-input', detail: `the input '${misfit}' does not fit` };
  const { flow, variables, secureNames, data, position, visits, failure } = state;
  const handed = Object.entries(call.secureInputs).map(([input, name]) => [
    input,
    heldUnder(secureNames, name),
  ]);
  const caller: Caller = {
    flow,
    variables,
    secureNames,
    data,
    position,
    visits,
    failure,
    outputs: call.outputs,
    language: state.call.language,
  };
  return {
    ...state,
    ...firstFrame(module, call.inputs),
    call: { ...state.call, language: languageFor(module, state.call.language) },
    secureNames: namesOfCall(module.name, state.actions, Object.fromEntries(handed)),
    callers: [...state.callers, caller],
  };
}

/** An input that is missing, unknown or of another type. */
export function misfitOf(
  module: Flow,
  { inputs, secureInputs }: Pick<ModuleCall, 'inputs' | 'secureInputs'>,
): string | null {
  const given = { ...inputs, ...secureInputs };
  const missing = Object.keys(module.inputs).find(
    (name) => module.inputs[name]?.required && !Object.hasOwn(given, name),
  );
  const wrong = Object.keys(given).find((name) => {
    const port = Object.hasOwn(module.inputs, name) ? module.inputs[name] : undefined;
    const type = Object.hasOwn(secureInputs, name) ? 'secure' : typeof inputs[name];
    return port?.type !== type;
  });
  return missing ?? wrong ?? null;
}

/** The run back at its `callModule`, with the outputs for its variables. Secure ones are the caller's from here on. */
export function leaveModule(state: FlowState): {
  readonly state: FlowState;
  readonly variables: Readonly<Record<string, PlainValue>>;
} {
  const { caller, back } = backToCaller(state);
  const variables: Record<string, PlainValue> = {};
  const handed: Record<string, string> = { ...caller.secureNames.handed };
  for (const [output, reference] of Object.entries(caller.outputs)) {
    if (!Object.hasOwn(state.flow.outputs, output)) continue;
    const name = reference.slice(reference.indexOf('.') + 1);
    const isSecure = state.flow.outputs[output]?.type === 'secure';
    if (isSecure && reference.startsWith('secure.')) handed[name] = heldUnder(state.secureNames, output);
    else if (!isSecure && reference.startsWith('flow.')) variables[name] = state.variables[output] ?? null;
  }
  return { state: { ...back, secureNames: { ...caller.secureNames, handed } }, variables };
}

/** The run back at its `callModule`, which failed: nothing of the module comes with it. */
export function abandonModule(state: FlowState): FlowState {
  return backToCaller(state).back;
}

function backToCaller(state: FlowState): { readonly caller: Caller; readonly back: FlowState } {
  const caller = state.callers.at(-1);
  if (!caller) throw new Error(`flow ${state.flow.name} was called by nothing`);
  const { outputs: _outputs, language, ...frame } = caller;
  const call = { ...state.call, language };
  return { caller, back: { ...state, ...frame, call, callers: state.callers.slice(0, -1) } };
}
