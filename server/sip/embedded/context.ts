import { type Passage, passageTokens } from './admin-frame.js';
import type { ApplicationRoutes } from './application-routes.js';
import type { DialogTable } from './dialog-table.js';
import type { SipServerOptions } from './options.js';
import type { RateLimiter } from './rate-limiter.js';
import type { TransactionTable } from './transaction-table.js';
import type { Transports } from './transports.js';

/** Why messages from the network were thrown away without an answer. */
export interface DroppedCounts {
  /** Beyond the flood limit of their address. */
  flood: number;
  /** Not recognisable as SIP, or answers that no parser accepts. */
  malformed: number;
  /** ACKs and answers that belong to nothing. */
  stray: number;
  /** Beyond the most transactions alive. */
  overload: number;
}

/** What the two halves of the core share. */
export interface Context {
  readonly options: SipServerOptions;
  readonly transports: Transports;
  readonly transactions: TransactionTable;
  readonly dialogs: DialogTable;
  readonly routes: ApplicationRoutes;
  readonly limiter: RateLimiter;
  readonly dropped: DroppedCounts;
}

/** Transaction identifier drachtio uses for a BYE that no application asked for. */
export const UNSOLICITED = 'unsolicited';

/** Tokens of a `sip` frame: how the message passed, its transaction, its dialog. */
export function sipTokens(passage: Passage, transactionId: string, dialogId: string, rest = ''): string {
  return `sip|${passageTokens(passage)}|${transactionId}|${dialogId}|${rest}`;
}
