import Srf from 'drachtio-srf';
import type {
  AnsweredCall,
  DialogHandlers,
  IncomingCall,
  OutgoingCall,
  Registration,
  Signalling,
  SipDialog,
} from './signalling.js';
import { SipFailure } from './signalling.js';
import { SrfDialog } from './srf-dialog.js';

export interface DrachtioOptions {
  /** Admin address of drachtio-server or of the embedded SIP server. */
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** Address put into From and Contact of calls we make. */
  readonly localHost: string;
  /** Called when the connection to the SIP server is lost or comes back. */
  readonly onConnection?: (up: boolean) => void;
}

const CONNECT_DEADLINE_MS = 5000;

/** drachtio-srf as {@link Signalling}: the one place, with srf-dialog.ts, that knows drachtio-srf. */
export class DrachtioSignalling implements Signalling {
  readonly #options: DrachtioOptions;
  readonly #srf = new Srf();
  readonly #dialogs = new Set<SrfDialog>();
  #ready = false;

  constructor(options: DrachtioOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#ready;
  }

  get dialogs(): number {
    return this.#dialogs.size;
  }

  async start(handlers: {
    incoming(call: IncomingCall): void;
    register(registration: Registration): void;
  }): Promise<void> {
    const srf = this.#srf;
    srf.invite((req, res) => guarded(res, () => this.#incoming(req, res, handlers.incoming)));
    srf.use('register', (req, res) => guarded(res, () => handlers.register(registration(req, res))));
    srf.use('options', (_req, res) => guarded(res, () => res.send(200)));
    for (const method of ['info', 'message', 'refer', 'notify', 'publish', 'subscribe', 'update']) {
      srf.use(method, (_req, res) => guarded(res, () => res.send(method === 'message' ? 405 : 481)));
    }
    await this.#connect();
  }

  async call(outgoing: OutgoingCall, handlers: DialogHandlers): Promise<AnsweredCall> {
    if (!this.#ready) throw new SipFailure(0, 'the SIP server is not connected');
    if (outgoing.signal.aborted) throw new SipFailure(487, 'cancelled');
    const name = outgoing.from.name ? `"${outgoing.from.name.replace(/["\\\r\n]/g, '')}" ` : '';
    const user = encodeURIComponent(outgoing.from.user);
    let request: Srf.SrfRequest | null = null;
    const cancel = () => request?.cancel(() => {});
    outgoing.signal.addEventListener('abort', cancel);
    try {
      return await new Promise<AnsweredCall>((resolve, reject) => {
        const onAnswer = (error: unknown, dialog: Srf.Dialog) => {
          if (error) return reject(sipFailure(error));
          const wrapped = this.#adopt(dialog, handlers, false);
          if (!outgoing.signal.aborted) return resolve({ dialog: wrapped, answer: dialog.remote.sdp });
          // The answer crossed our CANCEL on the way.
          void wrapped.hangUp();
          reject(new SipFailure(487, 'cancelled'));
        };
        this.#srf.createUAC(
          outgoing.uri,
          {
            localSdp: outgoing.offer,
            ...(outgoing.proxy ? { proxy: outgoing.proxy } : {}),
            headers: {
              From: `${name}<sip:${user}@${this.#options.localHost}>`,
              ...outgoing.headers,
            },
          },
          {
            // srf calls this as (error, request); its types show the request alone.
            cbRequest: ((_error: unknown, sent: Srf.SrfRequest | undefined) => {
              request = sent ?? null;
              if (outgoing.signal.aborted) cancel();
            }) as unknown as (req: Srf.SrfRequest) => void,
            cbProvisional: (response) => {
              if (response.status > 100) outgoing.onRinging?.();
            },
          },
          onAnswer,
        );
      });
    } catch (error) {
      throw sipFailure(error);
    } finally {
      outgoing.signal.removeEventListener('abort', cancel);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#dialogs].map((dialog) => dialog.hangUp()));
    this.#ready = false;
    this.#srf.disconnect();
  }

  #connect(): Promise<void> {
    const { host, port, secret } = this.#options;
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(
        () => reject(new SipFailure(0, `no SIP server at ${host}:${port} within ${CONNECT_DEADLINE_MS} ms`)),
        CONNECT_DEADLINE_MS,
      );
      this.#srf.on('connect', (error) => {
        clearTimeout(deadline);
        if (error)
          return reject(new SipFailure(0, 'the SIP server refused the connection', { cause: error }));
        this.#setReady(true);
        resolve();
      });
      // Listening to `error` is what makes srf reconnect; both mean that the connection is gone.
      this.#srf.on('error', () => this.#lost());
      (this.#srf as unknown as NodeJS.EventEmitter).on('close', () => this.#lost());
      this.#srf.connect({ host, port, secret });
    });
  }

  #setReady(up: boolean): void {
    if (this.#ready === up) return;
    this.#ready = up;
    this.#options.onConnection?.(up);
  }

  #lost(): void {
    this.#setReady(false);
    for (const dialog of [...this.#dialogs]) dialog.lost();
  }

  #adopt(dialog: Srf.Dialog, handlers: DialogHandlers, awaitingAnswer: boolean): SrfDialog {
    const wrapped = new SrfDialog(dialog, handlers, {
      awaitingAnswer,
      onGone: (gone) => this.#dialogs.delete(gone),
    });
    this.#dialogs.add(wrapped);
    return wrapped;
  }

  #incoming(req: Srf.SrfRequest, res: Srf.SrfResponse, take: (call: IncomingCall) => void): void {
    // createUAS would both reject and answer 200 without one (STACK-NOTES 4.1).
    if (!req.has('Contact')) return void res.send(400, 'Contact Header Required', {});
    const cancelled = new AbortController();
    req.on('cancel', () => cancelled.abort());
    const offer = req.body || null;
    take({
      callId: req.get('Call-ID'),
      from: uriOf(req, 'From'),
      to: req.uri,
      toUser: userOf(req.uri),
      offer,
      cancelled: cancelled.signal,
      reject: (status, reason) => {
        if (!res.finalResponseSent && !cancelled.signal.aborted) res.send(status, reason, {});
      },
      answer: (sdp, handlers) =>
        new Promise<SipDialog>((resolve, reject) => {
          // The callback form: with the promise form a BYE in the same packet would come before our listeners.
          this.#srf.createUAS(req, res, { localSdp: sdp }, (error, dialog) => {
            if (error) reject(sipFailure(error));
            else resolve(this.#adopt(dialog, handlers, offer === null));
          });
        }),
    });
  }
}

