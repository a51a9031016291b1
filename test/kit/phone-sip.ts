import Srf from 'drachtio-srf';
import { type SipServer, startSipServer } from '../../server/sip/embedded/server.js';
import { within } from './deadline.js';

/** The parts of drachtio-srf's messages the phone uses; its own typings lack some and mistake others. */
export interface SipMessage {
  readonly body: string;
  get(name: string): string;
  has(name: string): boolean;
}

export interface SipRequest extends SipMessage {
  readonly method: string;
  readonly uri: string;
  on(event: 'cancel', listener: () => void): void;
  on(event: 'response', listener: (response: SipResponse) => void): void;
  cancel(callback: () => void): void;
}

export interface SipResponse extends SipMessage {
  readonly status: number;
  readonly reason: string;
}

export interface SipReply {
  send(status: number, options?: { readonly body?: string; readonly headers?: Record<string, string> }): void;
}

export interface SipDialog {
  readonly local: { readonly contact: string };
  readonly remote: { readonly sdp: string };
  on(event: 'destroy', listener: (request: SipMessage, reason?: string) => void): void;
  on(event: 'ack', listener: (request: SipMessage) => void): void;
  on(event: DialogRequest, listener: (request: SipRequest, reply: SipReply) => void): void;
  request(options: {
    readonly method: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
  }): Promise<SipResponse>;
  destroy(): Promise<unknown>;
}

export type DialogRequest = 'modify' | 'info' | 'notify' | 'refer' | 'update' | 'options';

interface LateOffer {
  readonly sdp: string;
  ack(sdp: string): Promise<SipDialog>;
}

type InviteDone = (error: { status?: number; reason?: string } | null, result: SipDialog | LateOffer) => void;

interface SrfClient {
  connect(options: { host: string; port: number; secret: string }): void;
  disconnect(): void;
  on(event: 'connect' | 'error' | 'close', listener: (error?: Error) => void): void;
  invite(handler: (request: SipRequest, reply: SipReply) => void): void;
  register(handler: (request: SipRequest, reply: SipReply) => void): void;
  options(handler: (request: SipRequest, reply: SipReply) => void): void;
  createUAS(request: SipRequest, reply: SipReply, options: object): Promise<SipDialog>;
  createUAC(uri: string, options: object, progress: object, done: InviteDone): void;
  request(uri: string, options: object, sent: (error: Error | null, request: SipRequest) => void): void;
}

/** A request that was answered with something else than success. */
export class Refused extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(method: string, status: number, reason: string) {
    super(`${method}: ${status} ${reason}`.trimEnd());
    this.name = 'Refused';
    this.status = status;
    this.reason = reason;
  }
}

export interface InviteOptions {
  readonly headers: Record<string, string>;
  /** Makes the SDP of the INVITE, or with `offer` given, the answer to the offer in its 200. */
  readonly sdp: (offer: string | null) => string;
  /** Sends the INVITE without SDP and answers in the ACK. */
  readonly lateOffer: boolean;
  /** Cancels the INVITE. */
  readonly signal: AbortSignal;
  readonly onProgress: (response: SipResponse) => void;
  /** Called before any other request of the dialog can be handled. */
  readonly onDialog: (dialog: SipDialog) => void;
}

/** A SIP server of the phone's own, and unmodified drachtio-srf on it. */
export class PhoneSip {
  readonly #server: SipServer;
  readonly #srf: SrfClient;
  readonly #disconnected: Promise<void>;
  readonly address: string;

  private constructor(server: SipServer, srf: SrfClient, address: string) {
    this.#server = server;
    this.#srf = srf;
    this.#disconnected = new Promise((resolve) => srf.on('close', () => resolve()));
    this.address = address;
  }

  static async open(address: string): Promise<PhoneSip> {
    const server = await startSipServer({ address, flood: { requestsPerSecond: 0 } });
    const srf = new Srf() as unknown as SrfClient;
    const connected = new Promise<void>((resolve, reject) => {
      srf.on('connect', (error) => (error ? reject(error) : resolve()));
      srf.on('error', (error) => reject(error ?? new Error('no connection to the SIP server')));
    });
    srf.connect({ host: '127.0.0.1', port: server.adminPort, secret: server.secret });
    await within(connected, 5000, 'the phone connecting to its SIP server');
    srf.options((_request, reply) => reply.send(200));
    return new PhoneSip(server, srf, address);
  }

  uri(user: string): string {
    return `sip:${user}@${this.address}:${this.#server.sipPort}`;
  }

  onInvite(handler: (request: SipRequest, reply: SipReply) => void): void {
    this.#srf.invite(handler);
  }

  /** Makes it a registrar. */
  onRegister(handler: (request: SipRequest, reply: SipReply) => void): void {
    this.#srf.register(handler);
  }

  answer(request: SipRequest, reply: SipReply, sdp: string, contact: string): Promise<SipDialog> {
    return this.#srf.createUAS(request, reply, { localSdp: sdp, headers: { Contact: contact } });
  }

  /** Rejects with {@link Refused} when the call is not answered with a 2xx; 487 when it was cancelled. */
  invite(uri: string, options: InviteOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const done: InviteDone = (error, result) => {
        options.signal.removeEventListener('abort', cancel);
        if (error) return reject(refusal('INVITE', error));
        const dialog = 'sdp' in result ? result.ack(options.sdp(result.sdp)) : result;
        if (!(dialog instanceof Promise)) {
          options.onDialog(dialog);
          return resolve();
        }
        dialog.then(options.onDialog).then(resolve, reject);
      };
      let request: SipRequest | null = null;
      const cancel = () => request?.cancel(() => undefined);
      options.signal.addEventListener('abort', cancel);
      const sent = (_error: unknown, invite?: SipRequest) => {
        request = invite ?? null;
        if (options.signal.aborted) cancel();
      };
      this.#srf.createUAC(
        uri,
        {
          headers: options.headers,
          localSdp: options.lateOffer ? undefined : options.sdp(null),
          noAck: options.lateOffer,
        },
        { cbRequest: sent, cbProvisional: options.onProgress },
        done,
      );
    });
  }

  /** Sends a request outside of a dialog; answers a digest challenge. Resolves with the final response. */
  request(uri: string, options: object): Promise<SipResponse> {
    return new Promise((resolve, reject) => {
      this.#srf.request(uri, options, (error, request) => {
        if (error) return reject(refusal('request', error));
        request.on('response', (response) => {
          if (response.status >= 200) resolve(response);
        });
      });
    });
  }

  async close(): Promise<void> {
    this.#srf.disconnect();
    await this.#server.close();
    await within(this.#disconnected, 2000, 'the phone leaving its SIP server');
  }
}

/** srf rejects with its SipError, with an Error, or with plain text. */
function refusal(method: string, error: unknown): Error {
  if (error instanceof Error && 'status' in error) {
    return new Refused(method, Number(error.status), 'reason' in error ? String(error.reason) : '');
  }
  return error instanceof Error ? error : new Error(`${method}: ${String(error)}`);
}
