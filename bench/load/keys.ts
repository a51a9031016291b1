import { within } from '../../test/kit/deadline.js';
import { PROMPT_HZ } from '../sounds.js';
import { ToneWait } from './hearing.js';
import { type Parties, sideBySide } from './parties.js';

const DEADLINE_MS = 5000;
/** Keys that follow a completed field within 400 ms are dropped as surplus of it (flows/collector.ts). */
const LEAST_GAP_MS = 450;

export interface KeyTest {
  readonly user: string;
  readonly port: number;
  readonly callers: number;
  /** Keys that each caller presses. */
  readonly keys: number;
}

/**
 * Callers whose every key is answered with the other of two prompts. Resolves with the time of each key from
 * its first end packet to the first packet of the prompt, in ms. Caller by caller starts at another phase
 * of the packet clocks.
 */
export async function keyTest(parties: Parties, test: KeyTest): Promise<number[]> {
  const all = await sideBySide(test.callers, test.callers, (index) => oneCaller(parties, test, index));
  return all.flat();
}

async function oneCaller(parties: Parties, test: KeyTest, index: number): Promise<number[]> {
  await pause(index * 37);
  const ears = new ToneWait();
  const prompt = (at: number) => within(ears.next(hertz(at)), DEADLINE_MS, `prompt ${at} of the key test`);
  const first = prompt(0);
  const party = await parties.call(test.user, test.port, ears.onAudio);
  const times: number[] = [];
  try {
    await first;
    for (let key = 1; key <= test.keys; key += 1) {
      await pause(LEAST_GAP_MS + Math.random() * 100);
      const heard = prompt(key);
      const ended = await within(party.stream.press(key % 10), DEADLINE_MS, 'a key');
      times.push((await heard) - ended);
    }
  } finally {
    await parties.hangUp(party);
  }
  return times;
}

function hertz(at: number): number {
  return PROMPT_HZ[at % 2] ?? 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
