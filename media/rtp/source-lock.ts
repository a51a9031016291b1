import { sequenceDistance } from './packet.js';

/** Packets in a row, of one SSRC, that make a source other than the SDP's believable (a far end behind NAT). */
const CONVINCING_PACKETS = 5;
/** For so long after an address was agreed on its owner alone is believed: time for an answer and the first packet. */
export const HEAD_START_MS = 300;

/**
 * Decides whose packets are taken. The address of the far end's SDP locks with its first packet, for good. Another
 * source is taken only after {@link CONVINCING_PACKETS} consecutive packets and {@link HEAD_START_MS} in which the
 * SDP's address was silent, and until that speaks. Every other source is refused until {@link expect} names a new
 * address, so nobody can inject audio or keys into a call that is up. `now` is in milliseconds.
 */
export class SourceLock {
  readonly #now: () => number;
  #expectedAddress: string | null = null;
  #expectedPort = 0;
  #expectedSince = 0;
  #lockedAddress: string | null = null;
  #lockedPort = 0;
  #candidateAddress = '';
  #candidatePort = 0;
  #candidateSsrc = 0;
  #candidateSequence = 0;
  #candidateCount = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get locked(): boolean {
    return this.#lockedAddress !== null;
  }

  /** Locked at the address of the SDP, which only {@link expect} can change. */
  get settled(): boolean {
    const { locked } = this;
    return locked && this.#lockedPort === this.#expectedPort && this.#lockedAddress === this.#expectedAddress;
  }

  /** Where to send: the locked source, before that the SDP's address, null when neither is known. */
  get address(): string | null {
    return this.#lockedAddress ?? this.#expectedAddress;
  }

  get port(): number {
    return this.#lockedAddress === null ? this.#expectedPort : this.#lockedPort;
  }

  /** Takes the address of the far end's SDP; null (0.0.0.0, hold) leaves everything as it is. Unlocks only on a change. */
  expect(address: string | null, port: number): void {
    if (address === null || (address === this.#expectedAddress && port === this.#expectedPort)) return;
    this.#expectedAddress = address;
    this.#expectedPort = port;
    this.#expectedSince = this.#now();
    this.#lockedAddress = null;
    this.#candidateCount = 0;
  }

  /** Whether this well-formed packet is to be taken. */
  admit(address: string, port: number, ssrc: number, sequence: number): boolean {
    if (this.#expectedAddress === null) return false;
    if (port === this.#lockedPort && address === this.#lockedAddress) return true;
    if (port === this.#expectedPort && address === this.#expectedAddress) {
      this.#lock(address, port);
      return true;
    }
    return this.#lockedAddress === null && this.#consider(address, port, ssrc, sequence);
  }

  #lock(address: string, port: number): void {
    this.#lockedAddress = address;
    this.#lockedPort = port;
  }

  #consider(address: string, port: number, ssrc: number, sequence: number): boolean {
    const step = sequenceDistance(this.#candidateSequence, sequence);
    const continues =
      this.#candidateCount > 0 &&
      address === this.#candidateAddress &&
      port === this.#candidatePort &&
      ssrc === this.#candidateSsrc &&
      step > 0 &&
      step <= 2;
    this.#candidateCount = continues ? this.#candidateCount + 1 : 1;
    this.#candidateAddress = address;
    this.#candidatePort = port;
    this.#candidateSsrc = ssrc;
    this.#candidateSequence = sequence;
    if (this.#candidateCount < CONVINCING_PACKETS) return false;
    if (this.#now() - this.#expectedSince < HEAD_START_MS) return false;
    this.#lock(address, port);
    return true;
  }
}
