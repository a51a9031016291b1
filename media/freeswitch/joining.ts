import { MediaError } from '../media-server.js';
import { BRIDGE_STATES, type Channel } from './channel.js';
import type { FreeswitchEndpoint } from './freeswitch-endpoint.js';

/** Longest time until FreeSWITCH says of both channels what it was told. */
const CONFIRM_MS = 1000;
const ASK_AGAIN_MS = 5;

/** Bridges two endpoints of one server, and confirms it on both. Rejects with MediaError; they are apart then. */
export async function join(a: FreeswitchEndpoint, b: FreeswitchEndpoint): Promise<void> {
  const [one, two] = [channelOf(a), channelOf(b)];
  await Promise.all([a.player?.makeWay(), b.player?.makeWay()]);
  try {
    await Promise.all([keysTowards(one, b.relaysKeys), keysTowards(two, a.relaysKeys)]);
    await one.line.confirmed('uuid_bridge', one.uuid, two.uuid);
    if (!(await comesTrue(one, () => areJoined(one, two)))) {
      throw new MediaError('engine-lost', 'FreeSWITCH did not bridge the two');
    }
  } catch (error) {
    await part(a, () => b).catch(() => {});
    throw error;
  }
  a.player?.joined();
  b.player?.joined();
}

/**
 * Parts an endpoint from whomever FreeSWITCH says it is bridged with, and confirms it on both; `endpointOf` knows the
 * endpoint of a channel. Rejects with MediaError when FreeSWITCH does not confirm it.
 */
export async function part(
  endpoint: FreeswitchEndpoint,
  endpointOf: (channel: string | null) => FreeswitchEndpoint | undefined,
): Promise<void> {
  const { channel } = endpoint;
  if (!channel) return;
  const transfer = () => channel.line.confirmed('uuid_transfer', channel.uuid, '-both', 'park', 'inline');
  // An agent listens: what FreeSWITCH has told before need not be asked for first.
  const known = endpoint.player?.bridged === true;
  const [{ peer }] = await Promise.all([channel.bridge(), known ? transfer() : null]);
  if (peer !== null) {
    if (!known) await transfer();
    if (!(await comesTrue(channel, () => areApart(channel, peer)))) {
      throw new MediaError('engine-lost', 'FreeSWITCH did not part the two');
    }
  }
  await Promise.all([endpoint.player?.parted(), endpointOf(peer)?.player?.parted()]);
}

function channelOf({ channel }: FreeswitchEndpoint): Channel {
  if (!channel) throw new MediaError('closed', 'nothing was agreed with the far end yet');
  return channel;
}

/** FreeSWITCH swallows keys where they would leave; `X` is no key, so that nothing is sent in their place. */
async function keysTowards({ line, uuid }: Channel, relayed: boolean): Promise<void> {
  await line.confirmed('uuid_drop_dtmf', uuid, relayed ? 'off' : 'on', 'mask_digits', 'X');
}

async function areJoined(one: Channel, two: Channel): Promise<boolean> {
  const [first, second] = await Promise.all([one.bridge(), two.bridge()]);
  const [firstState, secondState] = BRIDGE_STATES;
  return (
    first.state === firstState &&
    first.peer === two.uuid &&
    second.state === secondState &&
    second.peer === one.uuid
  );
}

async function areApart(channel: Channel, peer: string): Promise<boolean> {
  const [first, second] = await Promise.all([channel.bridge(), channel.bridge(peer)]);
  return first.peer === null && second.peer === null;
}

/** Asks again at each event of the channel, and now and then. */
async function comesTrue(channel: Channel, condition: () => Promise<boolean>): Promise<boolean> {
  const started = performance.now();
  while (performance.now() - started < CONFIRM_MS) {
    if (await condition()) return true;
    await channel.change(ASK_AGAIN_MS);
  }
  return false;
}
