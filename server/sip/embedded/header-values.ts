/** Parameters after a value, names in lower case; a parameter without value is the empty string. */
export type Params = ReadonlyMap<string, string>;

/** A From, To, Contact, Route or Record-Route value (RFC 3261 section 25.1, name-addr or addr-spec). */
export interface NameAddr {
  readonly uri: string;
  readonly params: Params;
}

/** The parts of a Via value that routing needs (RFC 3261 section 20.42, RFC 3581). */
export interface Via {
  readonly protocol: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
}

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

const NO_PARAMS: Params = new Map();
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
/** CSeq numbers are below 2^31 (RFC 3261 section 8.1.1.5). */
const CSEQ_LIMIT = 2 ** 31;

/** Whether the text is a token of RFC 3261 section 25.1. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Index just after the quoted string that opens at `start`, or -1 when it does not close. */
function quotedEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '"') return at + 1;
  }
  return -1;
}

/**
 * Splits at `separator` outside quoted strings and angle brackets, in one pass. Undefined when a quote or a
 * bracket does not close.
 */
export function splitOutside(text: string, separator: string): string[] | undefined {
  if (!text.includes(separator) && !text.includes('"')) return [text.trim()];
  const parts: string[] = [];
  let start = 0;
  let inBrackets = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"' && !inBrackets) {
      at = quotedEnd(text, at) - 1;
      if (at < 0) return undefined;
    } else if (char === '<') inBrackets = true;
    else if (char === '>') inBrackets = false;
    else if (char === separator && !inBrackets) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  if (inBrackets) return undefined;
  parts.push(text.slice(start).trim());
  return parts;
}

/** Reads `;name=value;name` into a map; undefined when a name or a quote is broken. */
export function parseParams(text: string): Params | undefined {
  if (text === '') return NO_PARAMS;
  const parts = splitOutside(text, ';');
  if (parts?.[0] !== '') return undefined;
  const params = new Map<string, string>();
  for (const part of parts.slice(1)) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    if (!isToken(name)) return undefined;
    if (!params.has(name.toLowerCase())) {
      params.set(name.toLowerCase(), equals < 0 ? '' : part.slice(equals + 1).trim());
    }
  }
  return params;
}

/** Reads one name-addr or addr-spec with its parameters; undefined when it is malformed. */
export function parseNameAddr(text: string): NameAddr | undefined {
  let from = 0;
  if (text.startsWith('"')) {
    from = quotedEnd(text, 0);
    if (from < 0) return undefined;
  }
  const open = text.indexOf('<', from);
  if (open < 0) return from > 0 ? undefined : parseAddrSpec(text);
  const close = text.indexOf('>', open);
  if (close < 0) return undefined;
  if (from > 0 && text.slice(from, open).trim() !== '') return undefined;
  if (from === 0 && text.slice(0, open).includes('"')) return undefined;
  const uri = text.slice(open + 1, close).trim();
  const params = parseParams(text.slice(close + 1).trim());
  return uri === '' || /\s/.test(uri) || !params ? undefined : { uri, params };
}

/** Without angle brackets every parameter belongs to the header field (RFC 3261 section 20). */
function parseAddrSpec(text: string): NameAddr | undefined {
  const semicolon = text.indexOf(';');
  const uri = (semicolon < 0 ? text : text.slice(0, semicolon)).trim();
  const params = parseParams(semicolon < 0 ? '' : text.slice(semicolon).trim());
  // A question mark or a comma in a bare addr-spec is ambiguous and forbidden (RFC 3261 section 20.10).
  return uri === '' || /[\s?,"<>]/.test(uri) || !params ? undefined : { uri, params };
}

/** Every element of a list header field that may be written on several lines. */
export function listValues(values: readonly string[]): string[] | undefined {
  const all: string[] = [];
  for (const value of values) {
    const parts = splitOutside(value, ',');
    if (!parts) return undefined;
    for (const part of parts) if (part !== '') all.push(part);
  }
  return all;
}

const VIA =
  /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)\s*(?::\s*(\d{1,5}))?\s*$/i;

/** Reads one Via value; undefined when it is malformed. */
export function parseVia(text: string): Via | undefined {
  const semicolon = text.indexOf(';');
  const match = VIA.exec(semicolon < 0 ? text : text.slice(0, semicolon));
  const params = parseParams(semicolon < 0 ? '' : text.slice(semicolon).trim());
  const [, protocol, host, portText] = match ?? [];
  if (!protocol || !host || !params) return undefined;
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port === 0 || port > 65_535)) return undefined;
  return { protocol: protocol.toUpperCase(), host, port, params };
}

/** Reads a CSeq value; undefined when it is malformed or its number is 2^31 or more. */
export function parseCSeq(text: string): CSeq | undefined {
  const match = /^(\d{1,20})\s+(\S+)$/.exec(text);
  const [, digits, method] = match ?? [];
  if (!digits || !method || !isToken(method)) return undefined;
  const number = Number(digits);
  return number < CSEQ_LIMIT ? { number, method } : undefined;
}
