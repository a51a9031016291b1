import { randomUUID } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { joined } from './body.js';
import type { ConnectorClock } from './clock.js';
import type { ChargeRequest } from './connector.js';
import { exchange } from './exchange.js';
import { maskEchoes } from './keyed-data.js';

type SecureInputs = ChargeRequest['secure'];

/** The part of Stripe's response class that its library reads. */
interface StripeResponse {
  getStatusCode(): number;
  getHeaders(): Record<string, string>;
  getRawResponse(): object;
  toStream(): never;
  toJSON(): Promise<unknown>;
}

export interface StripeHttpOptions {
  readonly base: URL;
  readonly options: RequestOptions;
  readonly secure: SecureInputs;
  readonly clock: ConnectorClock;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/**
 * The HTTP client that Stripe's library is given for one operation. The library sees placeholders where the card goes;
 * they become digits here, in one buffer that is zeroed. Never repeats a request.
 */
export class StripeHttp {
  readonly #options: StripeHttpOptions;
  readonly #mark = `s${randomUUID().replaceAll('-', '')}`;
  readonly #placeholders = new Map<
    string,
    { readonly name: string; readonly from: number; readonly to: number }
  >();
  /** The last request may have reached Stripe, though no answer came. */
  lastWasSent = false;
  /** Why the last request had no answer; null when it had one. */
  lastFailure: string | null = null;

  constructor(options: StripeHttpOptions) {
    this.#options = options;
  }

  getClientName(): string {
    return 'tacet';
  }

  /** A text that becomes these digits of a secure input when it is sent. */
  placeholder(name: string, from = 0, to = this.#options.secure.get(name)?.length ?? 0): string {
    const text = `${this.#mark}x${this.#placeholders.size}x`;
    this.#placeholders.set(text, { name, from, to });
    return text;
  }

  async makeRequest(
    _host: string,
    _port: string | number,
    path: string,
    method: string,
    headers: object,
    requestData: string | null,
  ): Promise<StripeResponse> {
    const { base, options, secure, ...rest } = this.#options;
    const isGet = method === 'GET';
    const result = await exchange({
      url: new URL(path, base),
      method: isGet ? 'GET' : 'POST',
      options: { ...options, headers: ownHeaders(headers, isGet) },
      head: Buffer.alloc(0),
      tail: () => this.#body(requestData ?? ''),
      ...rest,
    });
    this.lastWasSent = result.kind === 'answered' || result.sent;
    this.lastFailure = result.kind === 'answered' ? null : result.reason;
    // Without a `code`: the library would send a request again whose connection was reset.
    if (result.kind === 'failed') throw new Error(result.reason);
    const { http, body } = result.answer;
    try {
      maskEchoes(body, secure);
      return response(http, body.toString());
    } finally {
      body.fill(0);
    }
  }

  #body(form: string): Buffer {
    const pieces: Buffer[] = [];
    let at = 0;
    for (const match of form.matchAll(new RegExp(`${this.#mark}x\\d+x`, 'g'))) {
      pieces.push(Buffer.from(form.slice(at, match.index), 'latin1'));
      pieces.push(this.#digits(match[0]));
      at = match.index + match[0].length;
    }
    pieces.push(Buffer.from(form.slice(at), 'latin1'));
    const whole = joined(pieces);
    for (const piece of pieces) piece.fill(0);
    return whole;
  }

  #digits(placeholder: string): Buffer {
    const { name, from, to } = this.#placeholders.get(placeholder) ?? { name: '', from: 0, to: 0 };
    const value = this.#options.secure.get(name);
    if (value === undefined) throw new Error('no such secure input');
    const digits = Buffer.from(new ArrayBuffer(to - from));
    value.use('data-action', (held) => digits.set(held.subarray(from, to)));
    return digits;
  }
}

/** Stripe's own without what describes this machine; the length is that of the body that is really sent. */
function ownHeaders(headers: object, isGet: boolean): Record<string, string> {
  const dropped = ['x-stripe-client-user-agent', 'x-stripe-client-telemetry', 'content-length'];
  if (isGet) dropped.push('content-type');
  return Object.fromEntries(
    Object.entries(headers as Record<string, string>).filter(
      ([name]) => !dropped.includes(name.toLowerCase()),
    ),
  );
}

function response(http: number, text: string): StripeResponse {
  return {
    getStatusCode: () => http,
    getHeaders: () => ({}),
    getRawResponse: () => ({}),
    toStream: () => {
      throw new Error('nothing is streamed');
    },
    toJSON: async () => JSON.parse(text),
  };
}
