import type { SilentTime } from './load/secure.js';
import { measureBare } from './measure/bare.js';
import { measureSetUps } from './measure/set-ups.js';
import type { Steady } from './measure/steady.js';
import type { Options } from './options.js';
import { residentBytes } from './process-usage.js';
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
import { Freeswitch, findFreeswitch, freeswitchVersion } from './targets/freeswitch.js';
import { bytesPerCall, Tacet } from './targets/tacet.js';

const MOST_CALLS = 500;
const PER_SECOND = 100;

export interface TacetFigures {
  readonly cpuMsPerSetUp: number;
  readonly steady: Steady;
  readonly most: Steady;
  readonly keyToPromptMs: Percentiles;
  readonly secureSilentMs: Percentiles;
  readonly secureAcceptedMs: Percentiles;
  /** The machine did little else while keys and secure sessions were measured. */
  readonly quiet: { readonly keys: boolean; readonly secure: boolean };
  /** Memory that the most calls took beyond that of the idle, warm server, for each of them. */
  readonly bytesPerCall: number;
}

export interface FreeswitchFigures {
  readonly version: string;
  readonly cpuMsPerSetUp: number;
  readonly steady: Steady;
  readonly bytesPerCall: number;
}

export interface Figures {
  readonly tacet: TacetFigures;
  readonly bare: { readonly steady: Steady; readonly most: Steady };
  readonly freeswitch: FreeswitchFigures | null;
}

const mostCalls = ({ calls }: Options): number => Math.max(calls, MOST_CALLS);

/** Runs everything, one target after the other, and leaves no process and no file. */
export function runBench(options: Options, say: (step: string) => void): Promise<Figures> {
  return withBench(options, say, async (bench) => ({
    ...(await benchTacet(bench)),
    freeswitch: await benchFreeswitch(bench),
  }));
}

/** The bare loop is measured while Tacet idles: a server gives back what its start took after some seconds only. */
async function benchTacet(bench: Bench): Promise<Pick<Figures, 'tacet' | 'bare'>> {
  const { load, options, prompts, say } = bench;
  say('tacet: starting');
  const tacet = await Tacet.start({
    directory: emptyDirectory(bench, 'tacet'),
    prompts,
    agents: SESSIONS_AT_A_TIME,
    agentPort: await load.request('port', null),
    keys: KEYS,
    nodeOptions: profileOptions(options),
    stack: null,
  });
  try {
    const [few, most] = await measureBare(bench, [options.calls, mostCalls(options)]);
    return { bare: { steady: few as Steady, most: most as Steady }, tacet: await measureTacet(bench, tacet) };
  } finally {
    await tacet.stop();
  }
}

async function measureTacet(bench: Bench, tacet: Tacet): Promise<TacetFigures> {
  const { load, options, say } = bench;
  const most = mostCalls(options);
  const { pid, sipPort: port } = tacet;
  const loop = { user: 'loop', port, perSecond: PER_SECOND };
  const lateness = () => tacet.lateness();
  say('tacet: call set-ups');
  const setUps = await measureSetUps(load, { pids: { tacet: pid }, ...loop });
  const idle = await tacet.settledBytes();
  say(`tacet: ${options.calls} calls`);
  await load.request('call', { ...loop, calls: options.calls });
  const few = await steady(bench, { pid, calls: options.calls, lateness });
  say('tacet: keys and prompts');
  const keys = await quietly(bench, [pid], () => measureKeys(bench, tacet));
  say('tacet: secure sessions');
  const secure = await quietly(bench, [pid], () => measureSecure(bench, tacet));
  say(`tacet: ${most} calls`);
  await load.request('call', { ...loop, calls: most - options.calls });
  const many = await steady(bench, { pid, calls: most, lateness });
  const taken = bytesPerCall(idle, await tacet.settledBytes(), most);
  await load.request('hangUp', PER_SECOND * 2);
  return {
    cpuMsPerSetUp: setUps.tacet ?? Number.NaN,
    steady: few,
    most: many,
    keyToPromptMs: percentiles(keys.result),
    secureSilentMs: percentiles(secure.result.map(({ silentMs }) => silentMs)),
    secureAcceptedMs: percentiles(secure.result.map(({ acceptedMs }) => acceptedMs)),
    quiet: { keys: keys.quiet, secure: secure.quiet },
    bytesPerCall: taken,
  };
}

function measureKeys({ load }: Bench, { sipPort: port }: Tacet): Promise<number[]> {
  return load.request('keys', { user: 'keys', port, callers: KEY_CALLERS, keys: KEYS });
}

function measureSecure({ load }: Bench, { sipPort: port, httpUrl, token }: Tacet): Promise<SilentTime[]> {
  const test = {
    user: 'desk',
    sessions: SESSIONS,
    atATime: SESSIONS_AT_A_TIME,
    flow: 'bench-secure',
    returns: false,
  };
  return load.request('secure', { ...test, port, httpUrl, token });
}

async function benchFreeswitch(bench: Bench): Promise<FreeswitchFigures | null> {
  const { load, options, prompts, say } = bench;
  const file = findFreeswitch();
  if (file === null) return null;
  say('freeswitch: starting');
  const freeswitch = await Freeswitch.start(file, {
    directory: emptyDirectory(bench, 'freeswitch'),
    prompt: prompts.long,
    tryCall: (port) => load.request('tryCall', { user: 'loop', port }),
  });
  try {
    const { pid, sipPort: port } = freeswitch;
    const idleBytes = residentBytes(pid);
    say(`freeswitch: ${options.calls} calls`);
    await load.request('call', { user: 'loop', port, calls: options.calls, perSecond: PER_SECOND });
    const few = await steady(bench, { pid, calls: options.calls, lateness: null });
    const bytesPerCall = (residentBytes(pid) - idleBytes) / options.calls;
    await load.request('hangUp', PER_SECOND * 2);
    say('freeswitch: call set-ups');
    const setUps = await measureSetUps(load, {
      pids: { freeswitch: pid },
      user: 'loop',
      port,
      perSecond: PER_SECOND,
    });
    const cpuMsPerSetUp = setUps.freeswitch ?? Number.NaN;
    return { version: freeswitchVersion(file), cpuMsPerSetUp, steady: few, bytesPerCall };
  } finally {
    await freeswitch.stop();
  }
}
