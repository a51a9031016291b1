import { type Passage, passageTokens } from './admin-frame.js';
import type { Application, Command } from './application.js';
import { type Context, sipTokens } from './context.js';
import { Dialog } from './dialog.js';
import type { Flow } from './flow.js';
import { header } from './header-names.js';
import { listValues, parseNameAddr } from './header-values.js';
import { newId, newTag } from './identifiers.js';
import { answerHeaders, chosenTag, type Inbound } from './inbound.js';
import { headerValue, headerValues, type SipRequest, type SipResponse } from './message.js';
import { contentTypeFor } from './outgoing.js';
import { stampVia, withoutBody } from './receipt.js';
import { makeResponse } from './responses.js';
import { isNatted, recordRoutes } from './routing.js';
import { serialize } from './serialize.js';
import { ServerTransaction } from './server-transaction.js';
import { hasMagicCookie, mergeKeyOf, type ServerEntry } from './transaction-table.js';
import type { Essentials, Refusal } from './validate.js';

/** A request as it came in. */
export interface Incoming {
  readonly request: SipRequest;
  readonly essentials: Essentials;
  readonly flow: Flow;
  /** Key of the server transaction. */
  readonly key: string;
}

/** What the server half needs of the client half. */
export interface DialogEnder {
  terminate(dialog: Dialog, reason: string): void;
}

/** Requests from the network and the answers of applications: the server half of the core. */
export class UserAgentServer {
  readonly #context: Context;
  readonly #ender: DialogEnder;
  readonly #inbound = new Map<string, Inbound>();

  constructor(context: Context, ender: DialogEnder) {
    this.#context = context;
    this.#ender = ender;
  }

