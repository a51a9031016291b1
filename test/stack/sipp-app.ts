import { SDP } from '../unit/sip-peer.js';
import type { App, AppDialog, AppReply, AppRequest, UacProgress } from '../unit/sip-srf.js';

/** A call that SIPp makes, at the application. */
export class SippCall {
  readonly app: SippApp;
  readonly #request: AppRequest;
  readonly #reply: AppReply;

  constructor(app: SippApp, request: AppRequest, reply: AppReply) {
    this.app = app;
    this.#request = request;
    this.#reply = reply;
  }

  ring(): void {
    this.#reply.send(180);
  }

  earlyMedia(): void {
    this.#reply.send(183, { body: SDP });
  }

  refuse(status: number): void {
    this.#reply.send(status);
  }

  answer(): Promise<AppDialog> {
    return new Promise((resolve, reject) => {
      this.app.srf.createUAS(this.#request, this.#reply, { localSdp: SDP }, (error, dialog) => {
        if (error) return reject(error);
        this.app.attend(dialog);
        resolve(dialog);
      });
    });
  }
}

/** drachtio-srf as the application that SIPp talks to; writes down what it is told. */
export class SippApp {
  readonly srf: App;
  readonly told: string[] = [];
  readonly #waiting = new Map<string, () => void>();

  constructor(srf: App) {
    this.srf = srf;
  }

  /** Every call of SIPp goes to `take`. */
  onCall(take: (call: SippCall) => unknown): void {
    this.srf.invite((request, reply) => {
      this.note('INVITE');
      request.on('cancel', () => this.note('cancel'));
      void take(new SippCall(this, request, reply));
    });
  }

  note(what: string): void {
    this.told.push(what);
    this.#waiting.get(what)?.();
  }

  /** Resolves when the application has been told this. */
  async until(what: string): Promise<void> {
    if (!this.told.includes(what)) await new Promise<void>((resolve) => this.#waiting.set(what, resolve));
  }

  /** Calls SIPp. The dialog, or the status that SIPp refused with. `sent` gets the INVITE, for a CANCEL. */
  call(uri: string, sent: (request: AppRequest) => void = () => {}): Promise<AppDialog | number> {
    const progress: UacProgress = {
      cbRequest: (error, request) => {
        if (!error) sent(request);
      },
      cbProvisional: ({ status, body }) => this.note(`${status}${body ? ' sdp' : ''}`),
    };
    return new Promise((resolve) => {
      this.srf.createUAC(uri, { localSdp: SDP }, progress, (error, dialog) => {
        if (error) {
          this.note(`refused ${error.status}`);
          return resolve(error.status ?? 0);
        }
        this.note('answered');
        this.attend(dialog);
        resolve(dialog);
      });
    });
  }

  /** Notes every request in the dialog and answers it. */
  attend(dialog: AppDialog): void {
    dialog.on('destroy', () => this.note('BYE'));
    dialog.on('ack', () => this.note('ACK'));
    dialog.on('modify', (_request, reply) => {
      this.note('re-INVITE');
      reply.send(200, { body: SDP });
    });
    for (const method of ['info', 'options', 'refer', 'notify', 'update']) {
      dialog.on(method, (_request, reply) => {
        this.note(method);
        reply.send(method === 'refer' ? 202 : 200);
        if (method === 'refer') void this.#progress(dialog);
      });
    }
  }

  async #progress(dialog: AppDialog): Promise<void> {
    const headers = {
      Event: 'refer',
      'Subscription-State': 'terminated;reason=noresource',
      'Content-Type': 'message/sipfrag',
    };
    const { status } = await dialog.request({ method: 'NOTIFY', headers, body: 'SIP/2.0 200 OK' });
    this.note(`NOTIFY ${status}`);
  }
}

/** A re-INVITE of the application; its outcome is noted. */
export async function reinvite(app: SippApp, dialog: AppDialog): Promise<void> {
  const { status } = await dialog.modify(SDP).then(
    () => ({ status: 200 }),
    (error: { status?: number }) => ({ status: error.status ?? 0 }),
  );
  app.note(`re-INVITE ${status}`);
}
