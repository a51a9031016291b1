import type { RtpPacket, TelephoneEvent } from './rtp-packet.js';
import { KEYS, SAMPLES_PER_MS } from './sounds.js';
import { hasTone, keyIn, level } from './spectrum.js';

/** One RTP packet that arrived. */
export interface HeardPacket extends Omit<RtpPacket, 'payload'> {
  /** When it arrived, ms on the clock of `performance.now()`. */
  readonly at: number;
  /** `address:port` it came from. */
  readonly source: string;
  /** Its audio, or null for a telephone-event or an unknown payload type. */
  readonly pcm: Int16Array | null;
  readonly event: TelephoneEvent | null;
}

/** A key that reached the phone, by whichever way. Times in ms on the clock of `performance.now()`. */
export interface HeardDigit {
  readonly key: string;
  readonly method: 'rfc4733' | 'sip-info' | 'in-band';
  readonly at: number;
}

export interface RtpFacts {
  readonly packets: number;
  /** Sequence numbers missing between the first and the last of each stream. */
  readonly lost: number;
  /** Packets that came after one with a higher sequence number. */
  readonly reordered: number;
  readonly duplicates: number;
  readonly ssrcs: readonly number[];
  readonly payloadTypes: readonly number[];
  readonly sources: readonly string[];
}

/** Above this level, dBFS, something counts as audible. */
export const AUDIBLE = -45;

/** Everything a phone received, with when. Ranges are `[from, to)`; left out they mean all of it. */
export class Heard {
  readonly packets: HeardPacket[] = [];
  readonly #infoDigits: HeardDigit[] = [];
  readonly #listeners = new Set<() => void>();

  add(packet: HeardPacket): void {
    this.packets.push(packet);
    this.#changed();
  }

  addInfoDigit(key: string, at: number): void {
    this.#infoDigits.push({ key, method: 'sip-info', at });
    this.#changed();
  }

  /** Called at each packet and each SIP INFO digit; returns what stops it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  facts(from = -Infinity, to = Infinity): RtpFacts {
    const packets = this.#between(from, to);
    const streams = new Map<number, HeardPacket[]>();
    for (const packet of packets) streams.set(packet.ssrc, [...(streams.get(packet.ssrc) ?? []), packet]);
    let lost = 0;
    let reordered = 0;
    let duplicates = 0;
    for (const stream of streams.values()) {
      const seen = new Set<number>();
      let highest = -Infinity;
      for (const sequence of extended(stream)) {
        if (seen.has(sequence)) duplicates += 1;
        else if (sequence < highest) reordered += 1;
        seen.add(sequence);
        highest = Math.max(highest, sequence);
      }
      lost += highest - Math.min(...seen) + 1 - seen.size;
    }
    return {
      packets: packets.length,
      lost,
      reordered,
      duplicates,
      ssrcs: [...streams.keys()],
      payloadTypes: [...new Set(packets.map((packet) => packet.payloadType))],
      sources: [...new Set(packets.map((packet) => packet.source))],
    };
  }

  /** How long `hz` was heard, ms. Each packet is judged by itself, so one leaked packet counts 20 ms. */
  toneMs(hz: number, from = -Infinity, to = Infinity, threshold = AUDIBLE): number {
    return this.#sum(from, to, (pcm) => hasTone(pcm, hz, threshold));
  }

  /** How long anything was heard, ms. */
  audibleMs(from = -Infinity, to = Infinity, threshold = AUDIBLE): number {
    return this.#sum(from, to, (pcm) => level(pcm) >= threshold);
  }

  /** Keys in order: each telephone-event once, SIP INFO, and tones of at least `minMs` in the audio. */
  digits(from = -Infinity, to = Infinity, minMs = 40): HeardDigit[] {
    const packets = this.#between(from, to);
    const info = this.#infoDigits.filter(({ at }) => at >= from && at < to);
    return [...eventDigits(packets), ...info, ...toneDigits(packets, minMs)].sort((a, b) => a.at - b.at);
  }

  /**
   * The audio as one stretch of 8 kHz PCM beginning at `from` (default: the first packet). Packets lie
   * where their timestamps put them; what never came is silence.
   */
  pcm(from = this.packets[0]?.at ?? 0, to = Infinity): Int16Array {
    const last = this.packets.at(-1)?.at ?? from;
    const out = new Int16Array(Math.max(0, Math.ceil((Math.min(to, last + 200) - from) * SAMPLES_PER_MS)));
    const anchors = new Map<number, { at: number; timestamp: number }>();
    let end = 0;
    for (const packet of this.#between(from, to)) {
      if (!packet.pcm) continue;
      const offset = Math.round((placeOf(packet, anchors) - from) * SAMPLES_PER_MS);
      const start = Math.max(0, offset);
      out.set(
        packet.pcm.subarray(start - offset, Math.max(start - offset, out.length - offset)),
        Math.min(start, out.length),
      );
      end = Math.max(end, start + packet.pcm.length);
    }
    return out.subarray(0, Math.min(end, out.length));
  }

  #between(from: number, to: number): HeardPacket[] {
    return this.packets.filter((packet) => packet.at >= from && packet.at < to);
  }

  #sum(from: number, to: number, matches: (pcm: Int16Array) => boolean): number {
    let samples = 0;
    for (const { pcm } of this.#between(from, to)) if (pcm && matches(pcm)) samples += pcm.length;
    return samples / SAMPLES_PER_MS;
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Sequence numbers of one stream without the wrap at 65,536. */
function extended(stream: readonly HeardPacket[]): number[] {
  let last: number | null = null;
  return stream.map(({ sequence }) => {
    const turn: number =
      last === null ? sequence : last + ((((sequence - last) & 0xffff) + 0x8000) % 0x10000) - 0x8000;
    last = turn;
    return turn;
  });
}

/** Time of a packet's first sample. A stream is anchored at its first packet, and anew when it jumps by 200 ms. */
function placeOf(packet: HeardPacket, anchors: Map<number, { at: number; timestamp: number }>): number {
  const anchor = anchors.get(packet.ssrc);
  if (anchor) {
    const since = ((packet.timestamp - anchor.timestamp) | 0) / SAMPLES_PER_MS;
    if (Math.abs(anchor.at + since - packet.at) < 200) return anchor.at + since;
  }
  anchors.set(packet.ssrc, { at: packet.at, timestamp: packet.timestamp });
  return packet.at;
}

function eventDigits(packets: readonly HeardPacket[]): HeardDigit[] {
  const seen = new Set<string>();
  const digits: HeardDigit[] = [];
  for (const { event, ssrc, timestamp, at } of packets) {
    const key = event && KEYS[event.code];
    if (!key || seen.has(`${ssrc}/${timestamp}`)) continue;
    seen.add(`${ssrc}/${timestamp}`);
    digits.push({ key, method: 'rfc4733', at });
  }
  return digits;
}

/** Runs of packets in which the same key sounds, at least `minMs` long. */
function toneDigits(packets: readonly HeardPacket[], minMs: number): HeardDigit[] {
  const runs: { key: string | null; at: number; samples: number }[] = [];
  for (const { pcm, at } of packets) {
    if (!pcm) continue;
    const key = keyIn(pcm);
    const run = runs.at(-1);
    if (run?.key === key) run.samples += pcm.length;
    else runs.push({ key, at, samples: pcm.length });
  }
  return runs.flatMap(({ key, at, samples }) =>
    key !== null && samples >= minMs * SAMPLES_PER_MS ? [{ key, method: 'in-band' as const, at }] : [],
  );
}
