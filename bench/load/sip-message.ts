/** As much of SIP as load needs: every message is well formed and short, over UDP on loopback. */

export interface SipMessage {
  /** Of a request; null in a response. */
  readonly method: string | null;
  /** Of a response; 0 in a request. */
  readonly status: number;
  /** In their order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export function parseSip(text: string): SipMessage | null {
  const split = text.indexOf('\r\n\r\n');
  if (split < 0) return null;
  const [first = '', ...lines] = text.slice(0, split).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  const isResponse = first.startsWith('SIP/2.0 ');
  return {
    method: isResponse ? null : (first.split(' ')[0] ?? null),
    status: isResponse ? Number(first.slice(8, 11)) : 0,
    headers,
    body: text.slice(split + 4),
  };
}

/** The first header of this name, in small letters; empty when there is none. */
export function header(message: SipMessage, name: string): string {
  return message.headers.find(([key]) => key === name)?.[1] ?? '';
}

export function formatSip(
  first: string,
  headers: readonly (readonly [string, string])[],
  body: string,
): string {
  const type: [string, string][] = body === '' ? [] : [['Content-Type', 'application/sdp']];
  return [
    first,
    ...[...headers, ...type, ['Content-Length', String(body.length)]].map(
      ([name, value]) => `${name}: ${value}`,
    ),
    '',
    body,
  ].join('\r\n');
}

/** PCMU and telephone-event, at this port of loopback. */
export function sdp(port: number): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 0 101`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n');
}

/** The RTP port of the far end. Throws when the body has none. */
export function audioPort(body: string): number {
  const port = Number(/^m=audio (\d+) /m.exec(body)?.[1]);
  if (!port) throw new Error('the far end sent no SDP with audio');
  return port;
}
