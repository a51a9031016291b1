import { Child } from '../rpc.js';
import { type Bench, steady } from '../setting.js';
import type { BareOperations } from '../targets/bare-process.js';
import type { Steady } from './steady.js';

/** The bare loop with each of these numbers of calls, the least first. */
export async function measureBare(bench: Bench, counts: readonly number[]): Promise<Steady[]> {
  const { load } = bench;
  const bare = new Child<BareOperations>('bare loop', new URL('../targets/bare-process.js', import.meta.url));
  try {
    const figures: Steady[] = [];
    let standing = 0;
    for (const calls of counts) {
      bench.say(`bare loop: ${calls} calls`);
      await load.request('stream', await bare.request('open', calls - standing));
      standing = calls;
      figures.push(await steady(bench, { pid: bare.pid, calls, lateness: null }));
    }
    await load.request('endStreams', null);
    return figures;
  } finally {
    await bare.close();
  }
}
