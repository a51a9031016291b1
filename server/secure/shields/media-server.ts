import type { MediaEndpoint } from '../../../media/endpoint.js';
import type { MediaServer } from '../../../media/media-server.js';
import { type Shield, ShieldRefusal } from './shield.js';

/**
 * Refuses secure mode while the media server captures, logs or traces what a caller sends. It is asked each time: a log
 * level can be raised by hand (DESIGN.md section 2, rules 5 and 10).
 */
export class MediaServerShield implements Shield {
  readonly name = 'media-server';
  readonly #media: MediaServer;
  readonly #customer: MediaEndpoint;

  constructor(media: MediaServer, customer: MediaEndpoint) {
    this.#media = media;
    this.#customer = customer;
  }

  async engage(): Promise<void> {
    const fault = await this.#media.secureFault(this.#customer);
    if (fault !== null) throw new ShieldRefusal(fault);
  }

  /** There is nothing to switch on again. */
  async release(): Promise<void> {}
}
