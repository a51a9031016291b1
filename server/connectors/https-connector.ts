import type { HttpsConfig } from '../../config/connector.js';
import type { DataResult } from '../../flows/commands.js';
import { judge, type Verdict } from './answer.js';
import { joined } from './body.js';
import { type ConnectorClock, rest } from './clock.js';
import type { ChargeRequest, Connector, ConnectorResult } from './connector.js';
import { type ExchangeOptions, exchange } from './exchange.js';
import { instrumentPart } from './instrument.js';
import { lookedUp } from './looked-up.js';
import type { ConnectorNotice } from './notice.js';
import { Reconciliations } from './reconciliations.js';
import { requestProblem } from './request-problem.js';
import { overwriteStack } from './stack.js';
import { type Target, targetOf } from './target.js';
import { UnderWay } from './under-way.js';

/** Wait before the second try; doubled for each further one. */
const FIRST_BACKOFF_MS = 200;

/** Names of the request body that an input cannot have. */
const RESERVED_INPUTS = [
  'operation',
  'idempotencyKey',
  'card',
  'bankAccount',
  'token',
  'parameters',
] as const;

/** What never becomes plain unless the configuration says otherwise. */
const SECURE_OUTPUTS: readonly string[] = ['token'];

const outcome = (status: 'error' | 'in-doubt', reason: string): DataResult => ({
  status,
  reason,
  outputs: {},
});

function problemOf(request: ChargeRequest): string | null {
  if (RESERVED_INPUTS.some((name) => Object.hasOwn(request.inputs, name))) return 'reserved-input-name';
  if (!/^[\x21-\x7e]{1,255}$/.test(request.idempotencyKey)) return 'bad-idempotency-key';
  return requestProblem(request);
}

/** Where nothing is charged there is no doubt about a charge; a token that was not made is no approval. */
function tokenised(result: ConnectorResult, wanted: readonly string[] = []): ConnectorResult {
  if (result.status === 'in-doubt') return { ...result, status: 'error' };
  const { secureOutputs = new Map() } = result;
  if (result.status !== 'approved' || wanted.every((name) => secureOutputs.has(name))) return result;
  for (const value of secureOutputs.values()) value.wipe();
  return outcome('error', 'missing-output');
}

type Body = Pick<ExchangeOptions, 'head' | 'tail'>;

const NOTHING = Buffer.alloc(0);

const CARD_GONE = {
  kind: 'none',
  charged: 'no',
  reason: 'card-data-gone',
  again: false,
  afterMs: null,
} as const satisfies Verdict;

/** What is wiped before the connection stands is not sent, sealed or not. */
function unlessWiped(sealed: Buffer, secure: ChargeRequest['secure']): Buffer {
  if ([...secure.values()].some(({ wiped }) => wiped)) throw new Error('the secure values were wiped');
  return sealed;
}

/** The body up to the card: `{"operation":"charge",...,` without a closing brace. */
function bodyHead(request: ChargeRequest): Buffer {
  const { operation, idempotencyKey, inputs, parameters = {} } = request;
  const own = Object.keys(parameters).length === 0 ? {} : { parameters };
  const plain = JSON.stringify({ operation, idempotencyKey, ...inputs, ...own });
  return Buffer.from(`${plain.slice(0, -1)},`);
}

/**
 * Posts charges as JSON to a gateway (docs/connectors.md). Tries again only with the same idempotency key.
 * Once a try may have reached the gateway, only `approved` or `declined` ends the doubt: a later refusal or
 * failure says nothing about that try, and the result is `in-doubt`.
 */
export class HttpsConnector implements Connector {
  readonly name: string;
  readonly #config: HttpsConfig;
  readonly #target: Target;
  readonly #clock: ConnectorClock;
  readonly #notice: (notice: ConnectorNotice) => void;
  readonly #underWay = new UnderWay();
  readonly #reconciliations: Reconciliations | null;

  /** Throws when the configuration cannot work (see {@link targetOf}). */
  constructor(
    name: string,
    config: HttpsConfig,
    clock: ConnectorClock,
    notice: (notice: ConnectorNotice) => void,
  ) {
    this.name = name;
    this.#config = config;
    this.#target = targetOf(config, clock.now());
    this.#clock = clock;
    this.#notice = notice;
    const { reconcile } = config;
    this.#reconciliations =
      reconcile === undefined
        ? null
        : new Reconciliations({
            ...reconcile,
            clock,
            lookUp: (key, signal) => this.#lookUp(reconcile.path, key, signal),
            onOpen: (idempotencyKey, reason) =>
              notice({ kind: 'charge-left-open', connector: name, idempotencyKey, reason }),
          });
  }

