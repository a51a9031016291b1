import type { TelephoneEvent } from './rtp-packet.js';

/** What a fault may look at before a packet leaves the phone. */
export interface OutgoingPacket {
  readonly bytes: Buffer;
  readonly marker: boolean;
  /** Null for audio. */
  readonly event: TelephoneEvent | null;
}

/**
 * Decides what the network does to a packet: one entry for each copy that arrives, the number being how
 * many later packets overtake it. `[0]` is a good network, `[]` a lost packet, `[0, 0]` a duplicate,
 * `[1]` a packet that the next one overtakes. Counted in packets, not in time, so that a test repeats exactly.
 */
export type NetworkFault = (packet: OutgoingPacket) => readonly number[];

const COPIES: Readonly<Record<string, readonly number[]>> = { '.': [0], x: [], '2': [0, 0], '>': [1] };

/** Repeats a pattern: `.` arrives, `x` is lost, `2` arrives twice, `>` is overtaken by the next packet. */
export function pattern(marks: string): NetworkFault {
  const copies = [...marks].map((mark) => {
    const found = COPIES[mark];
    if (!found) throw new Error(`a network pattern is made of . x 2 and >, not ${mark}`);
    return found;
  });
  if (copies.length === 0) throw new Error('an empty network pattern');
  let at = 0;
  return () => copies[at++ % copies.length] ?? [0];
}

/** Applies `fault` to the packets that `which` picks; the others arrive. */
export function only(which: (packet: OutgoingPacket) => boolean, fault: NetworkFault): NetworkFault {
  return (packet) => (which(packet) ? fault(packet) : [0]);
}

/** Picks packets of telephone-events. */
export function isEvent(packet: OutgoingPacket): boolean {
  return packet.event !== null;
}

/** Picks the first packet of each telephone-event. */
export function isEventStart(packet: OutgoingPacket): boolean {
  return packet.event !== null && packet.marker;
}

/** Picks the packets that carry the end bit. */
export function isEventEnd(packet: OutgoingPacket): boolean {
  return packet.event?.end === true;
}

/** Loss, duplication and overtaking by chance (shares of 1), the same for the same seed. */
export function random(
  seed: number,
  shares: { readonly lost?: number; readonly twice?: number; readonly overtaken?: number },
): NetworkFault {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    let draw = state / 2 ** 32 - (shares.lost ?? 0);
    if (draw < 0) return [];
    draw -= shares.twice ?? 0;
    if (draw < 0) return [0, 0];
    return draw < (shares.overtaken ?? 0) ? [1] : [0];
  };
}

/** Sends packets through a fault. Holds what is to be overtaken; {@link flush} lets it go. */
export class FaultyLink {
  readonly #send: (bytes: Buffer) => void;
  #held: { bytes: Buffer; overtakers: number }[] = [];
  fault: NetworkFault | null = null;

  constructor(send: (bytes: Buffer) => void) {
    this.#send = send;
  }

  send(packet: OutgoingPacket): void {
    const copies = this.fault ? this.fault(packet) : [0];
    const held = this.#held;
    this.#held = [];
    for (const overtakers of copies) {
      if (overtakers === 0) this.#send(packet.bytes);
      else this.#held.push({ bytes: packet.bytes, overtakers });
    }
    for (const late of held) {
      if (late.overtakers === 1) this.#send(late.bytes);
      else this.#held.push({ bytes: late.bytes, overtakers: late.overtakers - 1 });
    }
  }

  flush(): void {
    const held = this.#held;
    this.#held = [];
    for (const late of held) this.#send(late.bytes);
  }
}
