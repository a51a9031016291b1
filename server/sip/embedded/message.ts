/**
 * One header field. Values are byte strings (one character per byte), so that whatever a peer sent is
 * passed on unchanged, UTF-8 included.
 */
export interface SipHeader {
  /** As written on the wire: the long form, in its usual capitals. */
  readonly name: string;
  /** Lower-case long form, for comparison. */
  readonly key: string;
  /** Unfolded, without surrounding white space. */
  readonly value: string;
}

export interface SipRequest {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: string;
  readonly headers: readonly SipHeader[];
  readonly body: Buffer;
}

export interface SipResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly SipHeader[];
  readonly body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

export const EMPTY_BODY: Buffer = Buffer.alloc(0);

/** The first value of a header field, by its lower-case long name. */
export function headerValue(headers: readonly SipHeader[], key: string): string | undefined {
  for (const header of headers) if (header.key === key) return header.value;
  return undefined;
}

/** Every value of a header field, one per line it was written on. */
export function headerValues(headers: readonly SipHeader[], key: string): string[] {
  const values: string[] = [];
  for (const header of headers) if (header.key === key) values.push(header.value);
  return values;
}

/** Methods this server knows (RFC 3261, 3262, 3265, 3311, 3428, 3515, 3903, 6086). */
export const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'INFO',
  'UPDATE',
  'REFER',
  'NOTIFY',
  'MESSAGE',
  'REGISTER',
  'SUBSCRIBE',
  'PUBLISH',
  'PRACK',
]);

/** The Allow header field of RFC 3261 section 20.5. PRACK is left out: reliable provisional answers are not sent. */
export const ALLOW = [...KNOWN_METHODS].filter((method) => method !== 'PRACK').join(', ');
