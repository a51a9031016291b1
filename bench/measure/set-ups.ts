import type { LoadOperations } from '../load/process.js';
import { cpuMs } from '../process-usage.js';
import type { Child } from '../rpc.js';
import { median } from '../statistics.js';

const PER_SECOND = 50;
const CALLS = 75;
const WINDOWS = 3;
const IDLE_MS = 1000;

export interface SetUpPlan {
  readonly pid: number;
  readonly user: string;
  readonly port: number;
}

/**
 * CPU of the process in ms for one call that is answered and hung up: median of three windows of 75 calls at
 * 50 a second, after 75 to warm up. What the process uses while nobody calls is taken off.
 */
export async function measureSetUps(load: Child<LoadOperations>, plan: SetUpPlan): Promise<number> {
  const { pid, user, port } = plan;
  const batch = () => load.request('setUps', { user, port, calls: CALLS, perSecond: PER_SECOND });
  await batch();
  const idleFrom = cpuMs(pid);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idleShare = (cpuMs(pid) - idleFrom) / IDLE_MS;
  const windows: number[] = [];
  for (let window = 0; window < WINDOWS; window += 1) {
    const from = performance.now();
    const before = cpuMs(pid);
    await batch();
    const idle = idleShare * (performance.now() - from);
    windows.push((cpuMs(pid) - before - idle) / CALLS);
  }
  return median(windows);
}
