import { randomUUID } from 'node:crypto';
import { DeadlineError, within } from '../kit/deadline.js';
import { type Heard, Mailbox, type Peer, type PeerRequest, SDP, TcpPeer, UdpPeer } from '../unit/sip-peer.js';
import {
  type App,
  type AppDialog,
  type AppReply,
  type AppRequest,
  connectApp,
  settled,
} from '../unit/sip-srf.js';

/** A SIP server under comparison. */
export interface Contestant {
  readonly adminPort: number;
  readonly secret: string;
  readonly sipPort: number;
}

/** What happened in one run: what the peer heard, and what the application was told, each in its order. */
export interface Trace {
  readonly peer: string[];
  readonly app: string[];
}

const TEST_MS = 20_000;

export const OFFER = { headers: ['Content-Type: application/sdp'], body: SDP };

/** A message in so many words as both servers must agree on. */
function inWords(heard: Heard): string {
  const cseq = heard.get('CSeq').split(' ')[1] ?? '';
  const parts = [heard.status ? `${heard.status} ${cseq}` : heard.method];
  if (heard.body) parts.push(heard.body === SDP ? 'sdp' : 'body');
  if (heard.status >= 200 && heard.status < 300 && cseq === 'INVITE') {
    parts.push(heard.get('Contact') ? 'contact' : 'no-contact', heard.toTag ? 'tag' : 'no-tag');
  }
  return parts.join(' ');
}

/**
 * One run of a script on one server: drachtio-srf as the application on its one side, a raw socket as the peer on
 * the other. All that is heard is recorded; repetitions are recorded only where a script asks for one.
 */
export class Run {
  readonly trace: Trace = { peer: [], app: [] };
  readonly app: App;
  readonly peer: Peer;
  /** INVITEs that the application was given. */
  readonly rung = new Mailbox<{ request: AppRequest; reply: AppReply }>();
  /** What the application refuses re-INVITEs with; null: takes them. */
  refusing: number | null = null;
  readonly #told = new Mailbox<string>();
  readonly #seen = new Set<string>();
  readonly #id = randomUUID();
  #seq = 1;

  private constructor(app: App, peer: Peer) {
    this.app = app;
    this.peer = peer;
  }

  /** Runs the script; resolves with what happened, up to the answer to a last probe. */
  static async of(
    contestant: Contestant,
    protocol: 'udp' | 'tcp',
    script: (run: Run) => Promise<void>,
  ): Promise<Trace> {
    const app = await connectApp(contestant);
    const peer = await (protocol === 'udp' ? UdpPeer : TcpPeer).open(contestant.sipPort);
    const run = new Run(app, peer);
    try {
      app.invite((request, reply) => {
        run.note('INVITE');
        request.on('cancel', () => run.note('cancel'));
        run.rung.put({ request, reply });
      });
      for (const method of ['options', 'info', 'message'] as const) {
        app[method]((_request, reply) => {
          run.note(`${method} outside`);
          reply.send(200);
        });
      }
      await settled(app);
      try {
        await within(script(run), TEST_MS, 'the script');
      } catch (error) {
        // A server that does not do what the script waits for: a difference like any other.
        if (!(error instanceof DeadlineError)) throw error;
        run.trace.peer.push(`nothing: ${error.message.replace(/: not within.*/s, '')}`);
        // What waits in vain takes one more message.
        peer.sendRaw(
          run.request({ method: 'BYE', seq: 1, callId: 'taken', to: '<sip:n@example.com>;tag=n' }),
        );
      }
      // The server has handled all that the application told it, and told the application all that came before.
      await settled(app);
      await run.#probe();
      await settled(app);
      return run.trace;
    } finally {
      app.disconnect();
      peer.close();
    }
  }

  /** Writes down what the application was told, or what became of what it did. */
  note(what: string): void {
    this.trace.app.push(what);
    this.#told.put(what);
  }

