import type { EslEvent } from 'drachtio-modesl';
import type { DigitEvent, DtmfMethod } from '../endpoint.js';
import { KeyPresses, METHOD_BIT } from '../rtp/key-presses.js';
import { asciiToEvent, eventToAscii } from '../rtp/keys.js';
import { readInfoKey } from '../rtp/sip-info.js';

const SAMPLES_PER_MS = 8;
/** Longer than any key press. */
const FORGET_MS = 1000;

/** The keys of one far end, each once however many ways it came, handed on one by one and kept nowhere. */
export class Digits {
  readonly #listeners = new Set<(digit: DigitEvent) => void>();
  readonly #presses = new KeyPresses();
  #forget: NodeJS.Timeout | undefined;

  listen(listener: (digit: DigitEvent) => void): () => void {
    const own = (digit: DigitEvent): void => listener(digit);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** A DTMF event of FreeSWITCH, which comes when the key is up again. False when it is none of a phone's keys. */
  fromFreeswitch(dtmf: EslEvent): boolean {
    const event = asciiToEvent((dtmf.getHeader('DTMF-Digit') ?? '').charCodeAt(0));
    if (event < 0) return false;
    const samples = Number(dtmf.getHeader('DTMF-Duration'));
    const durationMs = Math.round(Math.max(0, samples || 0) / SAMPLES_PER_MS);
    const inBand = dtmf.getHeader('DTMF-Source') === 'INBAND_AUDIO';
    this.#press(eventToAscii(event), inBand ? 'in-band' : 'rfc4733', durationMs);
    return true;
  }

  /** False when the body is none of a key. */
  fromInfo(contentType: string, body: string): boolean {
    const key = readInfoKey(contentType, body);
    if (key) this.#press(key.code, 'sip-info', key.durationMs);
    return key !== null;
  }

  close(): void {
    clearTimeout(this.#forget);
    this.#presses.expire(Number.POSITIVE_INFINITY);
    this.#listeners.clear();
  }

  #press(code: number, method: DtmfMethod, durationMs: number): void {
    const now = performance.now();
    // A SIP INFO tells how long a key was or will be held; it counts as pressed when it comes.
    const startedAt = method === 'sip-info' ? now : now - durationMs;
    clearTimeout(this.#forget);
    this.#forget = setTimeout(() => this.#presses.expire(performance.now()), FORGET_MS);
    if (!this.#presses.admit(code, METHOD_BIT[method], startedAt, now)) return;
    for (const listener of [...this.#listeners]) listener({ code, method, durationMs });
  }
}
