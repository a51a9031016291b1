import type { CallDataResult, PlainValue } from '../../flows/commands.js';

/** One call of a data action. Nothing in it is secret: secure values have no way here. */
export interface DataRequest {
  readonly inputs: Readonly<Record<string, PlainValue>>;
  /** The same for every try of the same call. */
  readonly idempotencyKey: string;
  /** Aborted when the call ends; the request is then given up at once. */
  readonly signal: AbortSignal;
}

/** A service that flows ask for data. Never rejects: every failure is a {@link CallDataResult}. */
export interface DataAction {
  call(request: DataRequest): Promise<CallDataResult>;
}

/** A result without outputs. */
export function failed(error: string, message: string): CallDataResult {
  return { status: error === 'timeout' ? 'timeout' : 'failure', error, message, outputs: {} };
}