  /** Waits until the application was told this. */
  async told(what: string): Promise<void> {
    while ((await this.#told.take(what)) !== what);
  }

  /** Waits until the peer hears this, or one of these, as `inWords` puts it, and returns it; `again` waits for a repetition. */
  async hear(what: string | readonly string[], again = false): Promise<Heard> {
    const wanted = typeof what === 'string' ? [what] : what;
    for (;;) {
      const heard = await this.peer.next(wanted.join(' or '));
      const words = inWords(heard);
      const repeated = this.#seen.has(heard.text);
      this.#seen.add(heard.text);
      if (repeated && !again) continue;
      this.trace.peer.push(repeated ? `${words} again` : words);
      const is = (one: string) => words === one || words.startsWith(`${one} `);
      if (repeated === again && wanted.some(is)) return heard;
    }
  }

  /** The peer sends a request in a call. */
  send(parts: PeerRequest): void {
    this.peer.sendRaw(this.request(parts));
  }

  /** A request of the peer, in this run's own call and transactions. */
  request(parts: PeerRequest): string {
    const branch = parts.branch ? { branch: `${parts.branch}-${this.#id}` } : {};
    return this.peer.request({ callId: `call-${this.#id}`, ...parts, ...branch });
  }

  get nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** The next INVITE is answered by the application; every request in its dialog is noted and answered 200. */
  async answer(): Promise<AppDialog> {
    const { request, reply } = await this.rung.take('the INVITE');
    const dialog = await this.app.createUAS(request, reply, { localSdp: SDP });
    this.attend(dialog);
    return dialog;
  }

  attend(dialog: AppDialog): void {
    dialog.on('destroy', (_request, reason) => this.note(`destroy (${reason ?? ''})`));
    dialog.on('ack', ({ body }) => this.note(body ? 'ack sdp' : 'ack'));
    dialog.on('modify', ({ body }, reply) => {
      this.note(body ? 'modify' : 'modify without an offer');
      if (this.refusing === null) reply.send(200, { body: SDP });
      else reply.send(this.refusing);
    });
    for (const method of ['info', 'refer', 'notify', 'options', 'update', 'message']) {
      dialog.on(method, (_request, reply) => {
        this.note(method);
        reply.send(method === 'refer' ? 202 : 200);
      });
    }
  }

  /** A call from the peer that is up. */
  async up(): Promise<{ dialog: AppDialog; to: string }> {
    this.send({ method: 'INVITE', seq: 1, branch: 'z9hG4bKinvite', ...OFFER });
    const dialog = await this.answer();
    const ok = await this.hear('200 INVITE');
    const to = ok.get('To');
    this.send({ method: 'ACK', seq: 1, to });
    await this.told('ack');
    return { dialog, to };
  }

  /** A call from the application that is up. */
  async upOut(): Promise<{ dialog: AppDialog; invite: Heard }> {
    const outcome = this.app.createUAC(this.target, { localSdp: SDP });
    const invite = await this.hear('INVITE');
    this.peer.accept(invite);
    const dialog = await outcome;
    this.attend(dialog);
    await this.hear('ACK');
    return { dialog, invite };
  }

  get target(): string {
    const { port, protocol } = this.peer;
    return `sip:callee@127.0.0.1:${port}${protocol === 'TCP' ? ';transport=tcp' : ''}`;
  }

  /** Notes how a promise of the application ended. */
  async outcome(what: string, promise: Promise<unknown>): Promise<void> {
    const ended = await within(
      promise.then(
        (value) => (value as { status?: number } | undefined)?.status ?? 'done',
        (error: { status?: number; message?: string }) => error.status ?? error.message ?? String(error),
      ),
      TEST_MS,
      what,
    );
    this.note(`${what}: ${ended}`);
  }

  /** Records what is still on the way: all that comes before the answer to a request sent now. */
  async #probe(): Promise<void> {
    const callId = `probe-${this.#id}`;
    this.send({ method: 'BYE', seq: 1, callId, to: '<sip:nobody@example.com>;tag=nobody' });
    for (;;) {
      const heard = await this.peer.next('the answer to the probe');
      if (heard.get('Call-ID') === callId) return;
      if (!this.#seen.has(heard.text)) this.trace.peer.push(inWords(heard));
      this.#seen.add(heard.text);
    }
  }
}
