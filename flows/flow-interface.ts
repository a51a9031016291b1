import { ACTIONS } from './actions/registry.js';
import { actionsOf, type Flow, type FlowType, type Ports } from './flow.js';
import { isSecure, moduleOf } from './secure-use.js';

/** What other flows have to know of a flow. */
export interface FlowInterface {
  readonly type: FlowType;
  /** Absolute path that its prompt files are relative to. */
  readonly directory: string;
  readonly inputs: Ports;
  readonly outputs: Ports;
  readonly bot: Flow['bot'];
  /** Modules and bots that it calls itself. */
  readonly calls: readonly string[];
  /** Its actions by the word after `do:`, each once. */
  readonly actions: readonly string[];
  /** It has a secure variable, or an action that runs in secure mode. */
  readonly secure: boolean;
}
export type FlowInterfaces = ReadonlyMap<string, FlowInterface>;

export function interfaceOf(flow: Flow): FlowInterface {
  const { type, directory, inputs, outputs, bot, secureVariables } = flow;
  const actions = [...actionsOf(flow)];
  return {
    type,
    directory,
    inputs,
    outputs,
    bot,
    calls: calledBy(flow),
    actions: [...new Set(actions.map((action) => action.do))],
    secure: secureVariables.length > 0 || actions.some((action) => isSecure(flow, action)),
  };
}

/** Names of the modules that a flow calls itself, each once. */
function calledBy(flow: Flow): string[] {
  return [...new Set([...actionsOf(flow)].flatMap((action) => moduleOf(action) ?? []))];
}

/** The modules that a run comes to by a call of this one, itself first. */
export function reachedFrom(name: string, flows: FlowInterfaces): string[] {
  const reached = new Set([name]);
  // A set takes in what is added while it is walked.
  for (const one of reached) for (const called of flows.get(one)?.calls ?? []) reached.add(called);
  return [...reached];
}

/** How a call of the module comes back to the flow: the names in between, or null when it does not. */
export function circle(flow: string, module: string, flows: FlowInterfaces): string[] | null {
  const cameFrom = new Map<string, string | null>([[module, null]]);
  for (const name of cameFrom.keys()) {
    if (name === flow) return trail(name, cameFrom);
    for (const called of flows.get(name)?.calls ?? []) if (!cameFrom.has(called)) cameFrom.set(called, name);
  }
  return null;
}

function trail(end: string, cameFrom: ReadonlyMap<string, string | null>): string[] {
  const names: string[] = [];
  for (let name: string | null | undefined = end; name; name = cameFrom.get(name)) names.unshift(name);
  return names;
}

/** The first action in the module, or in those it calls, that cannot stand in a flow of this type. */
export function misplaced(
  module: string,
  type: FlowType,
  flows: FlowInterfaces,
): { readonly module: string; readonly action: string } | null {
  for (const name of reachedFrom(module, flows)) {
    const action = flows.get(name)?.actions.find((word) => {
      const types = ACTIONS.get(word)?.only?.types;
      return types && !types.includes(type);
    });
    if (action !== undefined) return { module: name, action };
  }
  return null;
}

/** The module that uses secure values: this one, or one that it comes to call. */
export function secureModule(module: string, flows: FlowInterfaces): string | null {
  return reachedFrom(module, flows).find((name) => flows.get(name)?.secure) ?? null;
}

/** The secure bot in what a run comes to by a call: this one, or one further on. A bot has no shields of its own. */
export function secureBot(module: string, flows: FlowInterfaces): string | null {
  const isSecureBot = (name: string): boolean => {
    const flow = flows.get(name);
    return flow?.type === 'bot' && flow.secure;
  };
  return reachedFrom(module, flows).find(isSecureBot) ?? null;
}

/** A checked library with the modules that each flow can come to. Flows that call none are the objects that they were. */
export function linked(flows: ReadonlyMap<string, Flow>): Map<string, Flow> {
  const interfaces = new Map([...flows].map(([name, flow]) => [name, interfaceOf(flow)]));
  const alone = new Map(
    [...flows].map(([name, flow]) => {
      const calls = interfaces.get(name)?.calls ?? [];
      const reached = [...new Set(calls.flatMap((called) => reachedFrom(called, interfaces)))];
      if (reached.length === 0) return [name, { flow, reached }] as const;
      const secureModules = reached.filter((module) => secureModule(module, interfaces) !== null);
      return [name, { flow: { ...flow, secureModules }, reached }] as const;
    }),
  );
  return new Map(
    [...alone].map(([name, { flow, reached }]) => {
      if (reached.length === 0) return [name, flow];
      const found = reached.flatMap((module) => alone.get(module) ?? []);
      return [name, { ...flow, modules: Object.fromEntries(found.map((one) => [one.flow.name, one.flow])) }];
    }),
  );
}
