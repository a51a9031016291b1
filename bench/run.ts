import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LoadOperations } from './load/process.js';
import type { SilentTime } from './load/secure.js';
import { QUIET, watchOthers } from './machine.js';
import { measureSetUps } from './measure/set-ups.js';
import { measureSteady, type Steady, type SteadyPlan } from './measure/steady.js';
import type { Options } from './options.js';
import { residentBytes } from './process-usage.js';
import { Child } from './rpc.js';
import { type PromptFiles, writePrompts } from './sounds.js';
import { type Percentiles, percentiles } from './statistics.js';
import type { BareOperations } from './targets/bare-process.js';
import { Freeswitch, findFreeswitch, freeswitchVersion } from './targets/freeswitch.js';
import { Tacet } from './targets/tacet.js';

const MOST_CALLS = 500;
/** Windows at the wanted number of calls, and at the most. */
const WINDOWS = 3;
const WINDOWS_AT_MOST = 2;
const SETTLE_MS = 1000;
const PER_SECOND = 100;
const KEY_CALLERS = 12;
const KEYS = 10;
const SESSIONS = 40;
const SESSIONS_AT_A_TIME = 8;

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

interface Bench {
  readonly options: Options;
  readonly load: Child<LoadOperations>;
  readonly directory: string;
  readonly prompts: PromptFiles;
  readonly most: number;
  readonly say: (step: string) => void;
}

/** Runs everything, one target after the other, and leaves no process and no file. */
export async function runBench(options: Options, say: (step: string) => void): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'tacet-bench-'));
  const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', removeDirectory);
  const load = new Child<LoadOperations>('load', new URL('./load/process.js', import.meta.url));
  try {
    const prompts = writePrompts(directory);
    const most = Math.max(options.calls, MOST_CALLS);
    const bench: Bench = { options, load, directory, prompts, most, say };
    return { ...(await benchTacet(bench)), freeswitch: await benchFreeswitch(bench) };
  } finally {
    await load.close();
    process.off('exit', removeDirectory);
    removeDirectory();
  }
}

function emptyDirectory(bench: Bench, name: string): string {
  const directory = join(bench.directory, name);
  mkdirSync(directory);
  return directory;
}

async function steady(
  bench: Bench,
  pid: number,
  calls: number,
  lateness: SteadyPlan['lateness'] = null,
): Promise<Steady> {
  await new Promise((settled) => setTimeout(settled, SETTLE_MS));
  const windows = calls === bench.options.calls ? WINDOWS : WINDOWS_AT_MOST;
  const windowMs = bench.options.seconds * 1000;
  return measureSteady(bench.load, { pid, calls, windows, windowMs, lateness });
}

/** The bare loop is measured while Tacet idles: a server gives back what its start took after some seconds only. */
async function benchTacet(bench: Bench): Promise<Pick<Figures, 'tacet' | 'bare'>> {
  const { load, options, prompts, say } = bench;
  say('tacet: starting');
  const profile = options.profile === null ? [] : ['--cpu-prof', '--cpu-prof-dir', resolve(options.profile)];
  const tacet = await Tacet.start({
    directory: emptyDirectory(bench, 'tacet'),
    prompts,
    agents: SESSIONS_AT_A_TIME,
    agentPort: await load.request('port', null),
    keys: KEYS,
    nodeOptions: profile,
  });
  try {
    const bare = await benchBare(bench);
    return { bare, tacet: await measureTacet(bench, tacet) };
  } finally {
    await tacet.stop();
  }
}

async function measureTacet(bench: Bench, tacet: Tacet): Promise<TacetFigures> {
  const { load, options, most, say } = bench;
  const { pid, sipPort: port } = tacet;
  const loop = { user: 'loop', port, perSecond: PER_SECOND };
  const lateness = () => tacet.lateness();
  say('tacet: call set-ups');
  const cpuMsPerSetUp = await measureSetUps(load, { pid, user: 'loop', port });
  const idleBytes = await tacet.settledBytes();
  say(`tacet: ${options.calls} calls`);
  await load.request('call', { ...loop, calls: options.calls });
  const few = await steady(bench, pid, options.calls, lateness);
  say('tacet: keys and prompts');
  const keys = await quietly(bench, pid, () => measureKeys(bench, tacet));
  say('tacet: secure sessions');
  const secure = await quietly(bench, pid, () => measureSecure(bench, tacet));
  say(`tacet: ${most} calls`);
  await load.request('call', { ...loop, calls: most - options.calls });
  const many = await steady(bench, pid, most, lateness);
  const bytesPerCall = ((await tacet.settledBytes()) - idleBytes) / most;
  await load.request('hangUp', PER_SECOND * 2);
  return {
    cpuMsPerSetUp,
    steady: few,
    most: many,
    keyToPromptMs: percentiles(keys.result),
    secureSilentMs: percentiles(secure.result.map(({ silentMs }) => silentMs)),
    secureAcceptedMs: percentiles(secure.result.map(({ acceptedMs }) => acceptedMs)),
    quiet: { keys: keys.quiet, secure: secure.quiet },
    bytesPerCall,
  };
}

async function quietly<T>(
  { load }: Bench,
  pid: number,
  measure: () => Promise<T>,
): Promise<{ result: T; quiet: boolean }> {
  const others = watchOthers([process.pid, load.pid, pid]);
  const result = await measure();
  return { result, quiet: others() < QUIET };
}

function measureKeys({ load }: Bench, { sipPort: port }: Tacet): Promise<number[]> {
  return load.request('keys', { user: 'keys', port, callers: KEY_CALLERS, keys: KEYS });
}

function measureSecure({ load }: Bench, { sipPort: port, httpUrl, token }: Tacet): Promise<SilentTime[]> {
  const test = { user: 'desk', sessions: SESSIONS, atATime: SESSIONS_AT_A_TIME, flow: 'bench-secure' };
  return load.request('secure', { ...test, port, httpUrl, token });
}

async function benchBare(bench: Bench): Promise<Figures['bare']> {
  const { load, options, most, say } = bench;
  const bare = new Child<BareOperations>('bare loop', new URL('./targets/bare-process.js', import.meta.url));
  try {
    say(`bare loop: ${options.calls} calls`);
    await load.request('stream', await bare.request('open', options.calls));
    const few = await steady(bench, bare.pid, options.calls);
    say(`bare loop: ${most} calls`);
    await load.request('stream', await bare.request('open', most - options.calls));
    const many = await steady(bench, bare.pid, most);
    await load.request('endStreams', null);
    return { steady: few, most: many };
  } finally {
    await bare.close();
  }
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
    const few = await steady(bench, pid, options.calls);
    const bytesPerCall = (residentBytes(pid) - idleBytes) / options.calls;
    await load.request('hangUp', PER_SECOND * 2);
    say('freeswitch: call set-ups');
    const cpuMsPerSetUp = await measureSetUps(load, { pid, user: 'loop', port });
    return { version: freeswitchVersion(file), cpuMsPerSetUp, steady: few, bytesPerCall };
  } finally {
    await freeswitch.stop();
  }
}
