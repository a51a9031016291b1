import type { Flow, FlowSet } from '../../flows/flow.js';
import { simulateCall } from './call.js';
import type { Script } from './script.js';
import { ScriptedCaller } from './scripted-caller.js';
import { traceLine } from './trace.js';

/** Runs a flow against a script. Resolves with the trace it left. */
export async function replay(flow: Flow, flows: FlowSet, script: Script): Promise<readonly string[]> {
  const trace: string[] = [];
  await simulateCall({
    flow,
    flows,
    scenario: script.scenario,
    caller: new ScriptedCaller(script.steps),
    onHappening: (happening) => {
      const line = traceLine(happening);
      if (line !== null) trace.push(line);
    },
  });
  return trace;
}
