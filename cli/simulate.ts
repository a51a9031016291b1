import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { calendarDay } from '../flows/fields/date.js';
import type { Flow, FlowSet } from '../flows/flow.js';
import { loadLibrary } from '../flows/loader.js';
import { flowOf, flowPaths } from './flow-files.js';
import { simulateCall } from './simulation/call.js';
import { difference } from './simulation/difference.js';
import { replay } from './simulation/replay.js';
import { AGENT_RESULTS } from './simulation/scenario.js';
import { Screen } from './simulation/screen.js';
import { readScript } from './simulation/script.js';
import { TERMINAL_HELP, TerminalCaller } from './simulation/terminal-caller.js';
import { readArgs, type Surroundings, UsageError } from './surroundings.js';

/** `tacet simulate`: runs a flow in the terminal, or replays digit scripts. */
export async function simulate(args: readonly string[], around: Surroundings): Promise<number> {
  const { values, positionals } = readArgs(() =>
    parseArgs({
      args: [...args],
      options: {
        script: { type: 'string', multiple: true, default: [] },
        data: { type: 'string', default: '' },
        agent: { type: 'string', default: 'answered' },
      },
      allowPositionals: true,
    }),
  );
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw new UsageError('simulate: name one flow document');
  const { flow, flows } = await load(path, around.cwd);
  if (values.script.length === 0) return inTerminal(flow, flows, values, around);
  let code = 0;
  for (const script of values.script) code = Math.max(code, await replayFile(flow, flows, script, around));
  return code;
}

async function load(path: string, cwd: string): Promise<{ flow: Flow; flows: FlowSet }> {
  const { directories, files } = await flowPaths([path], cwd);
  const [file] = files;
  if (file === undefined || file !== resolve(cwd, path)) {
    throw new UsageError(`${path} is no flow document *.yaml`);
  }
  const flows = await loadLibrary(directories);
  const flow = flowOf(file, flows);
  if (flow.type === 'module' || flow.type === 'bot') {
    throw new UsageError(`${path} is a ${flow.type} and has no call of its own: name a flow that calls it`);
  }
  return { flow, flows };
}

async function inTerminal(
  flow: Flow,
  flows: FlowSet,
  { data, agent }: { readonly data: string; readonly agent: string },
  { stdin, stdout }: Surroundings,
): Promise<number> {
  const result = AGENT_RESULTS.find((known) => known === agent);
  if (!result) throw new UsageError(`--agent ${agent}: one of ${AGENT_RESULTS.join(', ')}`);
  const scenario = {
    from: 'sip:caller',
    to: 'sip:tacet',
    invocationData: data,
    today: calendarDay(new Date()),
    gateway: [],
    dataActions: [],
    bots: [],
    agents: [result],
    numbers: [],
    attributes: {},
    refusesSecure: false,
  };
  if (stdin.isTTY) stdout.write(`${TERMINAL_HELP}\n`);
  const caller = new TerminalCaller(stdin);
  try {
    await simulateCall({ flow, flows, scenario, caller, onHappening: new Screen(stdout).show });
  } finally {
    await caller.close();
  }
  return 0;
}

async function replayFile(
  flow: Flow,
  flows: FlowSet,
  path: string,
  { stdout, cwd }: Surroundings,
): Promise<number> {
  const file = resolve(cwd, path);
  const source = await readFile(file, 'utf8').catch(() => null);
  if (source === null) throw new UsageError(`the file ${path} cannot be read`);
  const script = readScript(source, file);
  const trace = await replay(flow, flows, script);
  const differs = script.expected && difference(script.expected, trace);
  if (!script.expected) stdout.write(`${trace.join('\n')}\n`);
  else if (!differs) stdout.write(`${path}: ${trace.length} lines as expected\n`);
  else stdout.write(`${path}: not as expected (- expected, + happened)\n${differs.join('\n')}\n`);
  return differs ? 1 : 0;
}
