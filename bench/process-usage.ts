import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What the kernel says of a process (proc(5)): the same source for every program that is compared. */

let ticksPerSecond: number | null = null;

function tickMs(): number {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return 1000 / ticksPerSecond;
}

/** User and system time of all threads, ended ones included, in ms; resolution 10 ms. Throws when it is gone. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces: fields are counted from behind it (3 is the first).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs();
}

/** CPU of several processes by name, in ms, since the call of this function. Throws when one is gone. */
export function watchCpu<Name extends string>(
  pids: Readonly<Record<Name, number>>,
): () => Record<Name, number> {
  const names = Object.keys(pids) as Name[];
  const read = (): Record<Name, number> =>
    Object.fromEntries(names.map((name) => [name, cpuMs(pids[name])])) as Record<Name, number>;
  const before = read();
  return () => {
    const after = read();
    return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as Record<
      Name,
      number
    >;
  };
}

/** Memory of the process that is in RAM, in bytes. Throws when it is gone. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}
