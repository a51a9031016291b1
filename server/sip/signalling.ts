/**
 * The SIP side as the rest of the program sees it. One driver: drachtio-srf (`drachtio-signalling.ts`), against
 * drachtio-server or the embedded SIP server.
 */

/** A refusal by the far end or by the SIP side. `status` 0: no SIP answer came at all (connection lost). */
export class SipFailure extends Error {
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SipFailure';
    this.status = status;
  }
}

/** How a dialog answers what the far end asks for while it stands. */
export interface DialogHandlers {
  /** The far end said BYE, or the SIP server did for it. At most one of this and {@link lost} is called, once. */
  hungUp(): void;
  /** The connection to the SIP server broke: the dialog cannot be reached any more. */
  lost(): void;
  /** Re-INVITE or UPDATE: an SDP offer, or null for one without. Resolves with our SDP; a rejection answers 488. */
  offered(sdp: string | null): Promise<string>;
  /** The answer to our offer in a 200, carried by the ACK. A rejection hangs up. */
  answered(sdp: string): Promise<void>;
  /** INFO. True: 200; false: 415. */
  info(contentType: string, body: string): boolean;
}

export interface ReinviteOptions {
  /** A far end that has not answered by then is sent CANCEL. In milliseconds. */
  readonly deadlineMs: number;
  /** Called, at most once, when a far end that did not answer in time took the offer all the same, or may have. */
  readonly late: () => void;
}

/** An established dialog. */
export interface SipDialog {
  readonly callId: string;
  /**
   * Sends re-INVITE with this offer and resolves with the answer. Rejects with SipFailure, and then the far end has kept
   * to what was agreed before: 408 not answered by the deadline, 481 no dialog any more, 491 another one is under way,
   * from either side, or the status of the refusal.
   */
  reinvite(offerSdp: string, options: ReinviteOptions): Promise<string>;
  /** Sends BYE and resolves when it is answered or given up; idempotent, never rejects. */
  hangUp(): Promise<void>;
}

/** An INVITE that has not been answered yet. */
export interface IncomingCall {
  readonly callId: string;
  /** URI of the From header. */
  readonly from: string;
  /** URI of the request. */
  readonly to: string;
  /** User part of the request URI, decoded. */
  readonly toUser: string;
  /** SDP offer, or null when the INVITE has none (our 200 then carries the offer). */
  readonly offer: string | null;
  /** The caller cancelled before the answer, or the connection to the SIP server broke. */
  readonly cancelled: boolean;
  reject(status: number, reason: string): void;
  /** Sends 200 and resolves with the dialog as soon as it stands; rejects with SipFailure (487 when cancelled). */
  answer(sdp: string, handlers: DialogHandlers): Promise<SipDialog>;
}

export interface OutgoingCall {
  readonly uri: string;
  /** Where to send it when this differs from the URI (an agent's registered source address). */
  readonly proxy?: string;
  readonly offer: string;
  /** Shown to the called party. */
  readonly from: { readonly user: string; readonly name?: string };
  readonly headers?: Readonly<Record<string, string>>;
  /** Aborting sends CANCEL; the call then rejects with status 487. */
  readonly signal: AbortSignal;
  readonly onRinging?: () => void;
}

export interface AnsweredCall {
  readonly dialog: SipDialog;
  readonly answer: string;
}

/** A REGISTER as the registrar sees it. */
export interface Registration {
  /** User part of the To header. */
  readonly user: string;
  readonly contact: string | null;
  readonly expiresSeconds: number;
  /** Where it came from, as a SIP URI with transport: calls go back there (NAT, TCP connection). */
  readonly source: string;
  readonly authorization: string | null;
  accept(headers: Readonly<Record<string, string>>): void;
  reject(status: number, headers?: Readonly<Record<string, string>>): void;
}

export interface Signalling {
  /** Begins to connect; resolves when each SIP server was tried once. {@link ready} tells whether calls come in. */
  start(handlers: {
    incoming(call: IncomingCall): void;
    register(registration: Registration): void;
  }): Promise<void>;
  readonly ready: boolean;
  call(outgoing: OutgoingCall, handlers: DialogHandlers): Promise<AnsweredCall>;
  /** Dialogs standing now, for metrics and leak tests. */
  readonly dialogs: number;
  close(): Promise<void>;
}
