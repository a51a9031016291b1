/**
 * What the server does with a message of RFC 4475: hands it to the application, answers it with a status of
 * its own, or drops it as malformed or as belonging to nothing.
 */
export type Expected = 'accepted' | 'malformed' | 'stray' | number;

/** One message of RFC 4475, byte for byte as its section gives it. */
export interface Torture {
  readonly section: string;
  readonly name: string;
  readonly expect: Expected;
  readonly data: Buffer;
}

/** Header lines and body lines as bytes; every body line ends in CRLF. */
export function message(lines: readonly string[], body: readonly string[] = []): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body.map((line) => `${line}\r\n`).join('')}`, 'utf8');
}

/** The session description most of the messages carry. */
export function sdp(address: string, time = 't=0 0'): string[] {
  return [
    'v=0',
    `o=mhandley 29739 7272939 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    time,
    'm=audio 49217 RTP/AVP 0 12',
    'm=video 3227 RTP/AVP 31',
    'a=rtpmap:31 LPC',
  ];
}
