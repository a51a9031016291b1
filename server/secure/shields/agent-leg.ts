import type { MediaServer } from '../../../media/media-server.js';
import type { Leg } from '../../call/leg.js';
import { rebridge } from '../../transfer/rebridge.js';
import type { Shield } from './shield.js';

/**
 * Parts the agent from the customer by topology: the bridge is taken down and the agent hears a comfort tone.
 * Both endpoints are read back; a mute flag would not do (DESIGN.md section 2, rule 3). Without an agent on the
 * call it confirms that the customer is joined to nobody.
 */
export class AgentLegShield implements Shield {
  readonly name = 'agent-leg';
  readonly #media: MediaServer;
  readonly #customer: Leg;
  readonly #agent: () => Leg | null;

  /** `agent`: the agent's leg as long as the agent is on the call. */
  constructor(media: MediaServer, customer: Leg, agent: () => Leg | null) {
    this.#media = media;
    this.#customer = customer;
    this.#agent = agent;
  }

  async engage(): Promise<void> {
    const { endpoint: customer } = this.#customer;
    await this.#media.unbridge(customer);
    await customer.setLoop(null);
    const agent = this.#agent()?.endpoint;
    if (agent) {
      await agent.setLoop('comfort-tone');
      const state = await agent.state();
      if (state.peer !== null || state.loop !== 'comfort-tone')
        throw new Error('the agent leg is not parked');
    }
    if ((await customer.state()).peer !== null) throw new Error('the customer leg is still bridged');
  }

  async release(): Promise<void> {
    const agent = this.#agent();
    if (agent) await rebridge(this.#media, this.#customer.endpoint, agent.endpoint);
  }
}
