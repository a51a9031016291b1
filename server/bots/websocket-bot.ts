import { readFileSync } from 'node:fs';
import { type ClientOptions, WebSocket } from 'ws';
import type { BotResult } from '../../flows/commands.js';
import { jsonHeaders } from '../connectors/target.js';
import { ANSWER_MAX } from '../data-actions/exchange.js';
import type { SecureValue } from '../secure/secure-value.js';
import {
  type BotError,
  type BotSession,
  botFailed,
  type TransportOptions,
  type Turn,
} from './bot-service.js';
import { readReply, turnBody } from './turn-body.js';

/** How long a service has to close its side after it was told of the end. */
const CLOSE_MS = 2000;

/** One WebSocket for each talk. Reads secret and CA file once; throws an Error that says what is wrong, without any secret. */
export function webSocketTransport(options: TransportOptions): () => BotSession {
  const { config } = options;
  const { caFile, timeoutMs } = config;
  const client: ClientOptions = {
    headers: jsonHeaders(config),
    handshakeTimeout: timeoutMs,
    followRedirects: false,
    perMessageDeflate: false,
    maxPayload: ANSWER_MAX,
    // Said here because NODE_TLS_REJECT_UNAUTHORIZED would otherwise decide.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
  };
  return () => new WebSocketSession(options, client);
}

/** Turns go out one at a time, each followed by one message; anything else ends the talk. */
class WebSocketSession implements BotSession {
  readonly #options: TransportOptions;
  readonly #client: ClientOptions;
  #socket: WebSocket | null = null;
  /** Takes the outcome of the turn that is under way. */
  #settle: ((outcome: Buffer | BotError) => void) | null = null;
  #closed = false;

  constructor(options: TransportOptions, client: ClientOptions) {
    this.#options = options;
    this.#client = client;
  }

  async turn(turn: Turn, secure: SecureValue | null, signal: AbortSignal): Promise<BotResult> {
    if (this.#closed) return botFailed('connection-lost');
    const outcome = await this.#exchange(turn, secure, signal);
    if (typeof outcome === 'string') {
      if (outcome !== 'cancelled') this.#terminate();
      return botFailed(outcome);
    }
    try {
      return readReply(outcome, secure);
    } finally {
      outcome.fill(0);
    }
  }

  end(turn: Turn): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send(this.#socket, turn, null);
    this.close();
  }

  close(): void {
    const socket = this.#socket;
    this.#closed = true;
    if (socket === null || socket.readyState === WebSocket.CLOSED) return;
    if (socket.readyState === WebSocket.CONNECTING) {
      socket.terminate();
      return;
    }
    socket.close(1000);
    const { clock, shutdown } = this.#options;
    const terminate = () => socket.terminate();
    const cancel = clock.after(CLOSE_MS, terminate);
    shutdown.addEventListener('abort', terminate);
    socket.once('close', () => {
      cancel();
      shutdown.removeEventListener('abort', terminate);
    });
  }

  #exchange(turn: Turn, secure: SecureValue | null, signal: AbortSignal): Promise<Buffer | BotError> {
    const { clock, config } = this.#options;
    return new Promise((resolve) => {
      const settle = (outcome: Buffer | BotError) => {
        this.#settle = null;
        cancelLimit();
        signal.removeEventListener('abort', cancel);
        resolve(outcome);
      };
      const cancel = () => settle('cancelled');
      const cancelLimit = clock.after(config.timeoutMs, () => settle('timeout'));
      this.#settle = settle;
      signal.addEventListener('abort', cancel);
      if (signal.aborted) return cancel();
      const socket = this.#socket ?? this.#open();
      if (socket.readyState === WebSocket.OPEN) this.#send(socket, turn, secure);
      else socket.once('open', () => this.#settle === settle && this.#send(socket, turn, secure));
    });
  }

  #open(): WebSocket {
    const socket = new WebSocket(this.#options.config.url, this.#client);
    this.#socket = socket;
    let isOpen = false;
    socket.on('open', () => {
      isOpen = true;
    });
    socket.on('message', (data, isBinary) => {
      const settle = this.#settle;
      // One that comes while the end is told was asked for by a turn that the caller did not wait for.
      if (settle === null) {
        if (!this.#closed) this.#terminate();
        return;
      }
      if (isBinary || !Buffer.isBuffer(data)) settle('bad-answer');
      else settle(data);
    });
    socket.on('error', (error) => {
      const tooLong = 'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
      this.#settle?.(tooLong ? 'oversized-answer' : isOpen ? 'connection-lost' : 'unreachable');
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#settle?.('connection-lost');
    });
    return socket;
  }

  /** The frame is masked as it is copied (RFC 6455 section 5.3); what it was made of is zeroed. */
  #send(socket: WebSocket, turn: Turn, secure: SecureValue | null): void {
    const { head, tail } = turnBody(turn, secure);
    try {
      const rest = tail();
      const whole = Buffer.from(new ArrayBuffer(head.length + rest.length));
      whole.set(head);
      whole.set(rest, head.length);
      rest.fill(0);
      socket.send(whole, { binary: false, compress: false }, () => whole.fill(0));
    } catch {
      this.#settle?.('digits-gone');
    }
  }

  #terminate(): void {
    this.#closed = true;
    this.#socket?.terminate();
  }
}
