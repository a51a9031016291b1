import { voiceFrame } from '../sounds.js';
import { Histogram, type Percentiles } from '../statistics.js';
import { Pacer } from './pacer.js';
import { RtpStream } from './rtp-stream.js';
import { audioPort, sdp } from './sip-message.js';
import { type Dialog, SipPeer } from './sip-peer.js';

/** A call of ours that stands. */
export interface Party {
  readonly stream: RtpStream;
  readonly dialog: Dialog;
}

/** What the calls saw in a span of time. */
export interface Window {
  readonly ms: number;
  readonly received: number;
  /** Arrival against the sender's schedule, over all packets: includes what this process was late itself. */
  readonly latenessMs: Percentiles;
  /** How late this process sent its own packets. */
  readonly ownLatenessMs: Percentiles;
}

/** All calling and called parties of the load process: one SIP socket, one RTP socket for each call. */
export class Parties {
  readonly sip: SipPeer;
  readonly #lateness = new Histogram();
  readonly #ownLateness = new Histogram();
  readonly #pacer = new Pacer(this.#ownLateness);
  readonly #streams = new Set<RtpStream>();
  /** Of calls that we made, by Call-ID. */
  readonly #called = new Map<string, RtpStream>();
  readonly #voice = voiceFrame();
  #ssrc = 0x10000;

  constructor(sip: SipPeer) {
    this.sip = sip;
    sip.onReinvite = (callId, offer) => this.#move(callId, offer);
  }

  static async open(): Promise<Parties> {
    return new Parties(await SipPeer.open());
  }

  /** An RTP stream that is silent until {@link talk}. */
  async listen(): Promise<RtpStream> {
    this.#ssrc += 1;
    const stream = await RtpStream.open(this.#ssrc, this.#voice, {
      onLateness: (ms) => this.#lateness.add(ms),
    });
    this.#streams.add(stream);
    return stream;
  }

  async talk(stream: RtpStream, port: number): Promise<void> {
    await stream.connect(port);
    this.#pacer.add(stream);
  }

  drop(stream: RtpStream): void {
    this.#pacer.remove(stream);
    if (this.#streams.delete(stream)) stream.close();
  }

  /** Calls `user` as `from` and talks. `onAudio` hears the far end from its first packet. */
  async call(
    user: string,
    port: number,
    onAudio: RtpStream['onAudio'] = null,
    from = 'load',
  ): Promise<Party> {
    const stream = await this.listen();
    stream.onAudio = onAudio;
    try {
      const dialog = await this.sip.invite(user, port, sdp(stream.port), from);
      this.#called.set(dialog.callId, stream);
      await this.talk(stream, audioPort(dialog.body));
      return { stream, dialog };
    } catch (error) {
      this.drop(stream);
      throw error;
    }
  }

  async hangUp({ stream, dialog }: Party): Promise<void> {
    this.drop(stream);
    this.#called.delete(dialog.callId);
    await this.sip.bye(dialog);
  }

  /** The far end takes its audio elsewhere. */
  async #move(callId: string, offer: string): Promise<string | null> {
    const stream = this.#called.get(callId);
    if (!stream) return null;
    await stream.connect(audioPort(offer));
    return sdp(stream.port);
  }

  /** Counts for `ms` from now on. */
  async window(ms: number): Promise<Window> {
    this.#lateness.take();
    this.#ownLateness.take();
    const count = (): number => [...this.#streams].reduce((sum, { received }) => sum + received, 0);
    const before = count();
    const from = performance.now();
    await new Promise((resolve) => setTimeout(resolve, ms));
    return {
      ms: performance.now() - from,
      received: count() - before,
      latenessMs: this.#lateness.take(),
      ownLatenessMs: this.#ownLateness.take(),
    };
  }
}

/** Starts `count` things, `perSecond` of them; resolves when all are done, rejects with the first failure. */
export async function atRate<T>(
  count: number,
  perSecond: number,
  start: (index: number) => Promise<T>,
): Promise<T[]> {
  const from = performance.now();
  const started = Array.from({ length: count }, async (_, index) => {
    const due = from + (index * 1000) / perSecond - performance.now();
    await new Promise((resolve) => setTimeout(resolve, due));
    return start(index);
  });
  return Promise.all(started);
}

/** At most `width` of them at a time. */
export async function sideBySide<T>(
  count: number,
  width: number,
  run: (index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      results.push(await run(index));
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}
