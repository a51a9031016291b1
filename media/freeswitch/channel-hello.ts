/** Larger than all variables of a channel. */
export const LONGEST_HELLO = 128 * 1024;

const NAME = /^drachtio-fsmrf:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * The name that drachtio-fsmrf gave a channel, out of FreeSWITCH's answer to `connect`. Null while the answer is not
 * whole; throws when it can be none.
 */
export function readHello(bytes: Buffer): string | null {
  const end = bytes.indexOf('\n\n');
  if (end < 0) {
    if (bytes.length > LONGEST_HELLO) throw new Error('too long');
    return null;
  }
  if (end > LONGEST_HELLO) throw new Error('too long');
  const headers = new Map<string, string>();
  for (const line of bytes.toString('utf8', 0, end).split('\n')) {
    const colon = line.indexOf(': ');
    // Throws where drachtio-modesl would.
    if (colon > 0) headers.set(line.slice(0, colon), decodeURIComponent(line.slice(colon + 2)));
  }
  const name = NAME.exec(headers.get('variable_sip_user_agent') ?? '')?.[1];
  if (
    headers.get('Content-Type') !== 'command/reply' ||
    headers.get('Event-Name') !== 'CHANNEL_DATA' ||
    !name
  ) {
    throw new Error('not a channel of ours');
  }
  return name;
}
