import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Conditions } from './conditions.js';
import { within } from './deadline.js';

/** One request as Stripe would have read it. */
export interface StripeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly form: Readonly<Record<string, string>>;
}

/** What happens to the next request of a path instead of what Stripe would do. */
export type StripeFault =
  | { readonly do: 'answer'; readonly http: number; readonly body: unknown }
  /** The connection is reset; `first`: after it was carried out. */
  | { readonly do: 'reset'; readonly first: boolean };

const DEADLINE_MS = 5000;

interface Intent {
  status: string;
  readonly number: string;
}

const DECLINED: Readonly<Record<string, string>> = {
  '4000000000000002': 'generic_decline',
  '4000000000009995': 'insufficient_funds',
};

/**
 * The part of Stripe's API that the connector uses, on 127.0.0.1: forms in, JSON out, answers as its documentation has
 * them. The same idempotency key gets the same answer again.
 */
export class FakeStripe {
  readonly requests: StripeRequest[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #methods = new Map<string, string>();
  readonly #intents = new Map<string, Intent>();
  readonly #answers = new Map<string, readonly [number, unknown]>();
  readonly #faults = new Map<RegExp, StripeFault>();
  readonly #conditions = new Conditions(DEADLINE_MS);

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('error', () => {});
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
        this.#serve({ method, path: url, headers, form }, response);
      });
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<FakeStripe> {
    const fake = new FakeStripe();
    const listening = new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    await within(listening, DEADLINE_MS, 'fake Stripe listening');
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Charges made: intents that succeeded. */
  get charges(): number {
    return [...this.#intents.values()].filter(({ status }) => status === 'succeeded').length;
  }

  get statuses(): readonly string[] {
    return [...this.#intents.values()].map(({ status }) => status);
  }

  /** Does this with the next request whose path matches. */
  fault(path: RegExp, fault: StripeFault): void {
    this.#faults.set(path, fault);
  }

  /** Resolves when so many requests have arrived whole. */
  received(count: number): Promise<void> {
    return this.#conditions.when(() => this.requests.length >= count, `fake Stripe: request ${count}`);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await within(closed, DEADLINE_MS, 'fake Stripe closed');
  }

  #serve(request: StripeRequest, response: ServerResponse): void {
    this.requests.push(request);
    const found = [...this.#faults].find(([path]) => path.test(request.path));
    if (found) this.#faults.delete(found[0]);
    const fault = found?.[1];
    if (fault?.do === 'answer') send(response, fault.http, fault.body);
    else if (fault?.do === 'reset') {
      if (fault.first) this.#carryOut(request);
      response.socket?.resetAndDestroy();
    } else send(response, ...this.#carryOut(request));
    this.#conditions.changed();
  }

  #carryOut(request: StripeRequest): readonly [number, unknown] {
    const key = String(request.headers['idempotency-key'] ?? '');
    const earlier = request.method === 'POST' ? this.#answers.get(key) : undefined;
    if (earlier) return earlier;
    const answer = this.#answer(request);
    if (request.method === 'POST') this.#answers.set(key, answer);
    return answer;
  }

  #answer({ method, path, headers, form }: StripeRequest): readonly [number, unknown] {
    if (headers.authorization !== 'Bearer sk_test_fake') return fault(401, { message: 'Invalid API Key' });
    if (path === '/v1/payment_methods') {
      const id = `pm_${this.#methods.size + 1}`;
      this.#methods.set(id, form['card[number]'] ?? '');
      return [200, { id, object: 'payment_method', type: 'card', card: { brand: 'visa' } }];
    }
    if (path === '/v1/payment_intents') {
      const number = this.#methods.get(form.payment_method ?? '');
      if (number === undefined) return fault(400, { code: 'resource_missing' });
      const id = `pi_${this.#intents.size + 1}`;
      this.#intents.set(id, { status: 'requires_confirmation', number });
      return [200, { id, object: 'payment_intent', status: 'requires_confirmation' }];
    }
    return this.#intent(method, path);
  }

  #intent(method: string, path: string): readonly [number, unknown] {
    const [, id = '', verb = ''] = /^\/v1\/payment_intents\/(\w+)(?:\/(\w+))?$/.exec(path) ?? [];
    const intent = this.#intents.get(id);
    if (intent === undefined) return fault(404, { code: 'resource_missing' });
    const show = (): readonly [number, unknown] => [
      200,
      { id, object: 'payment_intent', status: intent.status },
    ];
    if (method === 'GET') return show();
    if (intent.status !== 'requires_confirmation') {
      return fault(400, { code: 'payment_intent_unexpected_state' });
    }
    if (verb === 'cancel') intent.status = 'canceled';
    if (verb !== 'confirm') return show();
    const declined = DECLINED[intent.number];
    intent.status = declined === undefined ? 'succeeded' : 'requires_payment_method';
    if (declined === undefined) return show();
    return fault(402, { type: 'card_error', code: 'card_declined', decline_code: declined });
  }
}

function fault(http: number, error: Readonly<Record<string, string>>): readonly [number, unknown] {
  return [http, { error: { type: 'invalid_request_error', ...error } }];
}

function send(response: ServerResponse, http: number, body: unknown): void {
  response.writeHead(http, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
