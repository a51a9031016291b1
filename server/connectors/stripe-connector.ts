import type Stripe from 'stripe';
import type { StripeConfig } from '../../config/connector.js';
import { readSecret } from '../../config/secrets.js';
import type { ConnectorClock } from './clock.js';
import type { ChargeRequest, Connector, ConnectorResult } from './connector.js';
import type { ConnectorNotice } from './notice.js';
import { Reconciliations } from './reconciliations.js';
import { requestProblem } from './request-problem.js';
import { takeSecureOutputs } from './secure-outputs.js';
import { overwriteStack } from './stack.js';
import { StripeHttp } from './stripe-http.js';
import { stripeReason } from './stripe-reasons.js';
import { agentOf, checkedUrl } from './target.js';
import { UnderWay } from './under-way.js';

const API = 'https://api.stripe.com';

const outcome = (status: 'error' | 'declined' | 'in-doubt', reason: string): ConnectorResult => ({
  status,
  reason,
  outputs: {},
});

/** One operation at Stripe: its library over a client that knows what became of the last request. */
interface Session {
  readonly stripe: Stripe;
  readonly http: StripeHttp;
}

/**
 * Charges and tokenises cards by Stripe's API and library. A charge is made of three requests: the payment method, which
 * has the card, the payment intent, and its confirmation, which alone moves money and has no card. So a confirmation in
 * doubt is looked up by the intent, and called off while it was never begun; it is never sent again.
 */
export class StripeConnector implements Connector {
  readonly name: string;
  readonly #config: StripeConfig;
  readonly #key: string;
  readonly #base: URL;
  readonly #agent: ReturnType<typeof agentOf>;
  readonly #clock: ConnectorClock;
  readonly #underWay = new UnderWay();
  /** The payment intents of charges in doubt, by idempotency key. */
  readonly #intents = new Map<string, string>();
  readonly #reconciliations: Reconciliations | null;

  /** Reads the key. Throws an Error that says what is wrong with the configuration and never holds it. */
  constructor(
    name: string,
    config: StripeConfig,
    clock: ConnectorClock,
    notice: (one: ConnectorNotice) => void,
  ) {
    this.name = name;
    this.#config = config;
    this.#clock = clock;
    this.#base = checkedUrl({ url: config.apiBase ?? API, allowInsecureHttp: config.allowInsecureHttp });
    this.#key = readSecret(config.secretKey, process.env);
    if (!/^[sr]k_[A-Za-z0-9_]+$/.test(this.#key)) {
      throw new Error('the secret of `secretKey` is no secret key of Stripe; it begins with sk_ or rk_');
    }
    this.#agent = agentOf(this.#base, config.caFile);
    this.#reconciliations =
      config.reconcile === undefined
        ? null
        : new Reconciliations({
            ...config.reconcile,
            clock,
            lookUp: (key, signal) => this.#lookUp(key, signal),
            onOpen: (idempotencyKey, reason) =>
              notice({ kind: 'charge-left-open', connector: name, idempotencyKey, reason }),
          });
  }

  async charge(request: ChargeRequest): Promise<ConnectorResult> {
    if (this.#underWay.ended) return outcome('error', 'connector-closed');
    const problem = requestProblem(request) ?? unfit(request);
    if (problem !== null) return outcome('error', problem);
    return this.#underWay.run(request.signal, (signal) => this.#run(request, signal));
  }

  async close(): Promise<void> {
    await this.#underWay.end();
    await this.#reconciliations?.close();
  }

  async #run(request: ChargeRequest, signal: AbortSignal): Promise<ConnectorResult> {
    const session = await this.#session(request.secure, signal);
    try {
      const method = await paymentMethod(session, request);
      if (request.operation === 'tokenise') return tokenised(method, request);
      const intent = await createIntent(session, request, method.id);
      return await this.#confirm(session, request, intent.id);
    } catch (error) {
      return refusal(error, session.http);
    } finally {
      await overwriteStack();
    }
  }

  async #confirm({ stripe, http }: Session, request: ChargeRequest, id: string): Promise<ConnectorResult> {
    const { idempotencyKey } = request;
    try {
      const { status } = await stripe.paymentIntents.confirm(
        id,
        { error_on_requires_action: true },
        { idempotencyKey: `${idempotencyKey}:confirm` },
      );
      if (status === 'succeeded') return { status: 'approved', reason: '', outputs: { confirmation: id } };
      if (status === 'requires_payment_method') return outcome('declined', 'card-declined');
      if (status === 'requires_action') return outcome('declined', 'authentication-required');
      return this.#doubt(idempotencyKey, id, stripeReason(status, 'unreadable-answer'));
    } catch (error) {
      if (isDecided(error) || !http.lastWasSent) return refusal(error, http);
      return this.#doubt(idempotencyKey, id, http.lastFailure ?? `http-${statusOf(error) ?? 'unreadable'}`);
    }
  }

