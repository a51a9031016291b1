import { DtmfBand, HISTORY, HOP } from './dtmf-band.js';
import { DTMF_COLUMNS, DTMF_PAD, DTMF_ROWS } from './dtmf-tones.js';
import { sinePeak } from './level.js';

const HOP_MS = 5;
const NONE = -1;
/** Squared peak of the weakest tone taken: 3 dB under the -25 dBm0 that ITU-T Q.24 asks for. */
const MIN_TONE = sinePeak(-28) ** 2;
/** Mean square of a hop that cannot hold two such tones. */
const QUIET = MIN_TONE / 4;
/** Column over row, in power: Q.24 asks for +4 to -8 dB; 2 dB more on each side. */
const MAX_TWIST = 10 ** 0.6;
const MIN_TWIST = 10 ** -1;
/** Share of all power that the two tones must have: noise 5 dB under them is borne, voices are not taken. */
const MIN_SHARE = 0.75;
/** Hops in a row that must show the same key before it counts. */
const CONFIRM_HOPS = 3;
/** Hops without the tones that end a key: an interruption of 10 ms (Q.24) does not, a pause of 30 ms does. */
const RELEASE_HOPS = 3;
/** A tone this much weaker, in power, than the key's is no longer that key. */
const RELEASE_RATIO = 0.25;
const RELEASE_SHARE = 0.4;
/** From a tone's start to its confirmation; from its end to the last hop that shows it. In ms. */
const CONFIRM_DELAY_MS = 35;
const END_DELAY_MS = 5;
/** A key cannot be followed over a longer loss. */
const MAX_LOSS_MS = 200;

/**
 * Finds DTMF keys in 8 kHz linear samples by the rules of ITU-T Q.24. `onKeyDown` is called while the key
 * sounds, within 40 ms of its start; `onDigit` when it has ended. Both get the ASCII code of the key and are
 * called from within {@link push}. Keeps 15 ms of audio and no key; allocates nothing after construction.
 */
export class DtmfDetector {
  readonly #onDigit: (code: number, durationMs: number) => void;
  readonly #onKeyDown: ((code: number) => void) | undefined;
  readonly #rows = new DtmfBand(DTMF_ROWS, 192);
  readonly #columns = new DtmfBand(DTMF_COLUMNS, 290);
  /** {@link HISTORY} samples already heard, then the hop that is being filled. */
  readonly #x = new Float64Array(HISTORY + HOP);
  #filled = 0;
  /** Hops without anything loud enough. */
  #quietHops = 0;
  /** Mean square of the last three hops, aligned with what the bands show. */
  readonly #energy = new Float64Array(3);
  #clockMs = 0;
  /** Lost since the last whole hop. */
  #lostMs = 0;

  #candidate = NONE;
  #run = 0;

  #down = NONE;
  #startedMs = 0;
  #heardMs = 0;
  #missing = 0;
  #rowPower = 0;
  #columnPower = 0;

  constructor(onDigit: (code: number, durationMs: number) => void, onKeyDown?: (code: number) => void) {
    this.#onDigit = onDigit;
    this.#onKeyDown = onKeyDown;
  }

  /** A key was recognised and its end has not been heard yet. */
  get keyDown(): boolean {
    return this.#down !== NONE;
  }

  /** Takes any number of samples. */
  push(pcm: Int16Array): void {
    for (let i = 0; i < pcm.length; i += 1) {
      this.#x[HISTORY + this.#filled] = pcm[i] as number;
      this.#filled += 1;
      if (this.#filled === HOP) {
        this.#hop();
        this.#x.copyWithin(0, HOP);
        this.#filled = 0;
      }
    }
  }

