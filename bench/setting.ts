import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LoadOperations } from './load/process.js';
import { QUIET, watchOthers } from './machine.js';
import { measureSteady, type Steady, type SteadyPlan } from './measure/steady.js';
import type { Options } from './options.js';
import { Child } from './rpc.js';
import { type PromptFiles, writePrompts } from './sounds.js';

/** Windows at the wanted number of calls, and at the most. */
const WINDOWS = 3;
const WINDOWS_AT_MOST = 2;
const SETTLE_MS = 1000;

/** The tests of keys and of secure sessions, the same on every engine. */
export const KEY_CALLERS = 12;
export const KEYS = 10;
export const SESSIONS = 40;
export const SESSIONS_AT_A_TIME = 8;

/** What every measurement of one run shares. */
export interface Bench {
  readonly options: Options;
  readonly load: Child<LoadOperations>;
  readonly directory: string;
  readonly prompts: PromptFiles;
  readonly say: (step: string) => void;
}

/** Runs `measure` with a load process and a directory, and leaves neither. */
export async function withBench<T>(
  options: Options,
  say: (step: string) => void,
  measure: (bench: Bench) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'tacet-bench-'));
  const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', removeDirectory);
  const load = new Child<LoadOperations>('load', new URL('./load/process.js', import.meta.url));
  try {
    return await measure({ options, load, directory, prompts: writePrompts(directory), say });
  } finally {
    await load.close();
    process.off('exit', removeDirectory);
    removeDirectory();
  }
}

/** What a measured server is given when its CPU profiles are wanted. */
export function profileOptions({ profile }: Options): string[] {
  return profile === null ? [] : ['--cpu-prof', '--cpu-prof-dir', resolve(profile)];
}

export function emptyDirectory(bench: Bench, name: string): string {
  const directory = join(bench.directory, name);
  mkdirSync(directory);
  return directory;
}

/** Measures the calls that stand now, once they have settled. */
export async function steady(bench: Bench, plan: Omit<SteadyPlan, 'windows' | 'windowMs'>): Promise<Steady> {
  await new Promise((settled) => setTimeout(settled, SETTLE_MS));
  const windows = plan.calls === bench.options.calls ? WINDOWS : WINDOWS_AT_MOST;
  return measureSteady(bench.load, { ...plan, windows, windowMs: bench.options.seconds * 1000 });
}

/** Whether the machine did little but these processes, and the load, while something was measured. */
export async function quietly<T>(
  { load }: Bench,
  pids: readonly number[],
  measure: () => Promise<T>,
): Promise<{ result: T; quiet: boolean }> {
  const others = watchOthers([process.pid, load.pid, ...pids]);
  const result = await measure();
  return { result, quiet: others() < QUIET };
}
