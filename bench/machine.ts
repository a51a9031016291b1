import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { cpuMs } from './process-usage.js';

/** A time is quiet when all other programs together had less than this share of the machine. */
export const QUIET = 0.05;

interface Ticks {
  /** Stolen time included. */
  readonly used: number;
  readonly total: number;
}

/** Columns of the first line of /proc/stat (proc(5)), from `user` on; the ones behind are counted in others. */
const IDLE = 3;
const IO_WAIT = 4;
const STEAL = 7;

function ticks(): Ticks {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const columns = line
    .trim()
    .split(/\s+/)
    .slice(1, STEAL + 2)
    .map(Number);
  const total = columns.reduce((sum, value) => sum + value, 0);
  const unused = (columns[IDLE] ?? 0) + (columns[IO_WAIT] ?? 0);
  return { used: total - unused, total };
}

/**
 * Share of the machine's processor time, 0 to 1, that went to programs other than these since the call of
 * this function: other processes, and what a hypervisor gave to other machines.
 */
export function watchOthers(pids: readonly number[]): () => number {
  const before = ticks();
  const own = pids.map(cpuMs);
  const from = performance.now();
  return () => {
    const after = ticks();
    const spent = pids.map(cpuMs).reduce((sum, ms, index) => sum + ms - (own[index] ?? 0), 0);
    const used = (after.used - before.used) / Math.max(1, after.total - before.total);
    const ours = spent / ((performance.now() - from) * availableParallelism());
    return Math.max(0, used - ours);
  };
}
