import type { Application } from './application.js';
import type { ClientTransaction } from './client-transaction.js';
import type { Flow } from './flow.js';
import type { SipRequest } from './message.js';
import type { ServerTransaction } from './server-transaction.js';

/** The peer's INVITE in a dialog. */
export interface InviteReceived {
  readonly transactionId: string;
  readonly sequence: number;
  readonly transaction: ServerTransaction;
}

/** Our INVITE in a dialog. */
export interface InviteSent {
  readonly transactionId: string;
  readonly sequence: number;
  /** Without its body. */
  readonly request: SipRequest;
  readonly transaction: ClientTransaction;
  /** Sends the CANCEL that waits for a provisional answer (RFC 3261 section 9.1). */
  cancelWaiting: (() => void) | undefined;
  cancelled: boolean;
  /** A 2xx has come. */
  accepted: boolean;
  /** Sends the ACK of the 2xx once more. */
  repeatAck: (() => void) | undefined;
  /** The dialog is ended for this reason as soon as the application has acknowledged. */
  byeAfterAck: string | undefined;
}

/** What a dialog is made of at its start (RFC 3261 section 12.1). */
export interface DialogSeed {
  /** 'uas' when the peer called. */
  readonly role: 'uas' | 'uac';
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** From value of requests sent, tag included. */
  readonly localParty: string;
  /** To value of requests sent, tag included once it is known. */
  readonly remoteParty: string;
  readonly localSequence: number;
  /** 0 until the peer's first request. */
  readonly remoteSequence: number;
  readonly remoteTarget: string;
  readonly routeSet: readonly string[];
  readonly application: Application;
}

/** One dialog, early or confirmed. */
export class Dialog {
  readonly role: 'uas' | 'uac';
  /** drachtio's identifier: Call-ID and the From tag of the INVITE. */
  readonly id: string;
  readonly callId: string;
  localParty: string;
  localTag: string;
  remoteTag: string;
  remoteParty: string;
  localSequence: number;
  remoteSequence: number;
  remoteTarget: string;
  routeSet: readonly string[];
  application: Application;
  /** Contact value of this side. */
  localContact = '';
  confirmed = false;
  /** The peer is behind NAT: requests go where its messages come from, not to its Contact. */
  natted = false;
  /** The peer's INVITE that is unanswered or unacknowledged. */
  inboundInvite: InviteReceived | undefined;
  /** Our INVITE that is unanswered, or was the last one answered. */
  outboundInvite: InviteSent | undefined;
  /** Runs once the peer's ACK is there (RFC 3261 section 15: no BYE before it). */
  afterAck: (() => void) | undefined;
  #flow: Flow | undefined;

  constructor(seed: DialogSeed) {
    this.role = seed.role;
    this.callId = seed.callId;
    this.localTag = seed.localTag;
    this.remoteTag = seed.remoteTag;
    this.localParty = seed.localParty;
    this.remoteParty = seed.remoteParty;
    this.localSequence = seed.localSequence;
    this.remoteSequence = seed.remoteSequence;
    this.remoteTarget = seed.remoteTarget;
    this.routeSet = seed.routeSet;
    this.application = seed.application;
    this.id = `${seed.callId};from-tag=${seed.role === 'uas' ? seed.remoteTag : seed.localTag}`;
  }

  /** The same dialog as another fork would have it, for an answer nobody waits for; in no table. */
  fork(): Dialog {
    return new Dialog({ ...this, localSequence: 0, remoteSequence: 0, routeSet: [] });
  }

  /** The way the peer's last message came. */
  get flow(): Flow | undefined {
    return this.#flow;
  }

  set flow(flow: Flow | undefined) {
    if (flow === this.#flow) return;
    this.#flow?.release();
    flow?.retain();
    this.#flow = flow;
  }
}
