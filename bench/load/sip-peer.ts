import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { formatSip, header, parseSip, type SipMessage } from './sip-message.js';

const RETRANSMIT_MS = 500;
/** Timers B and F (RFC 3261 section 17.1). */
const GIVE_UP_MS = 32_000;

/** A call that stands. */
export interface Dialog {
  readonly callId: string;
  readonly local: string;
  readonly remote: string;
  /** Request URI of what we send. */
  readonly target: string;
  readonly port: number;
  /** SDP of the far end. */
  readonly body: string;
  sequence: number;
}

/** Answers an INVITE with SDP; null refuses it. */
export type Answerer = (invite: SipMessage) => Promise<string | null>;

/** Answers an offer inside a call that stands; null refuses it. */
export type Reanswerer = (callId: string, offer: string) => Promise<string | null>;

type Headers = readonly (readonly [string, string])[];

interface Transaction {
  onResponse(response: SipMessage): void;
}

const newId = (): string => randomBytes(8).toString('hex');

/** Many SIP parties on one UDP socket. */
export class SipPeer {
  readonly #socket: Socket;
  readonly #transactions = new Map<string, Transaction>();
  /** Answers to INVITEs, by Call-ID, for retransmissions. */
  readonly #answers = new Map<string, string | null>();
  onInvite: Answerer = async () => null;
  onReinvite: Reanswerer = async () => null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes, from) => this.#take(bytes.toString('utf8'), from.port));
    socket.on('error', () => undefined);
  }

  static async open(): Promise<SipPeer> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new SipPeer(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Calls `user` at this port of loopback as `from`. Rejects when refused or unanswered. */
  async invite(user: string, port: number, body: string, from: string): Promise<Dialog> {
    const target = `sip:${user}@127.0.0.1:${port}`;
    const dialog = { callId: newId(), local: `<sip:${from}@127.0.0.1:${this.port}>;tag=${newId()}`, port };
    const calling: Dialog = { ...dialog, remote: `<${target}>`, target, body: '', sequence: 1 };
    const answer = await this.#request('INVITE', calling, body);
    const standing: Dialog = {
      ...dialog,
      remote: header(answer, 'to'),
      target: /<([^>]+)>/.exec(header(answer, 'contact'))?.[1] ?? target,
      body: answer.body,
      sequence: 1,
    };
    if (answer.status >= 300) throw new Error(`INVITE to ${user} was answered ${answer.status}`);
    this.#send(this.#text('ACK', standing, newId(), ''), port);
    return standing;
  }

  /** Hangs up; resolves when that is answered. */
  async bye(dialog: Dialog): Promise<void> {
    dialog.sequence += 1;
    await this.#request('BYE', dialog, '');
  }

  close(): void {
    this.#socket.close();
  }

  #request(method: string, dialog: Dialog, body: string): Promise<SipMessage> {
    const branch = newId();
    const text = this.#text(method, dialog, branch, body);
    return new Promise((resolve, reject) => {
      const again = setInterval(() => this.#send(text, dialog.port), RETRANSMIT_MS);
      const finish = () => {
        clearInterval(again);
        clearTimeout(late);
        this.#transactions.delete(branch);
      };
      const late = setTimeout(() => {
        finish();
        reject(new Error(`${method} was not answered within ${GIVE_UP_MS} ms`));
      }, GIVE_UP_MS);
      const onResponse = (response: SipMessage) => {
        if (response.status < 200) return clearInterval(again);
        finish();
        if (method === 'INVITE' && response.status >= 300) {
          this.#send(
            this.#text('ACK', { ...dialog, remote: header(response, 'to') }, branch, ''),
            dialog.port,
          );
        }
        resolve(response);
      };
      this.#transactions.set(branch, { onResponse });
      this.#send(text, dialog.port);
    });
  }

  #text(method: string, dialog: Dialog, branch: string, body: string): string {
    const headers: Headers = [
      ['Via', `SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${branch};rport`],
      ['Max-Forwards', '70'],
      ['From', dialog.local],
      ['To', dialog.remote],
      ['Call-ID', dialog.callId],
      ['CSeq', `${dialog.sequence} ${method}`],
      ['Contact', `<sip:load@127.0.0.1:${this.port}>`],
    ];
    return formatSip(`${method} ${dialog.target} SIP/2.0`, headers, body);
  }

  #take(text: string, port: number): void {
    const message = parseSip(text);
    if (!message) return;
    if (message.method === null) {
      const branch = /;branch=z9hG4bK([0-9a-f]+)/.exec(header(message, 'via'))?.[1] ?? '';
      this.#transactions.get(branch)?.onResponse(message);
    } else if (message.method === 'INVITE') {
      if (/;tag=/.test(header(message, 'to'))) void this.#answerAgain(message, port);
      else void this.#answer(message, port);
    } else if (message.method !== 'ACK') this.#respond(message, port, '200 OK', '');
  }

  async #answer(invite: SipMessage, port: number): Promise<void> {
    const callId = header(invite, 'call-id');
    const known = this.#answers.get(callId);
    // A retransmission while the first one is being answered is not answered twice.
    if (known === null) return;
    if (known === undefined) this.#answers.set(callId, null);
    const body = known ?? (await this.onInvite(invite));
    if (body === null) return this.#respond(invite, port, '486 Busy Here', '');
    this.#answers.set(callId, body);
    this.#respond(invite, port, '200 OK', body);
  }

  async #answerAgain(invite: SipMessage, port: number): Promise<void> {
    const body = await this.onReinvite(header(invite, 'call-id'), invite.body);
    if (body === null) this.#respond(invite, port, '488 Not Acceptable Here', '');
    else this.#respond(invite, port, '200 OK', body);
  }

  #respond(request: SipMessage, port: number, status: string, body: string): void {
    const copied = request.headers.filter(([name]) => ['via', 'from', 'call-id', 'cseq'].includes(name));
    const to = header(request, 'to');
    const tag = /;tag=/.test(to) ? '' : `;tag=${header(request, 'call-id').slice(0, 16)}`;
    const headers: Headers = [...copied, ['To', to + tag], ['Contact', `<sip:load@127.0.0.1:${this.port}>`]];
    this.#send(formatSip(`SIP/2.0 ${status}`, headers, body), port);
  }

  #send(text: string, port: number): void {
    this.#socket.send(text, port, '127.0.0.1');
  }
}
