import type Srf from 'drachtio-srf';
import { remoteSdp } from './remote-sdp.js';
import { type ReinviteOptions, SipFailure } from './signalling.js';

/** drachtio-server gives up after 32 s (RFC 3261 timer B), but says nothing where a provisional answer came before. */
const LOST_FINAL_MS = 35_000;

type Ack = () => void;
type OnUpdate = (req: Srf.SrfRequest, res: Srf.SrfResponse) => void;
type SentInvite = {
  on(event: 'response', listener: (res: Srf.SrfResponse, ack: Ack) => void): void;
  on(event: 'update', listener: OnUpdate): void;
  cancel(done: () => void): void;
};

/** What is used of drachtio-srf's dialog beyond its published types. */
export interface ReinvitingDialog {
  readonly id: string;
  readonly socket: unknown;
  readonly local: { readonly contact: string };
  readonly agent: {
    request(
      options: Record<string, unknown>,
      sent: (error: unknown, request: SentInvite | undefined) => void,
    ): void;
  };
}

/**
 * One re-INVITE of ours. Not by drachtio-srf's `modify`, which after a refusal never sends another one, and has no
 * deadline.
 *
 * ```
 * waiting ──▶ answered | refused                        {@link answer} settles
 *    └─ deadline: CANCEL ──▶ refused | answered: late   {@link answer} has rejected with 408
 * ```
 */
export class Reinvite {
  readonly answer: Promise<string>;
  readonly #dialog: ReinvitingDialog;
  readonly #late: () => void;
  #settle: { resolve(answer: string): void; reject(failure: SipFailure): void } | null = null;
  #request: SentInvite | null = null;
  #timer: NodeJS.Timeout;
  #over = false;
  #overdue = false;

  /** `onUpdate` takes UPDATEs of the far end: while the re-INVITE is under way drachtio-srf gives them to it alone. */
  constructor(dialog: ReinvitingDialog, offerSdp: string, options: ReinviteOptions, onUpdate: OnUpdate) {
    this.#dialog = dialog;
    this.#late = options.late;
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#timer = setTimeout(() => this.#deadline(), options.deadlineMs);
    try {
      dialog.agent.request(
        {
          method: 'INVITE',
          stackDialogId: dialog.id,
          headers: { Contact: dialog.local.contact, 'Content-Type': 'application/sdp' },
          body: offerSdp,
          _socket: dialog.socket,
        },
        (error, request) => {
          if (error || !request) return this.end(new SipFailure(0, 'the SIP server could not send it'));
          this.#request = request;
          request.on('response', (res, ack) => this.#responded(res, ack));
          request.on('update', onUpdate);
          if (this.#overdue) request.cancel(() => {});
        },
      );
    } catch (error) {
      this.end(new SipFailure(0, 'the SIP server is not connected', { cause: error }));
    }
  }

  /** No final answer has come yet, late or in time. */
  get pending(): boolean {
    return !this.#over;
  }

  /** The dialog is over, or the request could not be sent. */
  end(failure: SipFailure): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#settle?.reject(failure);
  }

  #responded(res: Srf.SrfResponse, ack: Ack): void {
    if (this.#over) return;
    if (res.status < 200) {
      this.#letGo();
      return;
    }
    if (res.status >= 300) {
      this.#letGo();
      this.end(new SipFailure(res.status, `re-INVITE refused: ${res.status}`));
      return;
    }
    this.#over = true;
    clearTimeout(this.#timer);
    ack();
    if (this.#overdue) this.#late();
    else this.#settle?.resolve(remoteSdp(res));
  }

  /**
   * drachtio-server 0.9.10 frees a re-INVITE at its refusal or first 18x but remembers it until the application sends
   * ACK, and reads the freed memory at the next BYE: it may crash, with every call on it. The ACK is one too many for the
   * far end, which drops it (RFC 3261 section 17.1.1.3: it belongs to no transaction).
   */
  #letGo(): void {
    const { agent, id, socket } = this.#dialog;
    try {
      agent.request({ method: 'ACK', stackDialogId: id, _socket: socket }, () => {});
    } catch {
      // The connection is gone, and the dialog with it.
    }
  }

  #deadline(): void {
    this.#overdue = true;
    this.#settle?.reject(new SipFailure(408, 're-INVITE not answered in time'));
    this.#request?.cancel(() => {});
    this.#timer = setTimeout(() => {
      this.#over = true;
      this.#late();
    }, LOST_FINAL_MS);
  }
}