  /** A request outside any dialog. The result says why it was not accepted. */
  receiveNew(incoming: Incoming): Refusal | undefined {
    const { request, essentials, flow, key } = incoming;
    if (this.#context.transactions.merged(mergeKeyOf(essentials)))
      return { status: 482, reason: 'Merged Request' };
    const application = this.#context.routes.next(request.method);
    if (!application) return { status: 503, reason: 'Service Unavailable' };
    if (request.method !== 'INVITE') {
      this.#open(incoming, application, undefined);
      return undefined;
    }
    const contact = targetIn(request) ?? (hasMagicCookie(essentials) ? undefined : essentials.from.uri);
    if (contact === undefined) return { status: 400, reason: 'Missing Contact' };
    const dialog = dialogFrom(incoming, application, contact);
    if (this.#context.dialogs.byId(dialog.id)) return { status: 480, reason: 'Dialog Already Exists' };
    this.#context.dialogs.add(dialog);
    dialog.flow = flow;
    // RFC 2543 sends later requests to From when there is no Contact, and drachtio-srf needs one.
    const complete =
      headerValue(request.headers, 'contact') === undefined
        ? { ...request, headers: [...request.headers, header('Contact', `<${contact}>`)] }
        : request;
    this.#open({ request: complete, essentials, flow, key }, application, dialog);
    return undefined;
  }

  /** A request inside a dialog. */
  receiveInside(incoming: Incoming, dialog: Dialog): void {
    const { request, essentials, flow } = incoming;
    const refusal = this.#insideRefusal(incoming, dialog);
    if (refusal) {
      this.refuse(incoming, refusal);
      return;
    }
    dialog.remoteSequence = essentials.cseq.number;
    dialog.flow = flow;
    const contact = targetIn(request);
    if (contact !== undefined && (request.method === 'INVITE' || request.method === 'UPDATE')) {
      dialog.remoteTarget = contact;
      dialog.natted = isNatted(contact, flow);
    }
    if (request.method === 'BYE' && this.#endedBy(incoming, dialog)) return;
    this.#open(incoming, dialog.application, dialog);
  }

  /** Answers a request without asking an application, and keeps the answer for its retransmissions. */
  refuse(incoming: Incoming, refusal: Refusal): void {
    const { request, essentials, flow } = incoming;
    const entry = this.#transaction(incoming, newId(), undefined);
    const stamped = stampVia(request, essentials.via, flow);
    const { status, reason, headers = [] } = refusal;
    const toTag = newTag();
    entry.transaction.respond(status, serialize(makeResponse(stamped, { status, reason, toTag, headers })));
  }

  /** CANCEL of the INVITE in `entry` (RFC 3261 section 9.2): no effect once that is answered, or undefined when it is spent. */
  receiveCancel(incoming: Incoming, entry: ServerEntry | undefined): void {
    const inbound = entry && this.#inbound.get(entry.transactionId);
    const cancel = this.#transaction(incoming, newId(), undefined);
    const { request, essentials, flow } = incoming;
    const stamped = stampVia(request, essentials.via, flow);
    const toTag = inbound?.dialog?.localTag ?? newTag();
    cancel.transaction.respond(200, serialize(makeResponse(stamped, { status: 200, toTag })));
    if (inbound?.entry.transaction.open) this.#cancelled(inbound, request, flow);
  }

  /** ACK of a 2xx, which only its dialog can place. False when nothing waits for it. */
  receiveAck({ request, essentials, flow }: Incoming): boolean {
    const dialog = this.#context.dialogs.matching(essentials.callId, essentials.toTag, essentials.fromTag);
    const invite = dialog?.inboundInvite;
    if (!dialog || invite?.sequence !== essentials.cseq.number || !invite.transaction.unacknowledged)
      return false;
    invite.transaction.acknowledged();
    dialog.inboundInvite = undefined;
    dialog.flow = flow;
    this.#deliver(request, flow, dialog.application, invite.transactionId, dialog.id);
    dialog.afterAck?.();
    dialog.afterAck = undefined;
    return true;
  }

  /** An application's answer. */
  respond(command: Command, transactionId: string, asked: SipResponse): void {
    const inbound = this.#inbound.get(transactionId);
    const transaction = inbound?.entry.transaction;
    if (!inbound || !transaction?.open) {
      const toCancel = headerValue(asked.headers, 'cseq')?.endsWith('CANCEL') === true;
      command.refuse(
        toCancel
          ? '200 OK to incoming CANCEL is automatically generated by the stack'
          : 'Response not sent due to unknown transaction',
      );
      return;
    }
    const type = contentTypeFor(asked);
    if (type === 'missing') command.refuse('missing content-type');
    else if (transaction.flow.closed) this.#unreachable(command, inbound);
    else {
      const data = this.#answer(inbound, {
        ...asked,
        headers: type ? [...asked.headers, type] : asked.headers,
      });
      const passage = passageOn(transaction.flow, 'application', data.length);
      const dialogId = inbound.dialog?.id ?? '';
      command.accept(`${passageTokens(passage)}|${transactionId}|${dialogId}||Msg sent:|`, data);
      transaction.respond(asked.status, data);
    }
  }

  /** An application is gone: what it has not answered is answered 503. */
  applicationLost(application: Application): void {
    for (const inbound of this.#inbound.values()) {
      if (inbound.application === application) this.#close(inbound, 503);
    }
  }

  #insideRefusal({ request, essentials }: Incoming, dialog: Dialog): Refusal | undefined {
    if (!dialog.application.connected) return { status: 481, reason: 'Call/Transaction Does Not Exist' };
    const busy = { status: 500, reason: 'Server Internal Error', headers: [header('Retry-After', '2')] };
    if (essentials.cseq.number < dialog.remoteSequence) return busy;
    if (request.method === 'PRACK') return { status: 481, reason: 'No Provisional Response To Acknowledge' };
    if (request.method !== 'INVITE') return undefined;
    // RFC 3261 section 14.2: 500 while the peer's own INVITE is unanswered, 491 while ours is under way.
    if (dialog.inboundInvite?.transaction.open) return busy;
    const glare =
      dialog.outboundInvite?.transaction.pending || dialog.inboundInvite?.transaction.unacknowledged;
    return glare ? { status: 491, reason: 'Request Pending' } : undefined;
  }