/** A throw in an srf handler blocks the connection to the SIP server for good (STACK-NOTES 0.7). */
function guarded(res: Srf.SrfResponse, handle: () => void): void {
  try {
    handle();
  } catch {
    if (!res.finalResponseSent) res.send(500);
  }
}

function registration(req: Srf.SrfRequest, res: Srf.SrfResponse): Registration {
  const contact = req.has('Contact') ? req.getParsedHeader('Contact')[0] : undefined;
  const expires = contact?.params?.expires ?? (req.has('Expires') ? req.get('Expires') : '3600');
  const seconds = Number.parseInt(String(expires), 10);
  return {
    user: userOf(uriOf(req, 'To')),
    contact: contact?.uri ?? null,
    expiresSeconds: Number.isNaN(seconds) ? 3600 : Math.max(0, seconds),
    source: `sip:${req.source_address}:${req.source_port};transport=${req.protocol}`,
    authorization: req.has('Authorization') ? req.get('Authorization') : null,
    accept: (headers) => res.send(200, { headers }),
    reject: (status, headers = {}) => res.send(status, { headers }),
  };
}

function uriOf(req: Srf.SrfRequest, header: 'From' | 'To'): string {
  return req.getParsedHeader(header).uri;
}

function userOf(uri: string): string {
  const match = /^sips?:([^@;?]*)@/i.exec(uri);
  const user = match?.[1]?.split(':')[0] ?? '';
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

function sipFailure(error: unknown): SipFailure {
  if (error instanceof SipFailure) return error;
  // srf rejects with SipError for an answer and with plain strings for a refusal by the SIP server.
  const status = typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 0;
  return new SipFailure(status, status ? `SIP ${status}` : 'the SIP server could not send it', {
    cause: error,
  });
}
