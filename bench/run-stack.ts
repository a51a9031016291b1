import type { SecureTest } from './load/secure.js';
import { measureBare } from './measure/bare.js';
import { measureSetUps } from './measure/set-ups.js';
import type { Steady } from './measure/steady.js';
import { VaultEvents, type VaultTimes } from './measure/vault.js';
import type { Options } from './options.js';
import {
  type Bench,
  emptyDirectory,
  KEY_CALLERS,
  KEYS,
  profileOptions,
  quietly,
  SESSIONS,
  SESSIONS_AT_A_TIME,
  steady,
  withBench,
} from './setting.js';
import { type Percentiles, percentiles } from './statistics.js';
import { findFreeswitch, freeswitchVersion } from './targets/freeswitch.js';
import { Stack } from './targets/stack.js';
import { bytesPerCall, Tacet } from './targets/tacet.js';

/** Calls without a secure session while those with one go on, when no more are asked for. */
const CROWD = 150;
const AT_ONCE = 50;
/** Calls begun each second, less than with the embedded engine: FreeSWITCH has to set them up besides. */
const PER_SECOND = 30;
const AT_ONCE_PER_SECOND = 10;
/** Audio of the crowd while sessions are active. */
const ALIVE_MS = 10_000;

export interface StackFigures {
  readonly version: string;
  /** By process: `tacet`, `freeswitch`, and `drachtio` where there is one. */
  readonly cpuMsPerSetUp: Readonly<Record<string, number>>;
  readonly bare: Steady;
  readonly steady: Steady;
  readonly most: Steady;
  readonly keyToPromptMs: Percentiles;
  readonly secureSilentMs: Percentiles;
  readonly secureAcceptedMs: Percentiles;
  readonly vaultMs: { readonly enter: Percentiles; readonly leave: Percentiles };
  readonly secure: {
    /** Calls that had their audio while the sessions went on, those in a session included. */
    readonly calls: number;
    /** Sessions that were active at the same time and came back to their agents. */
    readonly sessions: number;
    readonly wanted: { readonly calls: number; readonly sessions: number };
    readonly failure: string | null;
    readonly vaultMs: { readonly enter: Percentiles; readonly leave: Percentiles };
  };
  readonly quiet: { readonly keys: boolean; readonly secure: boolean; readonly atOnce: boolean };
  /** Memory of the program that a call takes. */
  readonly bytesPerCall: number;
}

/** Tacet on FreeSWITCH: both serve the same calls, and are measured in the same windows. Leaves no process and no file. */
export function runStackBench(options: Options, say: (step: string) => void): Promise<StackFigures> {
  return withBench(options, say, async (bench) => {
    say('freeswitch: starting');
    const stack = await Stack.start();
    try {
      return await benchStack(bench, stack);
    } finally {
      await stack.stop();
    }
  });
}

async function benchStack(bench: Bench, stack: Stack): Promise<StackFigures> {
  const { load, options, prompts, say } = bench;
  say('tacet: starting');
  const tacet = await Tacet.start({
    directory: emptyDirectory(bench, 'tacet'),
    prompts,
    agents: AT_ONCE,
    agentPort: await load.request('port', null),
    keys: KEYS,
    nodeOptions: profileOptions(options),
    stack,
  });
  const events = await VaultEvents.open(tacet.httpUrl, tacet.token);
  try {
    const [bare] = await measureBare(bench, [options.calls]);
    return { ...(await measureStack(bench, tacet, stack, events)), bare: bare as Steady };
  } finally {
    await events.close();
    await tacet.stop();
  }
}

async function measureStack(
  bench: Bench,
  tacet: Tacet,
  stack: Stack,
  events: VaultEvents,
): Promise<Omit<StackFigures, 'bare'>> {
  const { load, options, say } = bench;
  const { pid, sipPort: port } = tacet;
  const loop = { user: 'loop', port, perSecond: PER_SECOND };
  const plan = { pid, with: stack.pids, lateness: null };
  const pids = [pid, ...Object.values(stack.pids)];
  say('call set-ups');
  const cpuMsPerSetUp = await measureSetUps(load, { pids: { tacet: pid, ...stack.pids }, ...loop });
  const idle = await tacet.settledBytes();
  say(`${options.calls} calls`);
  await load.request('call', { ...loop, calls: options.calls });
  const few = await steady(bench, { ...plan, calls: options.calls });
  say('keys and prompts');
  const keyTest = { user: 'keys', port, callers: KEY_CALLERS, keys: KEYS };
  const keys = await quietly(bench, pids, () => load.request('keys', keyTest));
  say('secure sessions');
  const test = secureTest(tacet, 'bench-visit', SESSIONS, SESSIONS_AT_A_TIME);
  const secure = await quietly(bench, pids, () => load.request('secure', test));
  const vaultMs = vaultPercentiles(events.watch.times);
  const crowd = Math.max(options.calls, CROWD);
  say(`${crowd} calls`);
  if (crowd > options.calls) await load.request('call', { ...loop, calls: crowd - options.calls });
  const most = await steady(bench, { ...plan, calls: crowd });
  const taken = bytesPerCall(idle, await tacet.settledBytes(), crowd);
  const atOnce = await quietly(bench, pids, () => measureAtOnce(bench, tacet, events, crowd));
  await load.request('hangUp', PER_SECOND * 2);
  return {
    version: freeswitchVersion(findFreeswitch() ?? 'freeswitch'),
    cpuMsPerSetUp,
    steady: few,
    most,
    keyToPromptMs: percentiles(keys.result),
    secureSilentMs: percentiles(secure.result.map(({ silentMs }) => silentMs)),
    secureAcceptedMs: percentiles(secure.result.map(({ acceptedMs }) => acceptedMs)),
    vaultMs,
    secure: atOnce.result,
    quiet: { keys: keys.quiet, secure: secure.quiet, atOnce: atOnce.quiet },
    bytesPerCall: taken,
  };
}

async function measureAtOnce(
  { load, say }: Bench,
  tacet: Tacet,
  events: VaultEvents,
  crowd: number,
): Promise<StackFigures['secure']> {
  say(`${crowd + AT_ONCE} calls, ${AT_ONCE} of them in secure sessions`);
  const test = secureTest(tacet, 'bench-stay', AT_ONCE, AT_ONCE_PER_SECOND);
  events.watch.clear();
  const talking = await load.request('secureConnect', test);
  const [{ sessions, failure }, alive] = await Promise.all([
    load.request('secureAtOnce', test),
    load.request('alive', ALIVE_MS),
  ]);
  const { times } = events.watch;
  return {
    calls: alive + talking,
    sessions: Math.min(sessions, times.mostAtOnce),
    wanted: { calls: crowd + AT_ONCE, sessions: AT_ONCE },
    failure,
    vaultMs: vaultPercentiles(times),
  };
}

function secureTest(tacet: Tacet, flow: string, sessions: number, atATime: number): SecureTest {
  const { sipPort: port, httpUrl, token } = tacet;
  return { user: 'desk', port, sessions, atATime, flow, returns: true, httpUrl, token };
}

function vaultPercentiles({ enter, leave }: VaultTimes): StackFigures['vaultMs'] {
  return { enter: percentiles(enter), leave: percentiles(leave) };
}
