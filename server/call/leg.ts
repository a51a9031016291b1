import type { DigitEvent, MediaEndpoint } from '../../media/endpoint.js';
import { SdpOrigin } from '../../media/sdp/origin.js';
import { type DialogHandlers, type SipDialog, SipFailure } from '../sip/signalling.js';

/** Why a leg's signals abort. Without a reason each abort would build an exception with its stack. */
const OVER = 'over';

/** How long a far end may take to come back to the endpoint that serves it. */
const CALL_BACK_MS = 5000;

/**
 * One SIP dialog and the endpoint that serves its media, which may change while the dialog stands ({@link moveTo}).
 * The leg owns both: {@link close} hangs up and gives the port back, whatever state they are in, and can be called any
 * number of times.
 */
export class Leg {
  readonly #origin = new SdpOrigin();
  readonly #gone = new AbortController();
  readonly #answered = new AbortController();
  /** The one that serves the far end, and those that it may come back to. */
  readonly #endpoints: Set<MediaEndpoint>;
  #endpoint: MediaEndpoint;
  /** What the far end said last about its media. */
  #remoteSdp: string | undefined;
  #dialog: SipDialog | null = null;
  #hungUpByFarEnd = false;
  #lost = false;
  #closing: Promise<void> | null = null;

  constructor(endpoint: MediaEndpoint) {
    this.#endpoint = endpoint;
    this.#endpoints = new Set([endpoint]);
  }

  /** What serves the far end's media now. */
  get endpoint(): MediaEndpoint {
    return this.#endpoint;
  }

  /** One of these serves the far end, or is kept for it. */
  uses(endpoints: ReadonlySet<string>): boolean {
    return [...this.#endpoints].some(({ id }) => endpoints.has(id));
  }

  /** Aborted when the leg is over, whoever ended it. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Aborted when the far end has answered an offer of ours; audio before that has nowhere to go. */
  get answered(): AbortSignal {
    return this.#answered.signal;
  }

  /** Its keys come as telephone-events (RFC 4733), as far as its SDP tells. */
  get sendsEvents(): boolean {
    return /^a=rtpmap:\d+ telephone-event\/8000/im.test(this.#remoteSdp ?? '');
  }

  get hungUpByFarEnd(): boolean {
    return this.#hungUpByFarEnd;
  }

  /** The SIP server was lost with this leg on it. */
  get lost(): boolean {
    return this.#lost;
  }

  /** What this leg answers to its far end. Re-INVITEs change its media only: who is joined to whom is not theirs to say. */
  readonly handlers: DialogHandlers = {
    hungUp: () => {
      this.#hungUpByFarEnd ||= !this.#gone.signal.aborted;
      this.#gone.abort(OVER);
    },
    lost: () => {
      this.#lost ||= !this.#gone.signal.aborted;
      this.#gone.abort(OVER);
    },
    offered: (sdp) => (sdp === null ? this.offer() : this.answer(sdp)),
    answered: (sdp) => this.acceptAnswer(sdp),
    info: (contentType, body) => this.#endpoint.sipInfo(contentType, body),
  };

  /** Our answer to an offer of the far end; rejects with MediaError, and then nothing has changed. */
  async answer(offerSdp: string): Promise<string> {
    const answer = await this.#endpoint.answer(offerSdp);
    this.#remoteSdp = offerSdp;
    return this.#origin.stamp(answer);
  }

  async offer(): Promise<string> {
    return this.#origin.stamp(await this.#endpoint.offer());
  }

  async acceptAnswer(answerSdp: string): Promise<void> {
    await this.#endpoint.acceptAnswer(answerSdp);
    this.#remoteSdp = answerSdp;
    this.#answered.abort(OVER);
  }

  /**
   * Moves the far end's media to another endpoint by re-INVITE, within `deadlineMs`. The leg owns the new endpoint too from
   * now on, and keeps the one of before, which should hold by now: two must never send to the far end at once. Rejects
   * with SipFailure or MediaError; the far end then sends where it sent before, or the leg is hung up because nobody
   * knows where it sends.
   */
  async moveTo(endpoint: MediaEndpoint, deadlineMs: number): Promise<void> {
    this.#endpoints.add(endpoint);
    const answer = await this.#reinvite(endpoint, deadlineMs, () => this.#callBack());
    try {
      await endpoint.acceptAnswer(answer);
    } catch (error) {
      await this.#callBack();
      throw error;
    }
    this.#endpoint = endpoint;
    this.#remoteSdp = answer;
  }

  /** Gives up an endpoint that does not serve the far end any more. */
  async leave(endpoint: MediaEndpoint): Promise<void> {
    if (endpoint === this.#endpoint) throw new Error('the far end is still on this endpoint');
    this.#endpoints.delete(endpoint);
    await endpoint.close();
  }

  attach(dialog: SipDialog): void {
    this.#dialog = dialog;
    if (this.#gone.signal.aborted) void dialog.hangUp();
  }

  onDigit(listener: (digit: DigitEvent) => void): () => void {
    return this.#endpoint.onDigit(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #reinvite(endpoint: MediaEndpoint, deadlineMs: number, late: () => Promise<void>): Promise<string> {
    const dialog = this.#dialog;
    if (!dialog || this.#gone.signal.aborted) throw new SipFailure(481, 'the leg is over');
    const offer = this.#origin.stamp(await endpoint.offer(this.#remoteSdp));
    return dialog.reinvite(offer, { deadlineMs, late: () => void late() });
  }

  /** The far end took an offer that nobody stands behind: its media must come back to the endpoint that serves it. */
  async #callBack(): Promise<void> {
    try {
      await this.acceptAnswer(await this.#reinvite(this.#endpoint, CALL_BACK_MS, () => this.#drop()));
    } catch {
      await this.#drop();
    }
  }

  /** Nobody knows where the far end sends: an end is better than a call in silence. */
  async #drop(): Promise<void> {
    this.#gone.abort(OVER);
    await this.#dialog?.hangUp();
  }

  async #close(): Promise<void> {
    this.#gone.abort(OVER);
    const endpoints = [...this.#endpoints].map((endpoint) => endpoint.close());
    await Promise.all([...endpoints, this.#dialog?.hangUp()]);
  }
}
