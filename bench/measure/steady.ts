import type { LoadOperations } from '../load/process.js';
import { QUIET, watchOthers } from '../machine.js';
import { watchCpu } from '../process-usage.js';
import type { Child } from '../rpc.js';
import { median } from '../statistics.js';

/** Packets per second of each call. */
const PACKETS = 50;
/** Under this share of the packets there is nothing to measure. */
const LEAST_DELIVERED = 0.5;

export interface Lateness {
  readonly p99: number;
  readonly max: number;
}

export interface SteadyPlan {
  readonly pid: number;
  /** Processes that serve the same calls with it, by name. */
  readonly with?: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly windows: number;
  readonly windowMs: number;
  /** Lateness by the target's own stopwatch since the last question, where it has one. */
  readonly lateness: (() => Promise<Lateness>) | null;
}

interface Window {
  /** Seconds of audio that the calls should have received, and that they did. */
  readonly due: number;
  readonly received: number;
  /** Of the target, in ms. */
  readonly cpu: number;
  /** Of the processes with it. */
  readonly cpuWith: Readonly<Record<string, number>>;
  /** Share of the machine that others used. */
  readonly others: number;
  readonly engine: Lateness | null;
  readonly receiver: Lateness;
  readonly load: Lateness;
}

/** Median p99 and worst packet of several windows, in ms. */
export interface LatenessMs {
  /** By the target's own stopwatch; null where it has none. */
  readonly engine: Lateness | null;
  /** By the receiver, which adds its own lateness. */
  readonly receiver: Lateness;
  /** Of the load process's own packets. */
  readonly load: Lateness;
}

/** Standing calls over several windows of time. */
export interface Steady {
  readonly calls: number;
  /** CPU of the process in ms, for each second of audio that arrived, i.e. 50 packets: median of the windows. */
  readonly cpuMsPerCallSecond: number;
  /** The same of each process that served these calls with it, in the same windows. */
  readonly with: Readonly<Record<string, number>>;
  /** Share of the packets due that arrived. */
  readonly delivered: number;
  /** Of all windows. */
  readonly lateness: LatenessMs;
  /** Of the windows in which the machine did little else; null when there was none. */
  readonly quiet: LatenessMs | null;
  /** Median share of the machine that went to other programs. */
  readonly others: number;
}

/** Rejects when the target did not send what it should. */
export async function measureSteady(load: Child<LoadOperations>, plan: SteadyPlan): Promise<Steady> {
  const windows: Window[] = [];
  await plan.lateness?.();
  for (let window = 0; window < plan.windows; window += 1) windows.push(await oneWindow(load, plan));
  const total = (value: (window: Window) => number): number =>
    windows.reduce((sum, window) => sum + value(window), 0);
  const delivered = total(({ received }) => received) / total(({ due }) => due);
  if (delivered < LEAST_DELIVERED) {
    throw new Error(`only ${(delivered * 100).toFixed(1)} % of the packets of ${plan.calls} calls arrived`);
  }
  const quiet = windows.filter(({ others }) => others < QUIET);
  return {
    calls: plan.calls,
    cpuMsPerCallSecond: median(windows.map(({ cpu, received }) => cpu / received)),
    with: Object.fromEntries(
      Object.keys(plan.with ?? {}).map((name) => [
        name,
        median(windows.map(({ cpuWith, received }) => (cpuWith[name] ?? Number.NaN) / received)),
      ]),
    ),
    delivered,
    lateness: latenessOf(windows),
    quiet: quiet.length === 0 ? null : latenessOf(quiet),
    others: median(windows.map(({ others }) => others)),
  };
}

async function oneWindow(load: Child<LoadOperations>, plan: SteadyPlan): Promise<Window> {
  const others = watchOthers([process.pid, load.pid, plan.pid, ...Object.values(plan.with ?? {})]);
  const cpu = watchCpu({ target: plan.pid });
  const cpuWith = watchCpu(plan.with ?? {});
  const seen = await load.request('window', plan.windowMs, plan.windowMs + 30_000);
  return {
    due: (plan.calls * seen.ms) / 1000,
    received: seen.received / PACKETS,
    cpu: cpu().target,
    cpuWith: cpuWith(),
    others: others(),
    engine: (await plan.lateness?.()) ?? null,
    receiver: seen.latenessMs,
    load: seen.ownLatenessMs,
  };
}

function latenessOf(windows: readonly Window[]): LatenessMs {
  const worst = (values: readonly Lateness[]): Lateness => ({
    p99: median(values.map(({ p99 }) => p99)),
    max: Math.max(...values.map(({ max }) => max)),
  });
  const engine = windows.flatMap((window) => window.engine ?? []);
  return {
    engine: engine.length === 0 ? null : worst(engine),
    receiver: worst(windows.map(({ receiver }) => receiver)),
    load: worst(windows.map(({ load }) => load)),
  };
}
