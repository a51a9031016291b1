import type { LoadOperations } from '../load/process.js';
import { watchCpu } from '../process-usage.js';
import type { Child } from '../rpc.js';
import { median } from '../statistics.js';

/** Enough for V8 to have compiled what a call runs through: its compiler threads go on for some 2,000 calls. */
const WARM_UP_CALLS = 3000;
const WINDOW_CALLS = 200;
const WINDOWS = 5;
const IDLE_MS = 1000;
/** For calls that have ended to be cleared away. */
const SETTLE_MS = 2000;
/** How long the last calls may take beyond the time in which all are begun. */
const LATE_MS = 60_000;

export interface SetUpPlan {
  /** Processes to measure, by name. */
  readonly pids: Readonly<Record<string, number>>;
  readonly user: string;
  readonly port: number;
  /** Set-ups each second while measured; before that half as many again. */
  readonly perSecond: number;
}

/**
 * CPU of each process in ms for one call that is answered and hung up: median of five windows of 200 calls.
 * What a process uses while nobody calls is taken off.
 */
export async function measureSetUps(
  load: Child<LoadOperations>,
  plan: SetUpPlan,
): Promise<Readonly<Record<string, number>>> {
  const { pids, user, port, perSecond } = plan;
  const names = Object.keys(pids);
  const setUps = (calls: number, rate: number) =>
    load.request('setUps', { user, port, calls, perSecond: rate }, (calls / rate) * 1000 + LATE_MS);
  await setUps(WARM_UP_CALLS, perSecond * 1.5);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const idle = watchCpu(pids);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idled = idle();
  const windows: Readonly<Record<string, number>>[] = [];
  for (let window = 0; window < WINDOWS; window += 1) {
    const from = performance.now();
    const cpu = watchCpu(pids);
    await setUps(WINDOW_CALLS, perSecond);
    const used = cpu();
    const idles = (performance.now() - from) / IDLE_MS;
    windows.push(
      Object.fromEntries(
        names.map((name) => [name, ((used[name] ?? 0) - (idled[name] ?? 0) * idles) / WINDOW_CALLS]),
      ),
    );
  }
  return Object.fromEntries(
    names.map((name) => [name, median(windows.map((window) => window[name] ?? Number.NaN))]),
  );
}
