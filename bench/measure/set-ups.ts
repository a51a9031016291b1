import type { LoadOperations } from '../load/process.js';
import { cpuMs } from '../process-usage.js';
import type { Child } from '../rpc.js';
import { median } from '../statistics.js';

/** Enough for V8 to have compiled what a call runs through: its compiler threads go on for some 2,000 calls. */
const WARM_UP = { calls: 3000, perSecond: 150 };
const WINDOW = { calls: 100, perSecond: 100 };
const WINDOWS = 3;
const IDLE_MS = 1000;

export interface SetUpPlan {
  readonly pid: number;
  readonly user: string;
  readonly port: number;
}

/**
 * CPU of the process in ms for one call that is answered and hung up: median of three windows of 100 calls in
 * a second. What the process uses while nobody calls is taken off.
 */
export async function measureSetUps(load: Child<LoadOperations>, plan: SetUpPlan): Promise<number> {
  const { pid, user, port } = plan;
  await load.request('setUps', { user, port, ...WARM_UP });
  const idleFrom = cpuMs(pid);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idleShare = (cpuMs(pid) - idleFrom) / IDLE_MS;
  const windows: number[] = [];
  for (let window = 0; window < WINDOWS; window += 1) {
    const from = performance.now();
    const before = cpuMs(pid);
    await load.request('setUps', { user, port, ...WINDOW });
    const idle = idleShare * (performance.now() - from);
    windows.push((cpuMs(pid) - before - idle) / WINDOW.calls);
  }
  return median(windows);
}
