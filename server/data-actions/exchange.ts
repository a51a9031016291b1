import { type IncomingMessage, request as requestHttp } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import type { ConnectorClock } from '../connectors/clock.js';

/** Most octets of an answer's body. */
export const ANSWER_MAX = 64 * 1024;

/** One complete HTTP answer. */
export interface Answer {
  readonly http: number;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
}

export type ExchangeError = 'timeout' | 'unreachable' | 'connection-lost' | 'oversized-answer' | 'cancelled';

export interface ExchangeOptions {
  readonly url: URL;
  /** Agent, method and headers. */
  readonly options: RequestOptions;
  readonly body: string | null;
  /** For the whole of it, from name resolution to the answer's last octet. */
  readonly limitMs: number;
  readonly clock: ConnectorClock;
  readonly signal: AbortSignal;
}

/** One request and its answer. Never rejects; leaves no socket, timer or listener behind. */
export function exchange(options: ExchangeOptions): Promise<Answer | ExchangeError> {
  const { url, clock, limitMs, signal, body } = options;
  return new Promise((resolve) => {
    const open = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = open(url, options.options);
    const settle = (outcome: Answer | ExchangeError) => {
      cancelLimit();
      signal.removeEventListener('abort', cancel);
      request.destroy();
      resolve(outcome);
    };
    const lost = () => settle(request.writableFinished ? 'connection-lost' : 'unreachable');
    const cancel = () => settle('cancelled');
    const cancelLimit = clock.after(limitMs, () => settle('timeout'));
    signal.addEventListener('abort', cancel);
    request.on('error', lost);
    request.on('response', (response) => void read(response).then(settle));
    if (signal.aborted) cancel();
    else request.end(body ?? undefined);
  });
}

async function read(response: IncomingMessage): Promise<Answer | ExchangeError> {
  const { headers } = response;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > ANSWER_MAX) return 'oversized-answer';
      chunks.push(chunk);
    }
  } catch {
    return 'connection-lost';
  }
  return {
    http: response.statusCode ?? 0,
    contentType: headers['content-type'] ?? '',
    contentEncoding: headers['content-encoding'] ?? 'identity',
    retryAfter: headers['retry-after'],
    body: Buffer.concat(chunks),
  };
}
