import { createHmac, randomBytes } from 'node:crypto';
import type { Application, Command } from './application.js';
import type { Cancel } from './clock.js';
import type { Context } from './context.js';
import type { Flow, Received } from './flow.js';
import { listValues } from './header-values.js';
import { headerValue, headerValues, type SipRequest, type SipResponse } from './message.js';
import { type Fault, parseMessage } from './parse-message.js';
import { stampVia } from './receipt.js';
import { makeResponse } from './responses.js';
import { serialize } from './serialize.js';
import type { Spent } from './spent-transactions.js';
import { type ServerEntry, serverKey } from './transaction-table.js';
import { UserAgentClient } from './uac.js';
import { type Incoming, UserAgentServer } from './uas.js';
import { essentialsOf, isFault, type Refusal, refusalOf } from './validate.js';

/** Methods that may come with a To tag and yet belong to no dialog this server keeps (as drachtio does). */
const TAGGED_OUTSIDE = new Set(['REGISTER', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH']);
/** Methods that exist only inside a dialog. */
const INSIDE_ONLY = new Set(['BYE', 'UPDATE', 'PRACK']);
const NO_SUCH_CALL: Refusal = { status: 481, reason: 'Call/Transaction Does Not Exist' };
const MOST_APPLICATION_HEADERS = 1000;

/** Joins network and applications: decides for each message which half of the core it is for. */
export class SipCore {
  readonly #context: Context;
  readonly #client: UserAgentClient;
  readonly #server: UserAgentServer;
  readonly #graceTimers = new Set<Cancel>();
  readonly #tagKey = randomBytes(16);
  #closed = false;

  constructor(context: Context) {
    this.#context = context;
    this.#client = new UserAgentClient(context);
    this.#server = new UserAgentServer(context, this.#client);
  }

  /** A message from the network. Whatever it is, it cannot end the process. */
  received(received: Received): void {
    if (this.#closed) return;
    try {
      this.#received(received);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** A `sip` command of an application: transaction, dialog and proxy tokens, and the message. */
  command(command: Command, tokens: readonly string[], data: Buffer): void {
    if (this.#closed) return;
    try {
      this.#command(command, tokens, data);
    } catch (error) {
      this.#failed(error);
      command.refuse('internal server error');
    }
  }

  /** A fault of this server. The error may quote a message, so its text is not reported. */
  #failed(error: unknown): void {
    this.#context.options.log({
      event: 'internal-error',
      code: error instanceof Error ? error.name : 'unknown',
    });
  }

  #received({ flow, data, broken }: Received): void {
    const { dropped, options } = this.#context;
    const parsed = parseMessage(data, { headers: options.limits.headers });
    if (!parsed) dropped.malformed++;
    else if (parsed.message.kind === 'response') {
      if (parsed.fault || broken) dropped.malformed++;
      else this.#response(parsed.message, flow);
    } else {
      const lost = broken ? { status: 400, reason: 'Invalid Content-Length' } : undefined;
      this.#request(parsed.message, flow, parsed.fault ?? lost);
    }
    // A body may be a card digit. Whoever needed it has a copy by now.
    parsed?.message.body.fill(0);
  }

  #command(command: Command, tokens: readonly string[], data: Buffer): void {
    const [transactionId = '', dialogId = '', proxy = ''] = tokens;
    const parsed = parseMessage(data, { headers: MOST_APPLICATION_HEADERS, ignoreLength: true });
    if (!parsed || parsed.fault) command.refuse('invalid request-uri or malformed message');
    else if (parsed.message.kind === 'response') {
      if (transactionId === '') command.refuse('transaction id missing');
      else this.#server.respond(command, transactionId, parsed.message);
    } else this.#commandRequest(command, parsed.message, transactionId, dialogId, proxy);
  }

  /**
   * An application disconnected. What it has not answered is answered 503; its calls are ended after 64*T1
   * unless another connection speaks in them before.
   */
  applicationLost(application: Application): void {
    if (this.#closed) return;
    const { options, dialogs, routes } = this.#context;
    routes.removeAll(application);
    this.#server.applicationLost(application);
    this.#client.applicationLost(application);
    if (dialogs.ownedBy(application).length === 0) return;
    const cancel = options.clock.after(64 * options.timers.T1, () => {
      this.#graceTimers.delete(cancel);
      for (const dialog of dialogs.ownedBy(application)) {
        if (dialog.confirmed) this.#client.terminate(dialog, 'Application lost');
        else dialogs.remove(dialog);
      }
    });
    this.#graceTimers.add(cancel);
  }

  /** Stops every timer and forgets every call. Nothing is sent, and nothing more is done. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#graceTimers) cancel();
    this.#graceTimers.clear();
    this.#context.transactions.clear();
    this.#context.dialogs.clear();
  }

  #commandRequest(
    command: Command,
    asked: SipRequest,
    transactionId: string,
    dialogId: string,
    proxy: string,
  ): void {
    const callId = headerValue(asked.headers, 'call-id');
    if (dialogId !== '') this.#client.sendInside(command, dialogId, asked);
    else if (transactionId !== '' && asked.method === 'CANCEL')
      this.#client.cancel(command, transactionId, asked);
    else {
      const dialog = callId === undefined ? undefined : this.#context.dialogs.confirmedWith(callId);
      if (dialog) this.#client.sendInside(command, dialog.id, asked);
      else this.#client.sendOutside(command, asked, proxy);
    }
  }

  #response(response: SipResponse, flow: Flow): void {
    const essentials = essentialsOf(response);
    // More than one Via: it was not for us (RFC 3261 section 8.1.3.3).
    const vias = listValues(headerValues(response.headers, 'via'));
    if (isFault(essentials) || vias?.length !== 1) {
      this.#context.dropped.malformed++;
      return;
    }
    const branch = essentials.via.params.get('branch') ?? '';
    const transaction = this.#context.transactions.client(branch, essentials.cseq.method);
    if (transaction) transaction.received(response, flow);
    else this.#context.dropped.stray++;
  }

  #request(request: SipRequest, flow: Flow, fault: Fault | undefined): void {
    const essentials = essentialsOf(request);
    if (fault || isFault(essentials)) {
      const broken = fault ?? (isFault(essentials) ? essentials : undefined);
      if (broken && this.#admitted(flow)) this.#malformed(request, flow, broken);
      return;
    }
    const key = serverKey(request, essentials);
    const incoming: Incoming = { request, essentials, flow, key };
    const { transactions } = this.#context;
    const spent = transactions.spent.get(key);
    const known = transactions.server(key);
    if (spent) this.#lateCopy(spent, incoming);
    else if (request.method === 'ACK') this.#ack(incoming, known);
    else if (known) known.transaction.retransmitted();
    else if (request.method === 'CANCEL') this.#cancel(incoming);
    else this.#fresh(incoming);
  }

  #lateCopy({ answer }: Spent, { request, flow }: Incoming): void {
    if (answer === null || request.method === 'ACK') return;
    const { log } = this.#context.options;
    flow.send(Buffer.from(answer, 'latin1'), (code) => {
      log({ event: 'transport-error', protocol: flow.protocol, code });
    });
  }

  #ack(incoming: Incoming, entry: ServerEntry | undefined): void {
    if (entry && !entry.transaction.unacknowledged) entry.transaction.acknowledged();
    else if (!this.#server.receiveAck(incoming)) this.#context.dropped.stray++;
  }

  #cancel(incoming: Incoming): void {
    const { request, essentials, flow } = incoming;
    const { transactions } = this.#context;
    const inviteKey = serverKey(request, essentials, 'INVITE');
    const entry = transactions.server(inviteKey);
    if (entry || transactions.spent.get(inviteKey)) this.#server.receiveCancel(incoming, entry);
    else if (this.#admitted(flow)) this.#stateless(incoming, NO_SUCH_CALL);
  }

  /** A request that no transaction knows. */
  #fresh(incoming: Incoming): void {
    const { request, essentials, flow } = incoming;
    const { dialogs, options, transactions, dropped } = this.#context;
    const { callId, toTag, fromTag } = essentials;
    const dialog = toTag === '' ? undefined : dialogs.matching(callId, toTag, fromTag);
    if (!dialog && !this.#admitted(flow)) return;
    if (transactions.size >= options.limits.transactions) {
      dropped.overload++;
      options.log({ event: 'overload', transactions: transactions.size });
      return;
    }
    const refusal = refusalOf(request, essentials, options.supported);
    if (refusal) this.#stateless(incoming, refusal);
    else if (dialog) this.#server.receiveInside(incoming, dialog);
    else if (INSIDE_ONLY.has(request.method) || (toTag !== '' && !TAGGED_OUTSIDE.has(request.method))) {
      this.#stateless(incoming, NO_SUCH_CALL);
    } else {
      const why = this.#server.receiveNew(incoming);
      if (why) this.#stateless(incoming, why);
    }
  }

  #admitted(flow: Flow): boolean {
    const { limiter, dropped, options } = this.#context;
    const admitted = limiter.admits(flow.remoteAddress, () => {
      options.log({ event: 'flood', address: flow.remoteAddress });
    });
    if (!admitted) dropped.flood++;
    return admitted;
  }

  /** A request that cannot be processed is answered with as much of it as could be read. */
  #malformed(request: SipRequest, flow: Flow, { status, reason }: Fault): void {
    const { options, dropped } = this.#context;
    options.log({ event: 'malformed', address: flow.remoteAddress, status, reason });
    if (request.method === 'ACK' || headerValue(request.headers, 'via') === undefined) {
      dropped.malformed++;
      return;
    }
    const toTag = this.#statelessTag(request);
    flow.send(serialize(makeResponse(request, { status, reason, toTag })), () => {});
  }

  /** Answers without a transaction (RFC 3261 section 8.2.7): every copy gets the same answer again. */
  #stateless({ request, essentials, flow }: Incoming, { status, reason, headers = [] }: Refusal): void {
    this.#context.options.log({ event: 'rejected', address: flow.remoteAddress, status, reason });
    const stamped = stampVia(request, essentials.via, flow);
    const toTag = this.#statelessTag(request);
    flow.send(serialize(makeResponse(stamped, { status, reason, toTag, headers })), () => {});
  }

  #statelessTag({ headers }: SipRequest): string {
    const about = `${headerValue(headers, 'via')} ${headerValue(headers, 'call-id')} ${headerValue(headers, 'cseq')}`;
    return createHmac('sha256', this.#tagKey).update(about, 'latin1').digest('hex').slice(0, 16);
  }
}
