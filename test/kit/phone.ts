import { DeadlineError, within } from './deadline.js';
import type { PhoneCodec } from './g711.js';
import { type AudioSettings, PhoneCall } from './phone-call.js';
import { PhoneMedia } from './phone-media.js';
import { PhoneSip, Refused, type SipReply, type SipRequest, type SipResponse } from './phone-sip.js';

export interface PhoneOptions {
  /** User part of its address. Default `phone`. */
  readonly user?: string;
  /** In order of preference. Default PCMU, PCMA. */
  readonly codecs?: readonly PhoneCodec[];
  /** Offers and accepts telephone-event. Default true. */
  readonly telephoneEvent?: boolean;
  /** Offers SRTP, with its keys in the SDP (RFC 4568), and takes nothing else. Default false: plain RTP and nothing else. */
  readonly srtp?: boolean;
  /** Loopback address of its SIP and RTP sockets. Default 127.0.0.1. */
  readonly address?: string;
  /** Address that its SDP names, IPv4 or IPv6. Default: that of its RTP socket. */
  readonly sdpAddress?: string;
}

export interface CallOptions {
  /** How long to wait for the answer, ms. Default 10,000; then the call is cancelled. */
  readonly deadlineMs?: number;
  /** Cancels the call while it rings. */
  readonly signal?: AbortSignal;
  /** Further SIP headers of the INVITE. */
  readonly headers?: Record<string, string>;
  /** Sends the INVITE without SDP. Default false. */
  readonly lateOffer?: boolean;
  /** Changes the SDP of the INVITE, for offers that a phone would not make. */
  readonly offer?: (sdp: string) => string;
  /** Called with each provisional status. */
  readonly onProgress?: (status: number) => void;
}

export interface Registration {
  /** The registrar, such as `sip:127.0.0.1:5060`; also the address of record's host. */
  readonly uri: string;
  readonly password?: string;
  /** Default: the phone's user. */
  readonly user?: string;
  /** Seconds. Default 300; 0 unregisters. */
  readonly expires?: number;
}

/** A call that is ringing at the phone. */
export class IncomingCall {
  readonly from: string;
  readonly to: string;
  /** Resolves when the caller gives up. */
  readonly cancelled: Promise<void>;
  readonly #request: SipRequest;
  readonly #reply: SipReply;
  readonly #accept: (incoming: SipRequest, reply: SipReply) => Promise<PhoneCall>;

  constructor(
    request: SipRequest,
    reply: SipReply,
    accept: (request: SipRequest, reply: SipReply) => Promise<PhoneCall>,
  ) {
    this.from = request.get('From');
    this.to = request.get('To');
    this.#request = request;
    this.#reply = reply;
    this.#accept = accept;
    this.cancelled = new Promise((resolve) => request.on('cancel', resolve));
  }

  header(name: string): string | null {
    return this.#request.has(name) ? this.#request.get(name) : null;
  }

  ring(status = 180): void {
    this.#reply.send(status);
  }

  /** Rejects when the caller gave up, or no codec is in common (answered 488). */
  answer(): Promise<PhoneCall> {
    return this.#accept(this.#request, this.#reply);
  }

  reject(status = 486): void {
    this.#reply.send(status);
  }
}

/**
 * A softphone for tests: real SIP and RTP sockets on loopback, driven by function calls. It shares no
 * media code with the server. Closing it ends its calls and leaves neither socket nor timer.
 */
export class Phone {
  readonly #sip: PhoneSip;
  readonly #user: string;
  readonly #settings: AudioSettings;
  readonly #calls = new Set<PhoneCall>();
  readonly #dialling = new Set<AbortController>();
  /** Rejects when the phone has closed: for calls that were not answered until then. */
  readonly #gone: Promise<never>;
  #leave: (why: Error) => void = () => {};
  #closing: Promise<void> | null = null;
  #onCall: (call: IncomingCall) => void | Promise<void> = (call) => call.reject(480);

