const RATE = 8000;
/** Samples per hop: a band is measured once per hop of 5 ms. */
export const HOP = 40;
/** Samples that must be before a hop in the array given to {@link DtmfBand.push}. */
export const HISTORY = 80;
/** Samples between two outputs of the filter. */
const STEP = 10;
const OUTPUTS = HOP / STEP;
const HALF_TAPS = HISTORY / 2;
const KAISER_BETA = 3.4;
/** Hops that {@link DtmfBand.measure} looks at. */
const WINDOW = 3;
/** Power, and correlation with one step and with one hop earlier (real and imaginary part), of each hop. */
const FEATURES = 5;
/** ITU-T Q.24: 1.5 % off must be taken, 3.5 % off must not. */
const MAX_DEVIATION = 0.025;
/** How much of the band's power one steady tone must explain. */
const MIN_COHERENCE = 0.94;

/** Modified Bessel function of the first kind, order 0, by its power series. */
function bessel0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; k < 20; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** Half of a symmetric low-pass, from the centre outwards: 40 dB down from 112 Hz beyond `cutoff` on. */
function lowPass(cutoff: number): number[] {
  const taps = Array.from({ length: HALF_TAPS }, (_, i) => {
    const angle = (2 * Math.PI * cutoff * (i + 0.5)) / RATE;
    const edge = bessel0(KAISER_BETA * Math.sqrt(1 - ((i + 0.5) / HALF_TAPS) ** 2));
    return (edge * Math.sin(angle)) / angle;
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  // Scaled so that a sine in the middle of the band comes out with its peak as magnitude.
  return taps.map((tap) => tap / sum);
}

/** Angle brought into -PI to PI. */
function wrap(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}

/**
 * One group of DTMF tones, cut out of 8 kHz samples by a complex band-pass filter. As a key sounds at
 * most one tone of a group, the phase from output to output gives its frequency to a few hertz within
 * 15 ms, which no filter of that length per tone could. Allocates nothing after construction.
 */
export class DtmfBand {
  /** Mean square magnitude (peak amplitude squared) in the last hop, as filtered. */
  power = 0;
  /** After {@link measure} returned true: which tone, and its peak amplitude squared. */
  tone = 0;
  tonePower = 0;

  readonly #tones: readonly number[];
  readonly #centre: number;
  /** Power response of the filter at each tone. */
  readonly #response: readonly number[];
  readonly #even: Float64Array;
  readonly #odd: Float64Array;
  readonly #re = new Float64Array(OUTPUTS);
  readonly #im = new Float64Array(OUTPUTS);
  readonly #ring = new Float64Array(WINDOW * FEATURES);
  #next = 0;
  /** Power of the hop before the window. */
  #before = 0;

  /** `tones` in Hz, ascending; `cutoff` is the half width of the filter in Hz. */
  constructor(tones: readonly number[], cutoff: number) {
    this.#tones = tones;
    this.#centre = (Math.min(...tones) + Math.max(...tones)) / 2;
    const taps = lowPass(cutoff);
    const at = (hertz: number, i: number): number => (2 * Math.PI * hertz * (i + 0.5)) / RATE;
    this.#even = Float64Array.from(taps, (tap, i) => tap * Math.cos(at(this.#centre, i)));
    this.#odd = Float64Array.from(taps, (tap, i) => tap * Math.sin(at(this.#centre, i)));
    this.#response = tones.map(
      (tone) => taps.reduce((sum, tap, i) => sum + tap * Math.cos(at(tone - this.#centre, i)), 0) ** 2,
    );
  }

  /** Takes one hop: `x` holds {@link HISTORY} earlier samples and then the hop's {@link HOP}. */
  push(x: Float64Array): void {
    const base = this.#next * FEATURES;
    this.#before = this.#ring[base] as number;
    this.#ring.fill(0, base, base + FEATURES);
    for (let output = 0; output < OUTPUTS; output += 1) {
      this.#filter(x, output, base);
    }
    this.power = (this.#ring[base] as number) / OUTPUTS;
    this.#next = (this.#next + 1) % WINDOW;
  }

  /** Forgets everything heard. */
  reset(): void {
    this.#ring.fill(0);
    this.#re.fill(0);
    this.#im.fill(0);
    this.#before = 0;
    this.power = 0;
  }

  /** Whether the last 15 ms hold one steady tone of this group; then {@link tone} and {@link tonePower} are set. */
  measure(): boolean {
    const power = this.#sum(0);
    const newest = this.#ring[((this.#next + WINDOW - 1) % WINDOW) * FEATURES] as number;
    const hopRe = this.#sum(3);
    const hopIm = this.#sum(4);
    const possible = Math.sqrt(power * (power - newest + this.#before));
    if (Math.hypot(hopRe, hopIm) < MIN_COHERENCE * possible) return false;
    // A step is short enough to tell all tones apart, a hop long enough to tell how exact they are.
    const stepTurn = 2 * Math.PI * this.#centre * (STEP / RATE);
    const coarse = stepTurn + wrap(Math.atan2(this.#sum(2), this.#sum(1)) - stepTurn);
    const hopTurn = coarse * OUTPUTS;
    const fine = hopTurn + wrap(Math.atan2(hopIm, hopRe) - hopTurn);
    return this.#match((fine * RATE) / (2 * Math.PI * HOP), power / (WINDOW * OUTPUTS));
  }

  #match(hertz: number, power: number): boolean {
    for (let i = 0; i < this.#tones.length; i += 1) {
      const tone = this.#tones[i] as number;
      if (Math.abs(hertz - tone) > tone * MAX_DEVIATION) continue;
      this.tone = i;
      this.tonePower = power / (this.#response[i] as number);
      return true;
    }
    return false;
  }

  #sum(feature: number): number {
    let sum = 0;
    for (let i = feature; i < this.#ring.length; i += FEATURES) sum += this.#ring[i] as number;
    return sum;
  }

  /** One output of the filter, and what it adds to the features at `base` of the ring. */
  #filter(x: Float64Array, output: number, base: number): void {
    const ring = this.#ring;
    const centre = (output + 1) * STEP + HALF_TAPS;
    let re = 0;
    let im = 0;
    for (let i = 0; i < HALF_TAPS; i += 1) {
      const after = x[centre + i] as number;
      const before = x[centre - 1 - i] as number;
      re += (this.#even[i] as number) * (after + before);
      im -= (this.#odd[i] as number) * (after - before);
    }
    const stepAgo = (output + OUTPUTS - 1) % OUTPUTS;
    const lastRe = this.#re[stepAgo] as number;
    const lastIm = this.#im[stepAgo] as number;
    const oldRe = this.#re[output] as number;
    const oldIm = this.#im[output] as number;
    ring[base] = (ring[base] as number) + re * re + im * im;
    ring[base + 1] = (ring[base + 1] as number) + re * lastRe + im * lastIm;
    ring[base + 2] = (ring[base + 2] as number) + im * lastRe - re * lastIm;
    ring[base + 3] = (ring[base + 3] as number) + re * oldRe + im * oldIm;
    ring[base + 4] = (ring[base + 4] as number) + im * oldRe - re * oldIm;
    this.#re[output] = re;
    this.#im[output] = im;
  }
}