  #doubt(idempotencyKey: string, intent: string, reason: string): ConnectorResult {
    const result = outcome('in-doubt', reason);
    if (this.#reconciliations === null) return result;
    this.#intents.set(idempotencyKey, intent);
    const later = this.#reconciliations
      .begin(idempotencyKey)
      .finally(() => this.#intents.delete(idempotencyKey));
    return { ...result, later };
  }

  async #lookUp(idempotencyKey: string, signal: AbortSignal): Promise<'approved' | 'declined' | null> {
    const id = this.#intents.get(idempotencyKey);
    if (id === undefined) return null;
    const { stripe } = await this.#session(new Map(), signal);
    try {
      let { status } = await stripe.paymentIntents.retrieve(id);
      // The confirmation never arrived. Stripe refuses to call off what has succeeded.
      if (status === 'requires_confirmation') ({ status } = await stripe.paymentIntents.cancel(id));
      if (status === 'succeeded') return 'approved';
      return status === 'canceled' || status === 'requires_payment_method' ? 'declined' : null;
    } catch {
      return null;
    }
  }

  async #session(secure: ChargeRequest['secure'], signal: AbortSignal): Promise<Session> {
    // Loaded when it is used: it is the largest library of all.
    const { default: StripeClient } = await import('stripe');
    const http = new StripeHttp({
      base: this.#base,
      options: { agent: this.#agent },
      secure,
      clock: this.#clock,
      limitMs: this.#config.timeoutMs,
      signal,
    });
    const stripe = new StripeClient(this.#key, {
      httpClient: http as unknown as Stripe.HttpClient,
      maxNetworkRetries: 0,
      telemetry: false,
    });
    return { stripe, http };
  }
}

function unfit({ operation, secure, inputs }: ChargeRequest): string | null {
  if (secure.has('accountNumber')) return 'cards-only';
  if (secure.has('cardNumber') && !secure.has('expiry')) return 'expiry-missing';
  if (operation === 'charge' && minorUnits(inputs.amount) === null) return 'bad-amount';
  return operation === 'charge' && inputs.currency === undefined ? 'bad-currency' : null;
}

/** Whole minor units, or null. */
function minorUnits(amount: unknown): number | null {
  const units = typeof amount === 'string' && /^\d{1,12}$/.test(amount) ? Number(amount) : amount;
  return typeof units === 'number' && Number.isSafeInteger(units) && units > 0 ? units : null;
}

/** The token of an earlier `tokenise`, or a payment method for the card. */
async function paymentMethod({ stripe, http }: Session, request: ChargeRequest) {
  const { secure, idempotencyKey } = request;
  if (secure.has('token')) return { id: http.placeholder('token'), brand: '' };
  const has = (name: string) => secure.has(name);
  const card = {
    number: http.placeholder('cardNumber'),
    // Digits by the time it is sent; the types of the library want numbers.
    exp_month: http.placeholder('expiry', 0, 2) as unknown as number,
    exp_year: `20${http.placeholder('expiry', 2, 4)}` as unknown as number,
    ...(has('securityCode') && { cvc: http.placeholder('securityCode') }),
  };
  const made = await stripe.paymentMethods.create(
    {
      type: 'card',
      card,
      ...(has('postalCode') && {
        billing_details: { address: { postal_code: http.placeholder('postalCode') } },
      }),
    },
    { idempotencyKey: `${idempotencyKey}:method` },
  );
  return { id: made.id, brand: made.card?.brand ?? '' };
}

async function createIntent({ stripe }: Session, request: ChargeRequest, method: string) {
  const { inputs, parameters = {}, idempotencyKey } = request;
  const { reference } = inputs;
  return stripe.paymentIntents.create(
    {
      amount: minorUnits(inputs.amount) ?? 0,
      currency: String(inputs.currency).toLowerCase(),
      payment_method: method,
      // A caller cannot be sent to a page.
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      ...(typeof reference === 'string' && { description: reference }),
      metadata: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)])),
    },
    { idempotencyKey: `${idempotencyKey}:intent` },
  );
}

function tokenised({ id, brand }: { id: string; brand: string }, request: ChargeRequest): ConnectorResult {
  const names = { never: ['token'], wanted: request.secureOutputs ?? [] };
  const { taken } = takeSecureOutputs({ token: id }, names);
  const outputs: ConnectorResult['outputs'] = brand === '' ? {} : { brand };
  return { status: 'approved', reason: '', outputs, ...(taken.size > 0 && { secureOutputs: taken }) };
}

interface StripeFault {
  readonly type?: string;
  readonly code?: string;
  readonly decline_code?: string;
  readonly statusCode?: number;
}

const statusOf = (error: unknown): number | undefined => (error as StripeFault).statusCode;

/** Stripe answered, and says that it charged nothing. 409: a request with this key is at work. */
function isDecided(error: unknown): boolean {
  const status = statusOf(error);
  return status !== undefined && status >= 400 && status < 500 && status !== 409;
}

/** Before the confirmation is sent nothing is charged, whatever happens. */
function refusal(error: unknown, http: StripeHttp): ConnectorResult {
  const { statusCode, code, decline_code: declined } = error as StripeFault;
  if (statusCode === 402) return outcome('declined', stripeReason(declined ?? code, 'card-declined'));
  if (statusCode !== undefined) return outcome('error', stripeReason(code, `http-${statusCode}`));
  return outcome('error', http.lastFailure ?? 'unreadable-answer');
}
