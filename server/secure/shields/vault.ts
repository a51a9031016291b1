import type { MediaEndpoint } from '../../../media/endpoint.js';
import { MediaError, type MediaServer } from '../../../media/media-server.js';
import type { Leg } from '../../call/leg.js';
import { SipFailure } from '../../sip/signalling.js';
import { type Shield, ShieldRefusal } from './shield.js';

/** A leg that moves has this share of the shield's own deadline, so that what failed can be put right within it. */
const SHARE = 0.6;

/**
 * Moves the customer's media into this process, so that the media server receives neither keys nor tones nor voice
 * while the session lasts, and back again. The media server's side of the leg is on hold before, so that two never
 * send to the customer at once.
 */
export class VaultShield implements Shield {
  readonly name = 'vault';
  readonly #vault: MediaServer;
  readonly #customer: Leg;
  readonly #moveMs: number;
  #home: MediaEndpoint | null = null;
  #inVault: MediaEndpoint | null = null;

  /** `deadlineMs`: the time that engaging may take. */
  constructor(vault: MediaServer, customer: Leg, deadlineMs: number) {
    this.#vault = vault;
    this.#customer = customer;
    this.#moveMs = deadlineMs * SHARE;
  }

  async engage(): Promise<void> {
    const home = this.#customer.endpoint;
    this.#home = home;
    await home.hold();
    try {
      const inVault = await this.#vault.createEndpoint({ relaysKeys: false });
      this.#inVault = inVault;
      await this.#customer.moveTo(inVault, this.#moveMs);
    } catch (error) {
      throw refusal(error);
    }
    const { peer } = await this.#customer.endpoint.state();
    if (this.#customer.endpoint !== this.#inVault || peer !== null || !(await home.state()).held) {
      throw new Error('the customer leg is not in the vault');
    }
  }

  async release(): Promise<void> {
    // A leg that is over has closed all its endpoints.
    if (this.#customer.gone.aborted || this.#home === null) return;
    if (this.#customer.endpoint === this.#inVault) {
      await this.#inVault.hold();
      await this.#customer.moveTo(this.#home, this.#moveMs);
    } else {
      await this.#home.resume();
    }
    if (this.#inVault !== null) await this.#customer.leave(this.#inVault);
  }
}

/** What the agent is told, where there is more to tell than that it failed. */
function refusal(error: unknown): unknown {
  if (error instanceof SipFailure) {
    return new ShieldRefusal(`the customer's phone did not move its media (SIP ${error.status})`, {
      cause: error,
    });
  }
  if (error instanceof MediaError) {
    return new ShieldRefusal(`the customer's media cannot be taken (${error.message})`, { cause: error });
  }
  return error;
}
