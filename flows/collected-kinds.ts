import { bareName } from './actions/fields.js';
import { ACTIONS } from './actions/registry.js';
import type { FieldKind } from './commands.js';
import type { Action, Flow } from './flow.js';
import type { FlowInterfaces } from './flow-interface.js';
import { moduleOf } from './secure-use.js';

/** What each secure variable of a flow can hold: what is collected into it, by the flow or by others for it. */
export function collectedKinds(
  { inputs, bot }: Flow,
  actions: Iterable<Action>,
  flows: FlowInterfaces | null,
): Map<string, Set<FieldKind>> {
  const kinds = new Map<string, Set<FieldKind>>();
  const add = (variable: string, kind: FieldKind): void => {
    kinds.set(variable, (kinds.get(variable) ?? new Set<FieldKind>()).add(kind));
  };
  for (const [name, { type, field }] of Object.entries(inputs)) {
    if (type === 'secure') add(name, field ?? ANY_FIELD);
  }
  for (const [name, { secure }] of Object.entries(bot?.remote ? bot.slots : {})) {
    if (secure) add(name, ANY_FIELD);
  }
  for (const action of actions) {
    for (const { variable, kind } of ACTIONS.get(action.do)?.collects?.(action.fields) ?? []) {
      add(variable, kind);
    }
    const module = moduleOf(action);
    if (module === null) continue;
    for (const { output, variable } of secureOutputs(action)) {
      // Alone a document says nothing of what a module gives; loadLibrary does.
      const port = flows?.get(module)?.outputs[output];
      add(variable, flows ? (port?.field ?? ANY_FIELD) : 'cardNumber');
    }
  }
  return kinds;
}

/** What a secure variable counts as that can hold any field: of plain digits nothing but the length is harmless. */
const ANY_FIELD: FieldKind = 'digits';

function secureOutputs({ fields }: Action): { output: string; variable: string }[] {
  if (!('outputs' in fields)) return [];
  return Object.entries(fields.outputs as object).flatMap(([output, reference]) =>
    String(reference).startsWith('secure.') ? [{ output, variable: bareName(String(reference)) }] : [],
  );
}
