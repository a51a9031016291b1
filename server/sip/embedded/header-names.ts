import type { SipHeader } from './message.js';

/** Compact forms of RFC 3261 section 7.3.3 and of later documents. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
};

/** Names whose usual spelling is not one capital per word. */
const SPELLING: Readonly<Record<string, string>> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'mime-version': 'MIME-Version',
  'www-authenticate': 'WWW-Authenticate',
  rseq: 'RSeq',
  rack: 'RAck',
  'min-se': 'Min-SE',
};

interface HeaderName {
  readonly name: string;
  readonly key: string;
}

const cache = new Map<string, HeaderName>();
const CACHE_LIMIT = 500;

/**
 * The long form of a field name as written. A name written in capitals of its own keeps them; one written in
 * lower case only, as drachtio-srf writes them, gets the usual ones.
 */
function headerName(written: string): HeaderName {
  const known = cache.get(written);
  if (known) return known;
  const lower = written.toLowerCase();
  const key = Object.hasOwn(COMPACT, lower) ? (COMPACT[lower] ?? lower) : lower;
  const keepsOwn = key === lower && written !== lower && !Object.hasOwn(SPELLING, key);
  const found = { key, name: keepsOwn ? written : (SPELLING[key] ?? capitals(key)) };
  if (cache.size < CACHE_LIMIT && written.length < 32) cache.set(written, found);
  return found;
}

function capitals(key: string): string {
  return key.replace(/(^|-)([a-z])/g, (_all, dash: string, letter: string) => dash + letter.toUpperCase());
}

/** Makes a header field; the name may be compact or in any case. */
export function header(written: string, value: string): SipHeader {
  const { name, key } = headerName(written);
  return { name, key, value };
}
