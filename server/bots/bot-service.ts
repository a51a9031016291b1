import type { BotServiceConfig } from '../../config/bot.js';
import type { BotResult } from '../../flows/commands.js';
import type { ConnectorClock } from '../connectors/clock.js';
import type { SecureValue } from '../secure/secure-value.js';

/** One turn as the service is told it. */
export interface Turn {
  readonly session: string;
  readonly turn: number;
  /** The bot flow. */
  readonly flow: string;
  readonly event: 'start' | 'digits' | 'noInput' | 'noMatch' | 'end';
  readonly context?: Readonly<Record<string, unknown>>;
  readonly digits?: string;
}

/** A talk with a service. Nothing of it rejects. */
export interface BotSession {
  /** `secure`: the digits of this turn, where they were keyed in secure mode. */
  turn(turn: Turn, secure: SecureValue | null, signal: AbortSignal): Promise<BotResult>;
  /** Tells the service that the talk is over, as far as it can be told, and waits for nothing of it. */
  end(turn: Turn): void;
  /** The service knows that the talk is over. */
  close(): void;
}

/** What a transport is made with. */
export interface TransportOptions {
  readonly config: BotServiceConfig;
  readonly clock: ConnectorClock;
  /** Aborted when the process stops. */
  readonly shutdown: AbortSignal;
}

/** Why a turn has no answer, in words. */
const MESSAGES = {
  timeout: 'no answer in time',
  unreachable: 'the bot cannot be reached',
  'connection-lost': 'the connection ended before the answer came',
  'oversized-answer': 'the answer is too long',
  'bad-answer': 'the answer is none that docs/bots.md knows',
  'circuit-open': 'the bot failed before and is not asked for a while',
  'not-pci': 'the bot may not be told what is keyed in secure mode',
  'unknown-service': 'there is no such bot service',
  'secure-value': 'an input shows a value of the secure session',
  'digits-gone': 'the digits were gone before they were sent',
  cancelled: 'the call has ended',
} as const;
export type BotError = keyof typeof MESSAGES;

export function botFailed(error: BotError | `http-${number}`): BotResult {
  const message =
    error in MESSAGES ? MESSAGES[error as BotError] : `the bot answered with status ${error.slice(5)}`;
  return { ok: false, error, message };
}
