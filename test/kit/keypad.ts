import type { NetworkFault } from './network-fault.js';
import type { PhoneMedia } from './phone-media.js';
import { KEYS } from './sounds.js';

export type PressMethod = 'rfc4733' | 'sip-info' | 'sip-info-dtmf' | 'in-band';

export interface PressOptions {
  /** Default `rfc4733`. `sip-info` sends application/dtmf-relay, `sip-info-dtmf` application/dtmf. */
  readonly method?: PressMethod;
  /** How long each key is held, ms. Default 100. */
  readonly onMs?: number;
  /** Pause after each key, ms. Default 60. */
  readonly offMs?: number;
  /** How many times the last packet of a telephone-event is sent. Default 3. */
  readonly endCopies?: number;
  /** What the network does to the packets meanwhile. Default: what it does to the rest of the call. */
  readonly network?: NetworkFault;
}

/** Sends a SIP INFO in the call; rejects when it is not answered with success. */
export type SendInfo = (contentType: string, body: string) => Promise<unknown>;

/** Presses keys in a call, in each of the ways a phone can. */
export class Keypad {
  readonly #media: PhoneMedia;
  readonly #sendInfo: SendInfo;
  /** What the network does while nothing else is asked for. */
  network: NetworkFault | null = null;

  constructor(media: PhoneMedia, sendInfo: SendInfo) {
    this.#media = media;
    this.#sendInfo = sendInfo;
  }

  /** Resolves when the keys and their pauses are out and every INFO is answered. Throws on what is no key. */
  async press(keys: string, options: PressOptions): Promise<void> {
    const { method = 'rfc4733', onMs = 100, offMs = 60, endCopies = 3 } = options;
    for (const key of keys) if (!KEYS.includes(key)) throw new Error(`not a DTMF key: ${key}`);
    if (method === 'sip-info' || method === 'sip-info-dtmf') {
      for (const key of keys) await this.#inform(key, method, onMs, offMs);
      return;
    }
    if (options.network) this.#media.network = options.network;
    try {
      const timing = { onMs, offMs, endCopies };
      await Promise.all([...keys].map((key) => this.#media.press(key, method, timing)));
    } finally {
      if (options.network) this.#media.network = this.network;
    }
  }

  async #inform(key: string, method: PressMethod, onMs: number, offMs: number): Promise<void> {
    const paced = this.#media.waits.pause(onMs + offMs);
    const sent =
      method === 'sip-info'
        ? this.#sendInfo('application/dtmf-relay', `Signal=${key}\r\nDuration=${onMs}\r\n`)
        : this.#sendInfo('application/dtmf', key);
    await Promise.all([paced, sent]);
  }
}

/** The key in a SIP INFO body, or null when it holds none. */
export function keyOfInfo(contentType: string, body: string): string | null {
  const type = contentType.toLowerCase();
  if (!type.startsWith('application/dtmf')) return null;
  const signal = type.includes('relay') ? (/signal\s*=\s*(\S+)/i.exec(body)?.[1] ?? '') : body.trim();
  const key = /^\d+$/.test(signal) ? KEYS[Number(signal)] : signal.toUpperCase();
  return key && key.length === 1 && KEYS.includes(key) ? key : null;
}
