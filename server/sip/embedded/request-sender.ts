import type { Passage } from './admin-frame.js';
import { ClientTransaction } from './client-transaction.js';
import type { Context } from './context.js';
import type { Flow } from './flow.js';
import { header } from './header-names.js';
import { newBranch } from './identifiers.js';
import { EMPTY_BODY, headerValue, type SipHeader, type SipRequest, type SipResponse } from './message.js';
import { type LocalEnd, viaHeader } from './outgoing.js';
import { makeResponse } from './responses.js';
import type { Destination } from './routing.js';
import { serialize } from './serialize.js';
import { isNumericHost } from './uri.js';

/** A request to be sent in a transaction of its own. */
export interface Outgoing {
  /** Complete but for Via and Content-Length. */
  readonly request: SipRequest;
  readonly destination: Destination;
  /** Answers from the peer, and the 408 or 503 that stand for silence and a broken way (RFC 3261 section 8.1.3.1). */
  readonly onResponse: (response: SipResponse, passage: Passage, flow: Flow | undefined) => void;
  /** For CANCEL, which has the branch of its INVITE and the same Via already among its header fields. */
  readonly branch?: string;
}

/** A request that is ready: registered, but not on the wire before `start`. */
export interface Sent {
  /** As sent, without its body. */
  readonly request: SipRequest;
  readonly data: Buffer;
  readonly passage: Passage;
  readonly transaction: ClientTransaction;
  readonly branch: string;
  readonly start: () => void;
}

/** Puts requests on the wire. */
export class RequestSender {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** What this server calls itself towards a destination. */
  localEnd({ target }: Destination): LocalEnd {
    const { transports } = this.#context;
    const host = transports.localAddress(isNumericHost(target.host) ? target.host : '');
    return { protocol: target.protocol, host, port: transports.port };
  }

  /** Makes the transaction of a request. */
  prepare({ request, destination, onResponse, branch: given }: Outgoing): Sent {
    const { transactions, options } = this.#context;
    const { method } = request;
    const branch = given ?? newBranch();
    const via = given === undefined ? [viaHeader(this.localEnd(destination), branch)] : [];
    const headers = [...via, ...request.headers];
    const data = serialize({ ...request, headers });
    const sent = { ...request, headers, body: EMPTY_BODY };
    const local = (status: number) => {
      onResponse(makeResponse(sent, { status }), passageTo(destination, 'network', 0), undefined);
    };
    const transaction = new ClientTransaction({
      method,
      data,
      clock: options.clock,
      timers: options.timers,
      makeAck: (response) => serialize(ackFor(sent, response)),
      onResponse: (response, flow) => onResponse(response, passageFrom(flow, response), flow),
      onTimeout: () => local(408),
      onTransportError: (code) => {
        options.log({ event: 'transport-error', protocol: destination.target.protocol, code });
        local(503);
      },
      onEnd: () => transactions.removeClient(branch, method),
    });
    transactions.addClient(branch, method, transaction);
    const passage = passageTo(destination, 'application', data.length);
    const begin = () =>
      this.#onWay(
        destination,
        (flow) => transaction.start(flow),
        (code) => transaction.fail(code),
      );
    return { request: sent, data, passage, transaction, branch, start: begin };
  }

  /** Sends an ACK, which has no transaction (RFC 3261 section 13.2.2.4). Returns a function that repeats it. */
  sendAck(
    request: SipRequest,
    destination: Destination,
  ): { data: Buffer; passage: Passage; repeat: () => void } {
    const headers = [viaHeader(this.localEnd(destination), newBranch()), ...request.headers];
    const data = serialize({ ...request, headers });
    const ignore = () => {};
    const repeat = () => this.#onWay(destination, (flow) => flow.send(data, ignore), ignore);
    repeat();
    return { data, passage: passageTo(destination, 'application', data.length), repeat };
  }

  #onWay(destination: Destination, found: (flow: Flow) => void, failed: (code: string) => void): void {
    const { flow, target } = destination;
    const way = flow && !flow.closed ? flow : this.#context.transports.flowTo(target);
    if (!(way instanceof Promise)) found(way);
    else way.then(found, (error: NodeJS.ErrnoException) => failed(error.code ?? 'UNKNOWN'));
  }
}

/** ACK for a final answer other than 2xx (RFC 3261 section 17.1.1.3). */
function ackFor(invite: SipRequest, response: SipResponse): SipRequest {
  const to = headerValue(response.headers, 'to') ?? headerValue(invite.headers, 'to') ?? '';
  return sameTransaction(invite, 'ACK', [header('To', to)]);
}

/**
 * A request in the transaction of an INVITE: ACK, or CANCEL (RFC 3261 section 9.1). Everything that
 * identifies the transaction is copied.
 */
export function sameTransaction(invite: SipRequest, method: string, added: readonly SipHeader[]): SipRequest {
  const copied = ['via', 'max-forwards', 'route', 'from', 'to', 'call-id'];
  const given = new Set(added.map(({ key }) => key));
  const headers = invite.headers.filter(({ key }) => copied.includes(key) && !given.has(key));
  const sequence = (headerValue(invite.headers, 'cseq') ?? '').split(' ')[0];
  const cseq = header('CSeq', `${sequence} ${method}`);
  return {
    kind: 'request',
    method,
    uri: invite.uri,
    headers: [...headers, ...added, cseq],
    body: EMPTY_BODY,
  };
}

function passageFrom(flow: Flow, response: SipResponse): Passage {
  const { protocol, remoteAddress: address, remotePort: port } = flow;
  return { source: 'network', bytes: response.body.length, protocol, address, port };
}

function passageTo({ target }: Destination, source: Passage['source'], bytes: number): Passage {
  return { source, bytes, protocol: target.protocol, address: target.host, port: target.port };
}
