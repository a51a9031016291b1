import type { MediaEndpoint } from '../../media/endpoint.js';
import type { MediaServer } from '../../media/media-server.js';

/** Joins customer and agent and confirms it on both endpoints; rejects when either reports otherwise. */
export async function rebridge(
  media: MediaServer,
  customer: MediaEndpoint,
  agent: MediaEndpoint,
): Promise<void> {
  await Promise.all([customer.stopPlaying(), agent.stopPlaying()]);
  await Promise.all([customer.setLoop(null), agent.setLoop(null)]);
  await media.bridge(customer, agent);
  const [atCustomer, atAgent] = await Promise.all([customer.state(), agent.state()]);
  if (atCustomer.peer !== agent.id || atAgent.peer !== customer.id) {
    throw new Error('customer and agent are not bridged');
  }
}