  /** `samples` were lost: a key that sounds before and after them is one key, up to 200 ms. */
  skip(samples: number): void {
    const lostMs = samples / (HOP / HOP_MS);
    this.#clockMs += lostMs;
    this.#lostMs += lostMs;
    this.#x.fill(0);
    this.#filled = 0;
    this.#rows.reset();
    this.#columns.reset();
    this.#energy.fill(0);
    if (this.keyDown && this.#lostMs > MAX_LOSS_MS) this.#release();
  }

  /** Forgets what was heard; a key that is down is not reported. */
  reset(): void {
    this.skip(0);
    this.#candidate = NONE;
    this.#run = 0;
    this.#down = NONE;
  }

  #hop(): void {
    this.#clockMs += HOP_MS;
    this.#lostMs = 0;
    const quiet = this.#meanSquare(HISTORY) < QUIET;
    this.#quietHops = quiet ? this.#quietHops + 1 : 0;
    if (this.#quietHops > RELEASE_HOPS && !this.keyDown) {
      // Nothing of a tone is left in the filters: most of a call is spent here.
      if (this.#quietHops === RELEASE_HOPS + 1) this.#forgetTone();
      return;
    }
    this.#energy.copyWithin(1, 0);
    this.#energy[0] = this.#meanSquare(HISTORY / 2 + HOP / 8);
    this.#rows.push(this.#x);
    this.#columns.push(this.#x);
    const key = this.#recognise();
    if (this.keyDown) this.#follow();
    this.#confirm(key === this.#down ? NONE : key);
  }

  #forgetTone(): void {
    this.#rows.reset();
    this.#columns.reset();
    this.#energy.fill(0);
    this.#candidate = NONE;
    this.#run = 0;
  }

  #meanSquare(start: number): number {
    let sum = 0;
    for (let i = start; i < start + HOP; i += 1) sum += (this.#x[i] as number) ** 2;
    return sum / HOP;
  }

  /** Which key the last 15 ms show, as an index of DTMF_PAD. */
  #recognise(): number {
    const rows = this.#rows;
    const columns = this.#columns;
    if (rows.power < MIN_TONE / 4 || columns.power < MIN_TONE / 4) return NONE;
    if (!rows.measure() || !columns.measure()) return NONE;
    if (rows.tonePower < MIN_TONE || columns.tonePower < MIN_TONE) return NONE;
    const twist = columns.tonePower / rows.tonePower;
    if (twist > MAX_TWIST || twist < MIN_TWIST) return NONE;
    const energy = this.#energy;
    const mean = ((energy[0] as number) + (energy[1] as number) + (energy[2] as number)) / 3;
    // A sine of peak a has a mean square of a * a / 2.
    if ((rows.tonePower + columns.tonePower) / 2 < MIN_SHARE * mean) return NONE;
    return rows.tone * DTMF_COLUMNS.length + columns.tone;
  }

  #confirm(key: number): void {
    this.#run = key !== NONE && key === this.#candidate ? this.#run + 1 : Number(key !== NONE);
    this.#candidate = key;
    if (this.#run < CONFIRM_HOPS) return;
    if (this.keyDown) this.#release();
    this.#down = key;
    this.#startedMs = this.#clockMs - CONFIRM_DELAY_MS;
    this.#heardMs = this.#clockMs;
    this.#missing = 0;
    this.#run = 0;
    this.#rowPower = this.#rows.power;
    this.#columnPower = this.#columns.power;
    this.#onKeyDown?.(DTMF_PAD.charCodeAt(key));
  }

  /** Whether the key that is down still sounds. */
  #follow(): void {
    const row = this.#rows.power;
    const column = this.#columns.power;
    const sounds =
      row > RELEASE_RATIO * this.#rowPower &&
      column > RELEASE_RATIO * this.#columnPower &&
      (row + column) / 2 > RELEASE_SHARE * (this.#energy[0] as number);
    if (sounds) {
      this.#heardMs = this.#clockMs;
      this.#missing = 0;
      return;
    }
    this.#missing += 1;
    if (this.#missing === RELEASE_HOPS) this.#release();
  }

  #release(): void {
    const key = this.#down;
    this.#down = NONE;
    this.#onDigit(DTMF_PAD.charCodeAt(key), Math.max(this.#heardMs - END_DELAY_MS - this.#startedMs, HOP_MS));
  }
}
