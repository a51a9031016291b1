import { networkInterfaces } from 'node:os';

/**
 * Chooses the address that peers are told to use, in Via and Contact. A server bound to every interface takes
 * loopback for loopback peers, else the interface in the peer's network, else the first that is not loopback.
 *
 * @param bound the address the sockets are bound to.
 * @param advertised what the configuration demands; wins.
 */
export function localAddressChooser(
  bound: string,
  advertised: string | undefined,
): (remote: string) => string {
  if (advertised !== undefined) return () => advertised;
  if (bound !== '0.0.0.0') return () => bound;
  const networks = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const usable = networks.filter((each) => each.family === 'IPv4' && !each.internal);
  const chosen = new Map<string, string>();
  return (remote) => {
    if (remote.startsWith('127.') || usable.length === 0) return '127.0.0.1';
    const known = chosen.get(remote);
    if (known !== undefined) return known;
    const near = usable.find((each) => inNetwork(remote, each.address, each.netmask));
    const address = (near ?? usable[0])?.address ?? '127.0.0.1';
    if (chosen.size < 1000) chosen.set(remote, address);
    return address;
  };
}

function inNetwork(remote: string, address: string, netmask: string): boolean {
  const mask = toNumber(netmask);
  return (toNumber(remote) & mask) === (toNumber(address) & mask);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => (sum << 8) | Number(part), 0);
}