  private constructor(sip: PhoneSip, options: PhoneOptions) {
    this.#sip = sip;
    this.#user = options.user ?? 'phone';
    this.#gone = new Promise((_, reject) => {
      this.#leave = reject;
    });
    this.#gone.catch(() => undefined);
    this.#settings = {
      codecs: options.codecs ?? ['PCMU', 'PCMA'],
      telephoneEvent: options.telephoneEvent ?? true,
      direction: 'sendrecv',
      srtp: options.srtp ?? false,
      sdpAddress: options.sdpAddress ?? null,
    };
    sip.onInvite((request, reply) => {
      const incoming = new IncomingCall(request, reply, (...taken) => this.#answer(...taken));
      void this.#onCall(incoming);
    });
  }

  static async start(options: PhoneOptions = {}): Promise<Phone> {
    return new Phone(await PhoneSip.open(options.address ?? '127.0.0.1'), options);
  }

  /** Where it can be called. */
  get uri(): string {
    return this.#sip.uri(this.#user);
  }

  /** Handles calls from now on; without a handler they are answered 480. */
  onCall(handler: (call: IncomingCall) => void | Promise<void>): void {
    this.#onCall = handler;
  }

  /** The next call that rings here. Rejects with a DeadlineError after `ms`. */
  nextCall(ms = 10_000): Promise<IncomingCall> {
    const next = new Promise<IncomingCall>((resolve) => {
      const before = this.#onCall;
      this.#onCall = (call) => {
        this.#onCall = before;
        resolve(call);
      };
    });
    return within(next, ms, 'a call to the phone');
  }

  /** Rejects with {@link Refused}, whose `status` says why. */
  async register(registration: Registration): Promise<void> {
    const { uri, password, user = this.#user, expires = 300 } = registration;
    const record = `<sip:${user}@${uri.replace(/^sip:/, '')}>`;
    const sent = this.#sip.request(uri, {
      method: 'REGISTER',
      headers: { From: record, To: record, Contact: `<${this.uri}>`, Expires: String(expires) },
      auth: { username: user, password: password ?? '' },
    });
    const response = await within(sent, 5000, 'an answer to REGISTER');
    if (response.status !== 200) throw new Refused('REGISTER', response.status, response.reason);
  }

  /**
   * Calls `uri` and resolves when it is answered. Rejects with {@link Refused} (487 when cancelled by
   * `signal`) or a DeadlineError.
   */
  async call(uri: string, options: CallOptions = {}): Promise<PhoneCall> {
    const deadlineMs = options.deadlineMs ?? 10_000;
    const media = await PhoneMedia.open(this.#sip.address);
    const call = new PhoneCall(media, this.#settings);
    const dialling = new AbortController();
    this.#dialling.add(dialling);
    const cancel = () => dialling.abort();
    options.signal?.addEventListener('abort', cancel);
    if (options.signal?.aborted) cancel();
    const late = setTimeout(() => dialling.abort('late'), deadlineMs);
    const unanswered = cancelUnanswered(dialling.signal);
    try {
      await Promise.race([this.#invite(uri, options, call, dialling.signal), unanswered.promise, this.#gone]);
    } catch (error) {
      await media.close();
      throw dialling.signal.reason === 'late' ? new DeadlineError(`an answer of ${uri}`, deadlineMs) : error;
    } finally {
      clearTimeout(late);
      unanswered.clear();
      options.signal?.removeEventListener('abort', cancel);
      this.#dialling.delete(dialling);
    }
    if (dialling.signal.aborted) {
      // The answer crossed our CANCEL.
      await call.hangUp();
      throw new Refused('INVITE', 487, 'Request Terminated');
    }
    return call;
  }

  /** Hangs up everything. With `silently`, vanishes without a BYE. Idempotent. */
  close(options: { readonly silently?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#end(options.silently ?? false);
    return this.#closing;
  }

  async #end(silently: boolean): Promise<void> {
    for (const dialling of this.#dialling) dialling.abort();
    const ends = [...this.#calls].map((call) => (silently ? call.vanish() : call.hangUp()));
    await Promise.allSettled(ends);
    await this.#sip.close();
    this.#leave(new Error('the phone has closed'));
  }

  async #invite(uri: string, options: CallOptions, call: PhoneCall, signal: AbortSignal): Promise<void> {
    const lateOffer = options.lateOffer ?? false;
    await this.#sip.invite(uri, {
      headers: { From: `<${this.uri}>`, Contact: `<${this.uri}>`, ...options.headers },
      sdp: (offer) => {
        const sdp = call.describe(offer);
        return offer === null && options.offer ? options.offer(sdp) : sdp;
      },
      lateOffer,
      signal,
      onProgress: (response: SipResponse) => options.onProgress?.(response.status),
      onDialog: (dialog) =>
        this.#adopt(call, () => call.attach(dialog, lateOffer ? null : dialog.remote.sdp)),
    });
  }

  async #answer(request: SipRequest, reply: SipReply): Promise<PhoneCall> {
    const media = await PhoneMedia.open(this.#sip.address);
    const call = new PhoneCall(media, this.#settings);
    try {
      const sdp = describeOr488(call, request, reply);
      const dialog = await this.#sip.answer(request, reply, sdp, `<${this.uri}>`);
      this.#adopt(call, () => call.attach(dialog, null));
      return call;
    } catch (error) {
      await media.close();
      throw error;
    }
  }

  #adopt(call: PhoneCall, attach: () => void): void {
    attach();
    this.#calls.add(call);
    void call.ended.then(() => this.#calls.delete(call));
  }
}

/** Rejects when a cancelled call is still not over after two seconds: SIP itself would wait for 32. */
function cancelUnanswered(cancelled: AbortSignal): { promise: Promise<never>; clear: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const promise = new Promise<never>((_, reject) => {
    const wait = () => {
      timer = setTimeout(() => reject(new DeadlineError('the end of a cancelled call', 2000)), 2000);
    };
    cancelled.addEventListener('abort', wait);
    if (cancelled.aborted) wait();
  });
  promise.catch(() => undefined);
  return { promise, clear: () => clearTimeout(timer) };
}

function describeOr488(call: PhoneCall, request: SipRequest, reply: SipReply): string {
  try {
    return call.describe(request.body || null);
  } catch (error) {
    reply.send(488);
    throw error;
  }
}
