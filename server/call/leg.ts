import type { DigitEvent, MediaEndpoint } from '../../media/endpoint.js';
import type { DialogHandlers, SipDialog } from '../sip/signalling.js';

/** Why a leg's signals abort. Without a reason each abort would build an exception with its stack. */
const OVER = 'over';

/**
 * One SIP dialog and its media endpoint. The leg owns both: {@link close} hangs up and gives the port back,
 * whatever state they are in, and can be called any number of times.
 */
export class Leg {
  readonly endpoint: MediaEndpoint;
  readonly #gone = new AbortController();
  readonly #answered = new AbortController();
  #dialog: SipDialog | null = null;
  #hungUpByFarEnd = false;
  #lost = false;
  #closing: Promise<void> | null = null;

  constructor(endpoint: MediaEndpoint) {
    this.endpoint = endpoint;
  }

  /** Aborted when the leg is over, whoever ended it. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Aborted when the far end has answered an offer of ours; audio before that has nowhere to go. */
  get answered(): AbortSignal {
    return this.#answered.signal;
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
    offered: (sdp) => (sdp === null ? this.endpoint.offer() : this.endpoint.answer(sdp)),
    answered: async (sdp) => {
      await this.endpoint.acceptAnswer(sdp);
      this.#answered.abort(OVER);
    },
    info: (contentType, body) => this.endpoint.sipInfo(contentType, body),
  };

  attach(dialog: SipDialog): void {
    this.#dialog = dialog;
    if (this.#gone.signal.aborted) void dialog.hangUp();
  }

  onDigit(listener: (digit: DigitEvent) => void): () => void {
    return this.endpoint.onDigit(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#gone.abort(OVER);
    await Promise.all([this.endpoint.close(), this.#dialog?.hangUp()]);
  }
}
