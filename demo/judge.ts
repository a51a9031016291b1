import { DtmfDetector } from '../media/codec/dtmf-detector.js';
import { AUDIBLE, type HeardDigit, type HeardPacket } from '../test/kit/heard.js';
import { SAMPLES_PER_MS } from '../test/kit/sounds.js';
import { hasTone } from '../test/kit/spectrum.js';

/** Everything that reached the agent's phone. */
export interface AgentHeard {
  readonly packets: readonly HeardPacket[];
  /** Keys by the phone's own detection, in every form. */
  digits(): readonly HeardDigit[];
}

/** Moments of the secure session, ms on the clock of `performance.now()`; null for what did not happen. */
export interface Moments {
  /** The agent's request left. */
  readonly requestedAt: number | null;
  /** Every shield was engaged and confirmed. */
  readonly activeAt: number | null;
  /** The agent's own shield was still to be released: the last moment before. */
  readonly shieldedUntil: number | null;
}

export interface Verdict {
  /** Keys in any form, at any time of the call. */
  readonly agentDigitsHeard: number;
  /** Audio of the customer that reached the agent while the session was active. */
  readonly agentCustomerAudioMs: number;
  /** From the agent's request to the first packet without the customer; null when there was none. */
  readonly silentAfterMs: number | null;
}

/** A packet of audio and when it was due at its sender. */
interface DuePacket {
  readonly at: number;
  readonly dueAt: number;
  readonly pcm: Int16Array;
}

/** Says what the agent heard of a customer who never stops sounding `customerHz`. Pure. */
export function judge(heard: AgentHeard, customerHz: number, moments: Moments): Verdict {
  const { requestedAt, activeAt, shieldedUntil } = moments;
  const agentDigitsHeard = countDigits(heard);
  if (requestedAt === null || activeAt === null) {
    return { agentDigitsHeard, agentCustomerAudioMs: 0, silentAfterMs: null };
  }
  // What was read before the release began was sent before it, so the end needs no other clock.
  const packets = withDueTimes(heard.packets).filter(({ at }) => at < (shieldedUntil ?? Infinity));
  let leaked = 0;
  let lastHeard = -1;
  for (const [index, { pcm, dueAt }] of packets.entries()) {
    if (!hasTone(pcm, customerHz, AUDIBLE)) continue;
    lastHeard = index;
    if (dueAt >= activeAt) leaked += pcm.length;
  }
  const silent = leaked === 0 ? packets[lastHeard + 1] : undefined;
  return {
    agentDigitsHeard,
    agentCustomerAudioMs: leaked / SAMPLES_PER_MS,
    silentAfterMs: silent ? Math.max(0, Math.round(silent.dueAt - requestedAt)) : null,
  };
}

/** Events and INFO as the phone counted them; tones as the stricter of two independent detectors did. */
function countDigits(heard: AgentHeard): number {
  const digits = heard.digits();
  const inBand = digits.filter(({ method }) => method === 'in-band').length;
  let detected = 0;
  const detector = new DtmfDetector(
    () => {},
    () => {
      detected += 1;
    },
  );
  for (const { pcm } of heard.packets) if (pcm) detector.push(pcm);
  return digits.length - inBand + Math.max(inBand, detected);
}

/**
 * A loaded machine may read a packet long after it was sent. Timestamps tell when each was due: a sender's packets
 * are 20 ms apart, and the one that was read soonest after its turn gives the beginning of that clock.
 */
function withDueTimes(packets: readonly HeardPacket[]): DuePacket[] {
  const bases = new Map<number, number>();
  const starts = new Map<number, number>();
  const sinceStart = ({ ssrc, timestamp }: HeardPacket): number => {
    const base = bases.get(ssrc) ?? timestamp;
    bases.set(ssrc, base);
    return ((timestamp - base) | 0) / SAMPLES_PER_MS;
  };
  for (const packet of packets) {
    if (!packet.pcm) continue;
    const start = packet.at - sinceStart(packet);
    starts.set(packet.ssrc, Math.min(starts.get(packet.ssrc) ?? Infinity, start));
  }
  return packets.flatMap((packet) => {
    const { at, pcm, ssrc } = packet;
    return pcm ? [{ at, pcm, dueAt: (starts.get(ssrc) ?? at) + sinceStart(packet) }] : [];
  });
}