  async charge(request: ChargeRequest): Promise<ConnectorResult> {
    if (this.#underWay.ended) return outcome('error', 'connector-closed');
    const problem = problemOf(request);
    if (problem !== null) return outcome('error', problem);
    const result = await this.#underWay.run(request.signal, (signal) => this.#charge(request, signal));
    if (request.operation === 'tokenise') return tokenised(result, request.secureOutputs);
    if (result.status !== 'in-doubt' || this.#reconciliations === null) return result;
    return { ...result, later: this.#reconciliations.begin(request.idempotencyKey) };
  }

  /** Ends what is under way, as if each call had ended. */
  async close(): Promise<void> {
    await this.#underWay.end();
    await this.#reconciliations?.close();
  }

  async #charge(request: ChargeRequest, signal: AbortSignal): Promise<ConnectorResult> {
    const { retries, timeoutMs } = this.#config;
    const head = bodyHead(request);
    const deadline = this.#clock.now() + timeoutMs * (retries + 1);
    /** Why an earlier try may have charged; null while certainly none has. */
    let doubt: string | null = null;
    const undecided = (reason: string) =>
      doubt === null ? outcome('error', reason) : outcome('in-doubt', doubt);
    for (let attempt = 1; ; attempt += 1) {
      if (signal.aborted)
        return doubt === null ? outcome('error', 'cancelled') : outcome('in-doubt', 'cancelled');
      const verdict = await this.#try(
        request,
        head,
        Math.min(timeoutMs, deadline - this.#clock.now()),
        signal,
      );
      if (verdict.kind === 'final') return this.#final(verdict);
      this.#notice({ kind: 'try-failed', connector: this.name, attempt, reason: verdict.reason });
      if (verdict.kind === 'refused') return undecided(verdict.reason);
      if (verdict.charged === 'unknown') doubt = verdict.reason;
      const wait = verdict.afterMs ?? FIRST_BACKOFF_MS * 2 ** (attempt - 1);
      const late = this.#clock.now() + wait >= deadline;
      if (!verdict.again || attempt > retries || late) return undecided(verdict.reason);
      await rest(this.#clock, wait, signal);
    }
  }

  async #try(request: ChargeRequest, head: Buffer, limitMs: number, signal: AbortSignal): Promise<Verdict> {
    const { url, options, sign } = this.#target;
    const { secure, idempotencyKey } = request;
    const body = await this.#body(head, secure);
    if (body === null) return CARD_GONE;
    const result = await exchange({
      url,
      options: { ...options, headers: { ...options.headers, 'Idempotency-Key': idempotencyKey } },
      ...body,
      ...(sign && {
        sign: (pieces) => {
          const path = url.pathname + url.search;
          return sign({ method: 'POST', path, idempotencyKey, body: pieces, now: this.#clock.now() });
        },
      }),
      limitMs,
      clock: this.#clock,
      signal,
    });
    if (result.kind === 'failed') {
      const again = result.reason !== 'cancelled' && result.reason !== 'card-data-gone';
      return {
        kind: 'none',
        charged: result.sent ? 'unknown' : 'no',
        reason: result.reason,
        again,
        afterMs: null,
      };
    }
    try {
      return judge(result.answer, idempotencyKey, secure, this.#clock.now(), {
        never: this.#config.secureOutputs ?? SECURE_OUTPUTS,
        wanted: request.secureOutputs ?? [],
      });
    } catch {
      // The secure values were wiped meanwhile: an answer that cannot be compared with them is not read.
      return { ...CARD_GONE, charged: 'unknown' };
    } finally {
      result.answer.body.fill(0);
      await overwriteStack();
    }
  }

  /** What is written first, and what makes the rest; null when the card is gone. Sealed, the whole is the rest. */
  async #body(head: Buffer, secure: ChargeRequest['secure']): Promise<Body | null> {
    const { seal } = this.#target;
    if (seal === null) return { head, tail: () => instrumentPart(secure) };
    let tail: Buffer;
    try {
      tail = instrumentPart(secure);
    } catch {
      return null;
    }
    const plain = joined([head, tail]);
    tail.fill(0);
    const sealed = await seal(plain, this.#clock.now());
    return { head: NOTHING, tail: () => unlessWiped(sealed, secure) };
  }

  /** Asks what became of a charge: a question, which cannot charge. */
  async #lookUp(path: string, idempotencyKey: string, signal: AbortSignal) {
    const { url: charges, options, sign } = this.#target;
    const url = new URL(`${path.replace(/\/$/, '')}/${encodeURIComponent(idempotencyKey)}`, charges);
    const { 'Content-Type': _none, ...headers } = options.headers as Record<string, string>;
    const result = await exchange({
      url,
      method: 'GET',
      options: { ...options, headers },
      head: NOTHING,
      tail: () => NOTHING,
      ...(sign && {
        sign: (body) =>
          sign({ method: 'GET', path: url.pathname, idempotencyKey, body, now: this.#clock.now() }),
      }),
      limitMs: this.#config.timeoutMs,
      clock: this.#clock,
      signal,
    });
    return result.kind === 'failed' ? null : lookedUp(result.answer, idempotencyKey);
  }

  #final(verdict: Extract<Verdict, { kind: 'final' }>): ConnectorResult {
    for (const dropped of verdict.dropped) {
      this.#notice({ kind: 'output-dropped', connector: this.name, ...dropped });
    }
    const { result, secureOutputs } = verdict;
    return secureOutputs === undefined ? result : { ...result, secureOutputs };
  }
}
