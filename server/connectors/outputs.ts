import type { PlainValue } from '../../flows/commands.js';
import { type KeyedData, type Secret, secretIn } from './keyed-data.js';
import type { DropReason } from './notice.js';

const MOST_OUTPUTS = 20;
const LONGEST_TEXT = 200;
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,39}$/;
const TOKEN_LENGTH = 40;

/** Parts of an answer with a meaning of their own, which are no outputs. */
const RESERVED: ReadonlySet<string> = new Set(['status', 'reason', 'idempotencyKey']);

export interface Dropped {
  readonly output: string;
  readonly reason: DropReason;
}

export interface Outputs {
  readonly outputs: Readonly<Record<string, PlainValue>>;
  readonly dropped: readonly Dropped[];
}

const SHOWN: Readonly<Record<Secret, DropReason>> = {
  cardNumber: 'contains-card-number',
  accountNumber: 'contains-account-number',
  securityCode: 'contains-security-code',
};

function keyedDataIn(text: string, keyed: KeyedData): DropReason | null {
  const token = keyed.secure.get('token');
  const hasToken = token?.use('data-action', ({ buffer, byteOffset, length }) =>
    Buffer.from(text).includes(Buffer.from(buffer, byteOffset, length)),
  );
  if (hasToken) return 'contains-token';
  const secret = secretIn(text, keyed);
  return secret === null ? null : SHOWN[secret];
}

function whyDropped(name: string, value: unknown, keyed: KeyedData): DropReason | null {
  if (!NAME.test(name) || keyedDataIn(name, keyed) !== null) return 'bad-name';
  if (value === null || typeof value === 'boolean') return null;
  if (typeof value === 'string') return keyedDataIn(value, keyed);
  if (typeof value !== 'number') return 'not-plain';
  // Beyond this size JSON.parse has already changed the digits, so they could not be compared.
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return 'not-exact';
  return keyedDataIn(String(value), keyed);
}

/** Without control, format and half characters, at most 200 characters long. */
function cleanText(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '');
  return [...clean].slice(0, LONGEST_TEXT).join('');
}

/**
 * The plain outputs of an answer: at most 20 named scalars, none of which shows what was keyed. Gateways echo what they
 * were sent.
 */
export function plainOutputs(answer: Readonly<Record<string, unknown>>, keyed: KeyedData): Outputs {
  const kept: [string, PlainValue][] = [];
  const dropped: Dropped[] = [];
  for (const [name, value] of Object.entries(answer)) {
    if (RESERVED.has(name)) continue;
    const reason = whyDropped(name, value, keyed) ?? (kept.length === MOST_OUTPUTS ? 'too-many' : null);
    if (reason === null)
      kept.push([name, typeof value === 'string' ? cleanText(value) : (value as PlainValue)]);
    else dropped.push({ output: reason === 'bad-name' ? '(unnamed)' : name, reason });
  }
  return { outputs: Object.fromEntries(kept), dropped };
}

/** A gateway's reason as 1 to 40 of `a-z`, `0-9` and `-`; `otherwise` when nothing can be shown of it. */
export function reasonToken(reason: unknown, keyed: KeyedData, otherwise: string): string {
  if (typeof reason !== 'string' || keyedDataIn(reason, keyed) !== null) return otherwise;
  const token = reason
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, TOKEN_LENGTH)
    .replace(/^-+|-+$/g, '');
  return token === '' ? otherwise : token;
}
