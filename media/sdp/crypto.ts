import { SRTP_SUITES, type SrtpSuite } from '../rtp/srtp-suites.js';

/** One `a=crypto` line that can be used: its tag, suite, and master key and salt. */
export interface CryptoLine {
  readonly tag: number;
  readonly suite: SrtpSuite;
  readonly key: Uint8Array;
}

/** Packets that a key must be good for: five hours of audio, since no key is replaced while a call goes on. */
const SHORTEST_LIFETIME_LOG2 = 20;

/**
 * The usable `a=crypto` lines (RFC 4568 section 9.1) of each m-section, in order; read here because sdp-transform drops
 * every session parameter after the first. A line is left out when it is malformed or asks for what is not done: another
 * suite, an MKI, a key that lasts shorter than a call, a session parameter that takes protection away or is unknown.
 */
export function readCryptoLines(sdp: string): CryptoLine[][] {
  const sections: CryptoLine[][] = [];
  for (const text of sdp.split(/\r\n|\r|\n/)) {
    if (text.startsWith('m=')) sections.push([]);
    const section = sections.at(-1);
    if (!section || !text.startsWith('a=crypto:')) continue;
    const line = readCryptoLine(text.slice('a=crypto:'.length));
    if (line && !section.some(({ tag }) => tag === line.tag)) section.push(line);
  }
  return sections;
}

/** What is written after `inline:`. */
export function inlineKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('base64');
}

function readCryptoLine(value: string): CryptoLine | null {
  const [tag = '', suite = '', keyParameters = '', ...parameters] = value.trim().split(/[ \t]+/);
  if (!/^\d{1,9}$/.test(tag) || !isSuite(suite) || !parameters.every(isHarmless)) return null;
  const key = readKey(suite, keyParameters);
  return key && { tag: Number(tag), suite, key };
}

function isSuite(name: string): name is SrtpSuite {
  return Object.hasOwn(SRTP_SUITES, name);
}

/** A parameter that begins with a hyphen may be passed over (RFC 4568 section 6.3.7), but not one that takes protection away. */
function isHarmless(parameter: string): boolean {
  if (/^WSH=\d+$/.test(parameter) || parameter === 'KDR=0') return true;
  return parameter.startsWith('-') && !/^-UN(ENCRYPTED|AUTHENTICATED)_/i.test(parameter);
}

function readKey(suite: SrtpSuite, parameters: string): Uint8Array | null {
  const [, base64 = '', lifetime] = /^inline:([A-Za-z0-9+/]+={0,2})(?:\|([\d^]+))?$/i.exec(parameters) ?? [];
  if (lifetime !== undefined && !lastsLong(lifetime)) return null;
  const { keyBytes, saltBytes } = SRTP_SUITES[suite];
  const key = Buffer.from(base64, 'base64');
  const padded = key.toString('base64');
  const exact = base64 === padded || base64 === padded.replace(/=+$/, '');
  return exact && key.length === keyBytes + saltBytes ? Uint8Array.from(key) : null;
}

function lastsLong(lifetime: string): boolean {
  const [, power, count] = /^(?:2\^(\d{1,2})|(\d{1,15}))$/.exec(lifetime) ?? [];
  if (power !== undefined) return Number(power) >= SHORTEST_LIFETIME_LOG2 && Number(power) <= 48;
  return count !== undefined && Number(count) >= 2 ** SHORTEST_LIFETIME_LOG2;
}
