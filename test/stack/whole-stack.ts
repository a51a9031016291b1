import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Canary, findLeaks, tells } from '../calls/leaks.js';
import { Scene, type SceneOptions, type Talk } from '../calls/scene.js';
import { DeadlineError } from '../kit/deadline.js';
import { Drachtio, drachtioInstalled } from '../kit/drachtio.js';
import { Freeswitch, freeswitchInstalled } from '../kit/freeswitch.js';

/** Why tests on the whole stack do not run here; false when they do. */
export const missingStack: string | false =
  [
    ...(drachtioInstalled() ? [] : ['drachtio is not on the PATH']),
    ...(freeswitchInstalled() ? [] : ['freeswitch is not on the PATH']),
  ].join(', ') || false;

export const CAPTURES = ['vault', 'media-server'] as const;
export type Capture = (typeof CAPTURES)[number];

const EMPTY_MS = 15_000;

/** Resolves when FreeSWITCH has no channel left, with the time that took, in milliseconds. */
export async function emptied(freeswitch: Freeswitch, deadlineMs = EMPTY_MS): Promise<number> {
  const from = performance.now();
  while ((await freeswitch.channels()) > 0) {
    if (performance.now() - from > deadlineMs) {
      throw new DeadlineError('the end of every channel of FreeSWITCH', deadlineMs);
    }
    // FreeSWITCH does not say when.
    await pause(20);
  }
  return performance.now() - from;
}

/** Everything that a program wrote under a directory, file by file. */
export function written(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    const about = statSync(path, { throwIfNoEntry: false });
    if (about?.isDirectory()) return written(path);
    return about?.isFile() ? [readFileSync(path, 'latin1')] : [];
  });
}

export interface StackOptions extends SceneOptions {
  readonly capture?: Capture;
  /** One for each FreeSWITCH: its weight. Default: one server. */
  readonly weights?: readonly number[];
}

/** A drachtio-server and so many FreeSWITCH servers, or none of them running. */
export async function startServers(count: number): Promise<[Drachtio, Freeswitch[]]> {
  const drachtio = Drachtio.start();
  const freeswitches = Array.from({ length: count }, () => Freeswitch.start());
  try {
    return [await drachtio, await Promise.all(freeswitches)];
  } catch (error) {
    const all = await Promise.allSettled<Drachtio | Freeswitch>([drachtio, ...freeswitches]);
    await Promise.all(all.map((one) => one.status === 'fulfilled' && one.value.stop()));
    throw error;
  }
}

/** drachtio-server, FreeSWITCH and Tacet with two phones, as in production but all on loopback. */
export class WholeStack {
  readonly drachtio: Drachtio;
  readonly freeswitches: readonly Freeswitch[];
  readonly scene: Scene;

  private constructor(drachtio: Drachtio, freeswitches: readonly Freeswitch[], scene: Scene) {
    this.drachtio = drachtio;
    this.freeswitches = freeswitches;
    this.scene = scene;
  }

  static async start(options: StackOptions = {}): Promise<WholeStack> {
    const { capture = 'vault', weights = [1], config, ...scene } = options;
    const [drachtio, freeswitches] = await startServers(weights.length);
    const nodes = freeswitches.map(({ entry }, at) => ({ ...entry, weight: weights[at] }));
    const sections = {
      sip: { drachtio: [drachtio.entry] },
      media: { engine: 'freeswitch', freeswitch: nodes },
      secure: { capture },
    };
    const started = await Scene.start({ ...scene, config: { ...sections, ...config } });
    return new WholeStack(drachtio, freeswitches, started);
  }

  /** The first FreeSWITCH. */
  get freeswitch(): Freeswitch {
    const [first] = this.freeswitches;
    if (!first) throw new Error('the stack has no FreeSWITCH');
    return first;
  }

  /** How a talk ended. */
  async end({ conversationId }: Pick<Talk, 'conversationId'>): Promise<string> {
    const event = await this.scene.tacet.event(
      'conversation.ended',
      (one) => one.conversationId === conversationId,
      30_000,
    );
    return event.end;
  }

  /** Another call, from dialling to hearing each other, and back to nothing. */
  async callAgain(): Promise<void> {
    const talk = await this.scene.talk();
    await this.leaveNothing(talk);
  }

  /** Hangs up, and checks that nothing is left in Tacet, nor a channel in any FreeSWITCH. */
  async leaveNothing({ caller, agent }: Pick<Talk, 'caller' | 'agent'>): Promise<void> {
    await this.scene.leaveNothing(caller, agent);
    await Promise.all(this.freeswitches.map(emptied));
  }

  /** Every place where the canary turned up: those of Tacet, and what the two servers printed or wrote. */
  async leaks(talk: Talk, canary: Canary): Promise<string[]> {
    const found: string[] = await findLeaks(this.scene, talk, canary);
    if (tells(this.drachtio.output, canary)) found.push('drachtio');
    for (const { output, directory } of this.freeswitches) {
      if ([output, ...written(directory)].some((text) => tells(text, canary))) found.push('freeswitch');
    }
    return found;
  }

  async close(): Promise<void> {
    await this.scene.close();
    await Promise.all([this.drachtio, ...this.freeswitches].map((server) => server.stop()));
  }
}
