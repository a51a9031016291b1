import type Srf from 'drachtio-srf';
import { remoteSdp } from './remote-sdp.js';
import { type DialogHandlers, type ReinviteOptions, type SipDialog, SipFailure } from './signalling.js';
import { Reinvite, type ReinvitingDialog } from './srf-reinvite.js';

/** A far end that does not answer BYE is given up after this; the SIP server goes on repeating it by itself. */
const BYE_DEADLINE_MS = 5000;

/** What drachtio-srf's dialog has beyond its published types. */
type LooseDialog = Srf.Dialog & {
  readonly id: string;
  on(event: string, listener: (req: Srf.SrfRequest, res: Srf.SrfResponse) => void): Srf.Dialog;
};

/**
 * One drachtio-srf dialog. Every request the far end can send is handled here: without a listener srf answers
 * INFO, REFER, MESSAGE and PUBLISH with 200, and a listener that throws would block the connection to the SIP server for good
 * (STACK-NOTES 4.1 and 0.7), hence {@link guard} around each.
 */
export class SrfDialog implements SipDialog {
  /** The SIP server's name for it. */
  readonly id: string;
  readonly callId: string;
  readonly #dialog: Srf.Dialog;
  readonly #handlers: DialogHandlers;
  #onGone: () => void = () => {};
  /** Our offer went out in a 200; the next ACK must carry the answer. */
  #awaitingAnswer: boolean;
  #hangingUp: Promise<void> | null = null;
  /** The last re-INVITE of ours. */
  #reinvite: Reinvite | null = null;
  /** Re-INVITEs and UPDATEs of the far end that have no answer yet. */
  #offersUnderWay = 0;
  #gone = false;
  /** Ends the wait for the answer to our BYE. */
  #giveUp: () => void = () => {};

  constructor(dialog: Srf.Dialog, handlers: DialogHandlers, options: { awaitingAnswer: boolean }) {
    this.id = (dialog as LooseDialog).id;
    this.callId = dialog.sip.callId;
    this.#dialog = dialog;
    this.#handlers = handlers;
    this.#awaitingAnswer = options.awaitingAnswer;
    this.#listen(dialog as LooseDialog);
  }

  /** Calls the listener, the only one, when the dialog is over. */
  onGone(listener: () => void): void {
    this.#onGone = listener;
  }

  reinvite(offerSdp: string, options: ReinviteOptions): Promise<string> {
    if (this.#gone || this.#hangingUp) return Promise.reject(new SipFailure(481, 'the dialog is over'));
    // A far end that owes us the answer to an offer of ours must not get another one (RFC 3264 section 4).
    if (this.#reinvite?.pending || this.#offersUnderWay > 0 || this.#awaitingAnswer) {
      return Promise.reject(new SipFailure(491, 'another offer is under way'));
    }
    const dialog = this.#dialog as unknown as ReinvitingDialog;
    this.#reinvite = new Reinvite(dialog, offerSdp, options, (req, res) => this.#onUpdate(req, res));
    return this.#reinvite.answer;
  }

  hangUp(): Promise<void> {
    this.#hangingUp ??= this.#sendBye();
    return this.#hangingUp;
  }

  /** The connection to the SIP server is lost: the dialog cannot be reached any more. */
  lost(): void {
    this.#end('lost');
    this.#giveUp();
  }

  #sendBye(): Promise<void> {
    if (this.#gone) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(late);
        this.#end('ours');
        resolve();
      };
      this.#giveUp = done;
      const late = setTimeout(done, BYE_DEADLINE_MS);
      try {
        this.#dialog.destroy({ headers: {} }, done);
      } catch {
        done();
      }
    });
  }

  #end(by: 'far-end' | 'lost' | 'ours'): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#reinvite?.end(new SipFailure(481, 'the dialog is over'));
    this.#onGone();
    if (by === 'far-end') this.#handlers.hungUp();
    if (by === 'lost') this.#handlers.lost();
  }

  #listen(dialog: LooseDialog): void {
    dialog.on('destroy', () => this.#end('far-end'));
    dialog.on('modify', (req, res) => this.#guard(res, () => this.#offered(req, res)));
    dialog.on('update', (req, res) => this.#onUpdate(req, res));
    dialog.on('ack', (req) => this.#acked(req));
    dialog.on('info', (req, res) => this.#guard(res, () => this.#info(req, res)));
    dialog.on('options', (_req, res) => this.#guard(res, () => res.send(200)));
    dialog.on('notify', (_req, res) => this.#guard(res, () => res.send(200)));
    dialog.on('message', (_req, res) => this.#guard(res, () => res.send(405)));
    dialog.on('publish', (_req, res) => this.#guard(res, () => res.send(405)));
    // Blind transfer by a phone would take the call out of Tacet's hands.
    dialog.on('refer', (_req, res) => this.#guard(res, () => res.send(603, 'Transfer Not Offered', {})));
  }

  #onUpdate(req: Srf.SrfRequest, res: Srf.SrfResponse): void {
    this.#guard(res, () => this.#updated(req, res));
  }

  #guard(res: Srf.SrfResponse, handle: () => void | Promise<void>): void {
    Promise.resolve()
      .then(handle)
      .catch(() => {
        if (!res.finalResponseSent) res.send(500);
      });
  }

  async #offered(req: Srf.SrfRequest, res: Srf.SrfResponse): Promise<void> {
    // Glare (RFC 3261 section 14.2): drachtio-server leaves it to the application.
    if (this.#reinvite?.pending) return res.send(491);
    const offer = remoteSdp(req) || null;
    let sdp: string;
    this.#offersUnderWay += 1;
    try {
      sdp = await this.#handlers.offered(offer);
    } catch {
      res.send(488);
      return;
    } finally {
      this.#offersUnderWay -= 1;
    }
    this.#awaitingAnswer = offer === null;
    res.send(200, { body: sdp, headers: { 'Content-Type': 'application/sdp' } });
  }

  async #updated(req: Srf.SrfRequest, res: Srf.SrfResponse): Promise<void> {
    if (req.body) await this.#offered(req, res);
    else res.send(200);
  }

  #acked(req: Srf.SrfRequest): void {
    if (!this.#awaitingAnswer) return;
    this.#awaitingAnswer = false;
    this.#handlers.answered(remoteSdp(req)).catch(() => {
      this.#handlers.hungUp();
      void this.hangUp();
    });
  }

  #info(req: Srf.SrfRequest, res: Srf.SrfResponse): void {
    const known = this.#handlers.info(req.has('Content-Type') ? req.get('Content-Type') : '', req.body ?? '');
    res.send(known ? 200 : 415);
  }
}
