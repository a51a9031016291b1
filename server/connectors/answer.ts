import type { DataResult } from '../../flows/commands.js';
import type { SecureValue } from '../secure/secure-value.js';
import { type KeyedData, maskEchoes } from './keyed-data.js';
import { type Dropped, plainOutputs, reasonToken } from './outputs.js';
import { retryAfterMs } from './retry-after.js';
import { type SecureOutputNames, type SecureOutputs, takeSecureOutputs } from './secure-outputs.js';

/** One complete HTTP answer. `body` is zeroed by whoever made it, after it was judged. */
export interface Answer {
  readonly http: number;
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
  /** False when the gateway answered before the card was written: then nothing can have been charged. */
  readonly cardSent: boolean;
}

/** What one try has come to. */
export type Verdict =
  | {
      readonly kind: 'final';
      readonly result: DataResult;
      readonly dropped: readonly Dropped[];
      /** Absent when the answer has none. */
      readonly secureOutputs?: SecureOutputs;
    }
  /** The gateway refused this try for good, and says that it charged nothing. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No verdict. `charged: 'no'`: certainly nothing was charged by this try. */
  | {
      readonly kind: 'none';
      readonly charged: 'no' | 'unknown';
      readonly reason: string;
      /** May be tried again with the same key, after so many milliseconds (null: as the connector likes). */
      readonly again: boolean;
      readonly afterMs: number | null;
    };

type SecureInputs = ReadonlyMap<string, SecureValue>;
type Said = Readonly<Record<string, unknown>>;

function parse(body: Buffer): Said | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Said) : null;
  } catch {
    return null;
  }
}

/** An answer may repeat the key; it was masked like the rest, by chance a part of it looks like the code. */
function forAnotherKey(said: Said | null, key: string, secure: SecureInputs): boolean {
  if (said?.idempotencyKey === undefined) return false;
  const ours = Buffer.from(key);
  maskEchoes(ours, secure);
  return said.idempotencyKey !== ours.toString();
}

const unknown = (reason: string): Verdict => ({
  kind: 'none',
  charged: 'unknown',
  reason,
  again: true,
  afterMs: null,
});

function decided(said: Said | null, keyed: KeyedData, names: SecureOutputNames): Verdict {
  if (said?.status === 'approved') {
    const { rest, taken } = takeSecureOutputs(said, names);
    const { outputs, dropped } = plainOutputs(rest, keyed);
    const verdict = { kind: 'final', result: { status: 'approved', reason: '', outputs }, dropped } as const;
    return taken.size === 0 ? verdict : { ...verdict, secureOutputs: taken };
  }
  if (said?.status === 'declined') return declined(said, keyed);
  return unknown('unreadable-answer');
}

function declined(said: Said | null, keyed: KeyedData): Verdict {
  const { outputs, dropped } = plainOutputs(said ?? {}, keyed);
  const reason = reasonToken(said?.reason, keyed, 'card-declined');
  return { kind: 'final', result: { status: 'declined', reason, outputs }, dropped };
}

const NO_SECURE_OUTPUTS: SecureOutputNames = { never: [], wanted: [] };

/** Not processed: too early, or too many requests (RFC 8470 section 5.2, RFC 6585 section 4). */
const NOT_PROCESSED: ReadonlySet<number> = new Set([425, 429]);
/** A try with this key is in progress elsewhere, or the gateway gave up in the middle. */
const UNDECIDED: ReadonlySet<number> = new Set([408, 409]);

/**
 * Reads one answer. `approved` is believed from 200 and 201 only, `declined` also from 402; what says one
 * thing in its status line and another in its body is no verdict. Masks echoes of the card in `body`.
 */
export function judge(
  answer: Answer,
  idempotencyKey: string,
  secure: SecureInputs,
  now: number,
  names: SecureOutputNames = NO_SECURE_OUTPUTS,
): Verdict {
  const { http, cardSent } = answer;
  const keyed: KeyedData = { secure, codeMasked: maskEchoes(answer.body, secure) };
  const said = parse(answer.body);
  const afterMs = retryAfterMs(answer.retryAfter, now);
  const approvedElsewhere = said?.status === 'approved' && http !== 200 && http !== 201;
  const contradictory = approvedElsewhere || forAnotherKey(said, idempotencyKey, secure);
  if (cardSent && contradictory) return unknown('contradictory-answer');
  if (cardSent && (http === 200 || http === 201)) return decided(said, keyed, names);
  if (cardSent && http === 402) {
    const agrees = said?.status === undefined || said.status === 'declined';
    return agrees ? declined(said, keyed) : unknown('contradictory-answer');
  }
  const refusal = http >= 400 && http < 500 && !NOT_PROCESSED.has(http) && !UNDECIDED.has(http);
  if (refusal) return { kind: 'refused', reason: reasonToken(said?.reason, keyed, `http-${http}`) };
  const charged = cardSent && !NOT_PROCESSED.has(http) ? 'unknown' : 'no';
  // A redirect is never followed, and asking again would bring the same.
  const again = http < 300 || http >= 400;
  return { kind: 'none', charged, reason: `http-${http}`, again, afterMs };
}