  /** The BYE ends the dialog. True when it ended an unanswered call, which the application sees as CANCEL. */
  #endedBy(incoming: Incoming, dialog: Dialog): boolean {
    this.#context.dialogs.remove(dialog);
    const invite = dialog.inboundInvite;
    const inbound = invite && this.#inbound.get(invite.transactionId);
    invite?.transaction.acknowledged();
    dialog.afterAck?.();
    dialog.afterAck = undefined;
    if (!inbound) return false;
    if (dialog.confirmed) {
      this.#close(inbound, 487);
      return false;
    }
    this.refuse(incoming, { status: 200, reason: 'OK' });
    const cancel = { ...withoutBody(inbound.request), method: 'CANCEL' };
    this.#cancelled(inbound, cancel, incoming.flow);
    return true;
  }

  #cancelled(inbound: Inbound, cancel: SipRequest, flow: Flow): void {
    this.#deliver(cancel, flow, inbound.application, inbound.transactionId, inbound.dialog?.id ?? '');
    this.#close(inbound, 487);
  }

  /** Gives a request its final answer in place of the application. */
  #close(inbound: Inbound, status: number): void {
    const { entry, request, dialog } = inbound;
    this.#inbound.delete(inbound.transactionId);
    this.#settle(inbound, status);
    if (!entry.transaction.open) return;
    const toTag = dialog?.localTag ?? inbound.tag;
    entry.transaction.respond(status, serialize(makeResponse(request, { status, toTag })));
  }

  #unreachable(command: Command, inbound: Inbound): void {
    this.#inbound.delete(inbound.transactionId);
    this.#settle(inbound, 503);
    inbound.entry.transaction.destroy();
    this.#context.transactions.removeServer(inbound.entry);
    command.refuse('transport for response has been shutdown or closed');
  }

  /** Makes the transaction of a request and hands the request to its application. */
  #open(incoming: Incoming, application: Application, dialog: Dialog | undefined): void {
    const { essentials, flow } = incoming;
    const transactionId = newId();
    const request = stampVia(incoming.request, essentials.via, flow);
    const entry = this.#transaction(incoming, transactionId, dialog);
    const tag = newTag();
    this.#inbound.set(transactionId, {
      transactionId,
      request: withoutBody(request),
      essentials,
      entry,
      application,
      dialog,
      tag,
      tagged: false,
    });
    if (request.method === 'INVITE') {
      if (dialog) {
        dialog.inboundInvite = {
          transactionId,
          sequence: essentials.cseq.number,
          transaction: entry.transaction,
        };
      }
      const trying = () => serialize(makeResponse(request, { status: 100 }));
      entry.transaction.tryAfter(this.#context.options.tryingAfterMs, trying);
    }
    const known = dialog && (dialog.confirmed || request.method !== 'INVITE');
    this.#deliver(request, flow, application, transactionId, known ? dialog.id : '');
  }

  #transaction(incoming: Incoming, transactionId: string, dialog: Dialog | undefined): ServerEntry {
    const { transactions, options } = this.#context;
    const { request, essentials, flow, key } = incoming;
    const mergeKey = mergeKeyOf(essentials);
    const transaction = new ServerTransaction({
      method: request.method,
      flow,
      clock: options.clock,
      timers: options.timers,
      onNoAck: () => {
        if (dialog) this.#neverAcknowledged(dialog, flow);
      },
      onTransportError: (code) => options.log({ event: 'transport-error', protocol: flow.protocol, code }),
      onEnd: (lingerMs, answer) => {
        transactions.removeServer(entry);
        this.#inbound.delete(transactionId);
        const spent = { key, mergeKey, answer: answer?.toString('latin1') ?? null };
        if (lingerMs > 0) transactions.spent.add(spent, lingerMs);
      },
    });
    const entry: ServerEntry = { key, mergeKey, transactionId, transaction };
    transactions.addServer(entry);
    return entry;
  }

  /** RFC 3261 section 13.3.1.4: the dialog is ended. */
  #neverAcknowledged(dialog: Dialog, flow: Flow): void {
    this.#context.options.log({ event: 'ack-timeout', address: flow.remoteAddress });
    dialog.inboundInvite = undefined;
    if (dialog.afterAck) dialog.afterAck();
    else if (this.#context.dialogs.has(dialog)) this.#ender.terminate(dialog, 'ACK timeout');
    dialog.afterAck = undefined;
  }

  #answer(inbound: Inbound, asked: SipResponse): Buffer {
    const { request, dialog, entry } = inbound;
    const { status, reason, body } = asked;
    const chosen = chosenTag(asked);
    const fresh = dialog && !dialog.confirmed && !inbound.tagged;
    if (fresh && chosen !== undefined) this.#context.dialogs.retag(dialog, chosen);
    if (status > 100) inbound.tagged = true;
    const { protocol, localAddress: host, localPort: port } = entry.transaction.flow;
    const headers = answerHeaders(inbound, asked, { protocol, host, port }, this.#context.options.supported);
    const toTag = status === 100 ? undefined : (dialog?.localTag ?? chosen ?? inbound.tag);
    const response = makeResponse(request, { status, reason, toTag, headers, body });
    if (dialog && request.method === 'INVITE' && status > 100 && status < 300) {
      dialog.localParty = headerValue(response.headers, 'to') ?? dialog.localParty;
      dialog.localContact = headerValue(headers, 'contact') ?? dialog.localContact;
    }
    if (status >= 200) {
      this.#inbound.delete(inbound.transactionId);
      this.#settle(inbound, status);
    }
    return serialize(response);
  }

  /** What a final answer to INVITE means for the dialog. */
  #settle({ request, dialog }: Inbound, status: number): void {
    if (!dialog || request.method !== 'INVITE') return;
    if (status < 300) dialog.confirmed = true;
    else {
      dialog.inboundInvite = undefined;
      if (!dialog.confirmed) this.#context.dialogs.remove(dialog);
    }
  }

  /** Hands a request to an application. Its body may be a card digit: no copy of it stays behind. */
  #deliver(request: SipRequest, flow: Flow, application: Application, id: string, dialogId: string): void {
    const data = serialize(request);
    const rest = dialogId === '' ? `${flow.localAddress}|${flow.localPort}|` : '';
    application.send(sipTokens(passageOn(flow, 'network', data.length), id, dialogId, rest), data);
    data.fill(0);
  }
}

function passageOn(flow: Flow, source: Passage['source'], bytes: number): Passage {
  return { source, bytes, protocol: flow.protocol, address: flow.remoteAddress, port: flow.remotePort };
}

function targetIn(request: SipRequest): string | undefined {
  const [contact] = listValues(headerValues(request.headers, 'contact')) ?? [];
  return contact === undefined ? undefined : parseNameAddr(contact)?.uri;
}

/** The dialog an INVITE would make (RFC 3261 section 12.1.1). */
function dialogFrom(
  { request, essentials, flow }: Incoming,
  application: Application,
  contact: string,
): Dialog {
  const localTag = newTag();
  const dialog = new Dialog({
    role: 'uas',
    callId: essentials.callId,
    localTag,
    remoteTag: essentials.fromTag,
    localParty: `${headerValue(request.headers, 'to') ?? ''};tag=${localTag}`,
    remoteParty: headerValue(request.headers, 'from') ?? '',
    localSequence: 0,
    remoteSequence: essentials.cseq.number,
    remoteTarget: contact,
    routeSet: recordRoutes(request.headers),
    application,
  });
  dialog.natted = isNatted(contact, flow);
  return dialog;
}
