import { header } from './header-names.js';
import { isToken } from './header-values.js';
import { EMPTY_BODY, headerValues, type SipHeader, type SipMessage } from './message.js';

/** Why a message is not accepted, as the answer to it would say. */
export interface Fault {
  readonly status: number;
  readonly reason: string;
}

/**
 * A parsed message. `fault` is there when the message is broken but its header fields could be read, so that
 * a request can still be answered (RFC 3261 section 8.2, RFC 4475).
 */
export interface Parsed {
  readonly message: SipMessage;
  readonly fault: Fault | undefined;
}

export interface ParseOptions {
  /** Most header fields accepted. */
  readonly headers: number;
  /** The whole rest is the body: an application counts characters, not bytes, in its Content-Length. */
  readonly ignoreLength?: boolean;
}

const bad = (reason: string): Fault => ({ status: 400, reason });

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const DELETE = 0x7f;

/**
 * Reads one whole message: a datagram, or what the TCP framer cut out. Bytes after the body are ignored
 * (RFC 3261 section 18.3). One pass over the text, so the time is linear in its length.
 *
 * @returns undefined when there is nothing that could be answered.
 */
export function parseMessage(data: Buffer, options: ParseOptions): Parsed | undefined {
  const headEnd = data.indexOf('\r\n\r\n');
  const head = data.toString('latin1', 0, headEnd < 0 ? data.length : headEnd);
  const lineEnd = lineEndFrom(head, 0);
  const fields = parseFields(head, lineEnd + 2, options.headers);
  const rest = headEnd < 0 ? EMPTY_BODY : data.subarray(headEnd + 4);
  const length = options.ignoreLength ? rest.length : bodyLength(fields.headers, rest.length);
  const body = typeof length === 'number' ? rest.subarray(0, length) : EMPTY_BODY;
  const line = startLine(head.slice(0, lineEnd), fields.headers, body);
  if (!line) return undefined;
  const truncated = headEnd < 0 ? bad('Missing End Of Header') : undefined;
  const fault = line.fault ?? fields.fault ?? truncated ?? (typeof length === 'number' ? undefined : length);
  return { message: line.message, fault };
}

/** Splits the header section into fields, joining folded lines (RFC 3261 section 7.3.1). */
function parseFields(head: string, start: number, most: number): { headers: SipHeader[]; fault?: Fault } {
  const headers: SipHeader[] = [];
  let fault: Fault | undefined;
  let at = start;
  while (at < head.length) {
    let end = lineEndFrom(head, at);
    let folded = false;
    while (isFold(head, end + 2)) {
      folded = true;
      end = lineEndFrom(head, end + 2);
    }
    if (headers.length >= most) return { headers, fault: bad('Too Many Header Fields') };
    const line = folded ? head.slice(at, end).replace(/\r\n[ \t]+/g, ' ') : head.slice(at, end);
    const field = parseField(line);
    if (field) headers.push(field);
    else fault ??= bad('Malformed Header Field');
    at = end + 2;
  }
  return fault ? { headers, fault } : { headers };
}

function lineEndFrom(head: string, at: number): number {
  const end = head.indexOf('\r\n', at);
  return end < 0 ? head.length : end;
}

function isFold(head: string, at: number): boolean {
  return at < head.length && (head[at] === ' ' || head[at] === '\t');
}

function parseField(line: string): SipHeader | undefined {
  const colon = line.indexOf(':');
  if (colon < 1) return undefined;
  const name = line.slice(0, colon).trimEnd();
  const value = line.slice(colon + 1).trim();
  return isToken(name) && !hasControl(value) ? header(name, value) : undefined;
}

/** A control character, other than tab, that no backslash escapes (RFC 3261 section 25.1, quoted-pair). */
function hasControl(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code >= 0x20 && code !== DELETE) continue;
    if (code === TAB) continue;
    const escaped = at > 0 && value[at - 1] === '\\';
    if (!escaped || code === CARRIAGE_RETURN || code === LINE_FEED) return true;
  }
  return false;
}

/** Content-Length against what is there; the whole rest when the field is absent, as UDP allows. */
function bodyLength(headers: readonly SipHeader[], available: number): number | Fault {
  const values = headerValues(headers, 'content-length');
  const [value] = values;
  if (value === undefined) return available;
  if (values.length > 1) return bad('Multiple Content-Length');
  if (!/^\d{1,10}$/.test(value)) return bad('Invalid Content-Length');
  return Number(value) <= available ? Number(value) : bad('Content-Length Exceeds Message');
}

function startLine(line: string, headers: SipHeader[], body: Buffer): Parsed | undefined {
  return /^SIP\//i.test(line) ? statusLine(line, headers, body) : requestLine(line, headers, body);
}

function statusLine(line: string, headers: SipHeader[], body: Buffer): Parsed | undefined {
  const match = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/is.exec(line);
  if (!match) return undefined;
  const reason = match[2] ?? '';
  return {
    message: { kind: 'response', status: Number(match[1]), reason, headers, body },
    fault: hasControl(reason) ? bad('Malformed Status Line') : undefined,
  };
}

/** A request line that is recognisable but wrong is kept, with a fault, so that it is answered. */
function requestLine(line: string, headers: SipHeader[], body: Buffer): Parsed | undefined {
  const version = /[ \t]+(SIP)\s*\/\s*(\d+\.\d+)[ \t]*$/i.exec(line);
  if (!version) return undefined;
  const space = line.indexOf(' ');
  const method = line.slice(0, space);
  const uri = line.slice(space + 1, version.index).trim();
  if (!isToken(method)) return undefined;
  const exact = version[0] === ` SIP/${version[2]}` || version[0].toUpperCase() === ` SIP/${version[2]}`;
  let fault: Fault | undefined;
  if (version[2] !== '2.0') fault = { status: 505, reason: 'Version Not Supported' };
  else if (!exact || line.length - version[0].length - space - 1 !== uri.length || /\s/.test(uri))
    fault = bad('Malformed Request Line');
  return { message: { kind: 'request', method, uri, headers, body }, fault };
}
