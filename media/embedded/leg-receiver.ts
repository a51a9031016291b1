import type { DtmfMethod } from '../endpoint.js';
import { KeyPresses, METHOD_BIT } from '../rtp/key-presses.js';
import { eventToAscii } from '../rtp/keys.js';
import { newRtpView, readRtp } from '../rtp/packet.js';
import { SourceLock } from '../rtp/source-lock.js';
import { TelephoneEventReceiver } from '../rtp/telephone-event.js';
import type { Codec } from '../sdp/remote.js';
import type { AgreedAudio, PayloadKind } from '../sdp/session.js';
import { InBandKeys } from './in-band-keys.js';

/** What the far end sent, for the leg. */
export interface ReceiverOutput {
  /** Audio `bytes[start..end)` at RTP time `timestamp`; the bytes are only valid during the call. */
  onAudio(bytes: Uint8Array, start: number, end: number, timestamp: number, codec: Codec): void;
  /** The far end's stream was replaced by another one. */
  onRestart(): void;
  /** A telephone-event began or ended; `event` 0 to 15, duration in RTP clock units. */
  onEventDown(event: number): void;
  onEventUp(duration: number): void;
  /** A key went down that is no echo of one already reported. */
  onKeyDown(): void;
  onKey(code: number, method: DtmfMethod, durationMs: number): void;
}

/** Counts over all legs of the engine. */
export interface DropCounts {
  malformed: number;
  foreign: number;
  /** On a leg with SRTP: altered, replayed, or not protected with the far end's key. */
  unauthenticated: number;
}

const view = newRtpView();

/** The receiving half of a leg: whose packets count, what they hold, which keys were pressed. Keeps no packet. */
export class LegReceiver {
  readonly #output: ReceiverOutput;
  readonly #drops: DropCounts;
  readonly #now: () => number;
  readonly source: SourceLock;
  readonly #presses = new KeyPresses();
  readonly #events: TelephoneEventReceiver;
  #inBand: InBandKeys | null = null;
  #agreed = new Map<number, PayloadKind>();
  #previous = new Map<number, PayloadKind>();
  /** What to take, by payload type. */
  #kinds: (PayloadKind | null)[] = new Array(128).fill(null);

  /** A packet was taken since the last tick. */
  #heard = false;
  #started = false;
  #ssrc = 0;
  #lastPacketAt: number;

  constructor(output: ReceiverOutput, drops: DropCounts, now: () => number) {
    this.#output = output;
    this.#drops = drops;
    this.#now = now;
    this.source = new SourceLock(now);
    this.#lastPacketAt = now();
    this.#events = new TelephoneEventReceiver({
      onKeyDown: (event) => this.#eventDown(event),
      onKeyUp: (event, duration, startedAt) => this.#eventUp(event, duration, startedAt),
    });
  }

  get keyDown(): boolean {
    return this.#events.keyDown || this.#inBand?.keyDown === true;
  }

  /** Keys are looked for in the audio. */
  get inBand(): boolean {
    return this.#inBand !== null;
  }

  /** When the last packet was taken, to 20 ms, or what may arrive was last agreed on. */
  get lastPacketAt(): number {
    return this.#lastPacketAt;
  }

  configure(audio: AgreedAudio): void {
    this.source.expect(audio.address, audio.port);
    this.#lastPacketAt = this.#now();
    const agreed = new Map(audio.receive);
    const events = audio.eventPayloadType !== null;
    // The far end goes on with the old types until our answer reaches it (RFC 3264 section 8.3.2).
    const previous = [...this.#previous, ...this.#agreed];
    this.#previous = new Map(
      previous.filter(([type, kind]) => !agreed.has(type) && (events || kind !== 'telephone-event')),
    );
    this.#agreed = agreed;
    this.#kinds.fill(null);
    if (audio.receiving) for (const [type, kind] of [...this.#previous, ...agreed]) this.#kinds[type] = kind;
    if (events) this.#inBand = null;
    else this.#inBand ??= this.#listenInBand();
  }

  receive(bytes: Uint8Array, address: string, port: number): void {
    if (!readRtp(bytes, view)) {
      this.#drops.malformed += 1;
      return;
    }
    if (!this.source.admit(address, port, view.ssrc, view.sequence)) {
      this.#drops.foreign += 1;
      return;
    }
    this.#heard = true;
    const kind = this.#kinds[view.payloadType] ?? null;
    if (kind === null) return;
    if (!this.#started || view.ssrc !== this.#ssrc) this.#restart(view.ssrc);
    const { start, end, timestamp } = view;
    if (kind === 'telephone-event') {
      this.#events.push(bytes, start, end, view.ssrc, timestamp, this.#now());
      return;
    }
    this.#inBand?.push(bytes, start, end, kind, view.sequence, timestamp);
    this.#output.onAudio(bytes, start, end, timestamp, kind);
  }

  /** A key of a SIP INFO, which arrives whole. */
  infoKey(code: number, durationMs: number): void {
    const now = this.#now();
    if (!this.#presses.isEcho(code, METHOD_BIT['sip-info'], now, now)) this.#output.onKeyDown();
    this.#report(code, 'sip-info', now, now, durationMs);
  }

  /** Called every 20 ms. */
  tick(now: number): void {
    if (this.#heard) {
      this.#heard = false;
      this.#lastPacketAt = now;
    } else {
      this.#inBand?.silence(now - this.#lastPacketAt);
    }
    if (this.#events.keyDown) this.#events.tick(now);
    this.#presses.expire(now);
  }

  #restart(ssrc: number): void {
    if (this.#started) {
      this.#inBand?.restart();
      this.#output.onRestart();
    }
    this.#started = true;
    this.#ssrc = ssrc;
  }

  #listenInBand(): InBandKeys {
    const bit = METHOD_BIT['in-band'];
    return new InBandKeys(
      (code, durationMs) => {
        const now = this.#now();
        this.#report(code, 'in-band', now - durationMs, now, durationMs);
      },
      (code) => {
        const now = this.#now();
        if (!this.#presses.isEcho(code, bit, now, now)) this.#output.onKeyDown();
      },
    );
  }

  #eventDown(event: number): void {
    const now = this.#now();
    this.#output.onEventDown(event);
    if (!this.#presses.isEcho(eventToAscii(event), METHOD_BIT.rfc4733, now, now)) this.#output.onKeyDown();
  }

  #eventUp(event: number, duration: number, startedAt: number): void {
    this.#output.onEventUp(duration);
    this.#report(eventToAscii(event), 'rfc4733', startedAt, this.#now(), Math.round(duration / 8));
  }

  #report(code: number, method: DtmfMethod, from: number, to: number, durationMs: number): void {
    if (this.#presses.admit(code, METHOD_BIT[method], from, to)) this.#output.onKey(code, method, durationMs);
  }
}
