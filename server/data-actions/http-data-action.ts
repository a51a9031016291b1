import type { DataActionConfig } from '../../config/data-action.js';
import type { CallDataResult } from '../../flows/commands.js';
import { type ConnectorClock, rest } from '../connectors/clock.js';
import { retryAfterMs } from '../connectors/retry-after.js';
import { CircuitBreaker, type Health } from './circuit-breaker.js';
import { type DataAction, type DataRequest, failed } from './data-action.js';
import { type Answer, type ExchangeError, exchange } from './exchange.js';
import { readOutputs } from './outputs.js';
import { type Outgoing, outgoing } from './target.js';

/** Wait before the second try; doubled for each further one. */
const FIRST_BACKOFF_MS = 200;

/** Answers of a server that could not, or not now (RFC 9110 section 15.5.9, RFC 8470, RFC 6585). */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429]);

/** What is said of an exchange without an answer, and what it says of the server. */
const FAILURES: Readonly<Record<ExchangeError, readonly [message: string, health: Health]>> = {
  timeout: ['no answer in time', 'failed'],
  unreachable: ['the server cannot be reached', 'failed'],
  'connection-lost': ['the connection ended before the answer did', 'failed'],
  'oversized-answer': ['the answer is too long', 'well'],
  cancelled: ['the call has ended', 'unknown'],
};

/** What one try has come to. `health` is `failed` where another try may bring something else. */
interface Tried {
  readonly result: CallDataResult;
  readonly health: Health;
  /** What the server asks to wait; null when it said nothing. */
  readonly afterMs: number | null;
}

/** Asks an HTTP server, as docs/data-actions.md says. */
export class HttpDataAction implements DataAction {
  readonly #config: DataActionConfig;
  readonly #clock: ConnectorClock;
  readonly #breaker: CircuitBreaker;
  readonly #outgoing: (request: DataRequest) => Outgoing;

  /** Throws when the configuration cannot work (see {@link outgoing}). */
  constructor(config: DataActionConfig, clock: ConnectorClock) {
    this.#config = config;
    this.#clock = clock;
    this.#breaker = new CircuitBreaker(config.breakerFailures, config.breakerPauseMs, () => clock.now());
    this.#outgoing = outgoing(config);
  }

  async call(request: DataRequest): Promise<CallDataResult> {
    const leave = this.#breaker.enter();
    if (leave === null)
      return failed('circuit-open', 'the server failed before and is not asked for a while');
    let health: Health = 'unknown';
    try {
      const tried = await this.#tries(this.#outgoing(request), request.signal);
      health = tried.health;
      return tried.result;
    } finally {
      leave(health);
    }
  }

  async #tries(what: Outgoing, signal: AbortSignal): Promise<Tried> {
    const { retries, timeoutMs } = this.#config;
    const clock = this.#clock;
    const deadline = clock.now() + timeoutMs * (retries + 1);
    for (let attempt = 1; ; attempt += 1) {
      const limitMs = Math.min(timeoutMs, deadline - clock.now());
      const tried = this.#judge(await exchange({ ...what, limitMs, clock, signal }));
      const wait = tried.afterMs ?? FIRST_BACKOFF_MS * 2 ** (attempt - 1);
      const isLast = attempt > retries || clock.now() + wait >= deadline;
      if (tried.health !== 'failed' || isLast) return tried;
      await rest(clock, wait, signal);
    }
  }

  #judge(outcome: Answer | ExchangeError): Tried {
    if (typeof outcome === 'string') {
      const [message, health] = FAILURES[outcome];
      return { result: failed(outcome, message), health, afterMs: null };
    }
    const { http, retryAfter } = outcome;
    if (http >= 200 && http < 300) {
      return { result: readOutputs(outcome, this.#config.outputs), health: 'well', afterMs: null };
    }
    return {
      result: failed(`http-${http}`, `the server answered with status ${http}`),
      health: http >= 500 || NOT_NOW.has(http) ? 'failed' : 'well',
      afterMs: retryAfterMs(retryAfter, this.#clock.now()),
    };
  }
}
