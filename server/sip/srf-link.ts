import { setTimeout as pause } from 'node:timers/promises';
import type Srf from 'drachtio-srf';
import { whenAborted } from '../abort.js';
import type { DialogJournal } from './dialog-journal.js';
import { SipFailure } from './signalling.js';
import {
  ConnectionFailure,
  type ConnectionFault,
  openConnection,
  type SipServerAccess,
  type SrfConnection,
} from './srf-connection.js';
import type { SrfDialog } from './srf-dialog.js';

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;

/** More calls than this are not looked up again after a loss. */
const MOST_FAREWELLS = 10_000;

/** drachtio-srf's `request` as it is, not as its types have it. */
interface LooseSrf {
  request(uri: string, options: { method: string; stackDialogId: string }, sent: () => void): void;
}

export interface LinkOptions {
  readonly server: SipServerAccess;
  readonly equip: (link: SrfLink, srf: Srf) => void;
  readonly pingMs: number;
  /** Remembers the dialogs for a process after this one; left out where the server ends with this process. */
  readonly journal?: DialogJournal | undefined;
  /** Called when the connection comes up (null), is lost, or cannot be made for another reason than before. */
  readonly onChange: (fault: ConnectionFault | null) => void;
}

/**
 * Keeps up the connection to one SIP server, and knows what hangs on it: dialogs, and answers that are waited for.
 *
 * ```
 * connecting ──▶ up ──▶ lost: dialogs end, waiters fail ──▶ connecting (250 ms, doubled to 5 s) ...
 *                └─▶ BYE to the calls of the connection before, should the server still have them
 * ```
 */
export class SrfLink {
  readonly #options: LinkOptions;
  readonly #dialogs = new Set<SrfDialog>();
  readonly #withMedia = new WeakSet<SrfDialog>();
  readonly #waiting = new Set<(failure: SipFailure) => void>();
  readonly #closing = new AbortController();
  #farewells: string[] = [];
  #connection: SrfConnection | null = null;
  #fault: ConnectionFault | null = null;
  #running: Promise<void> | null = null;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#farewells = options.journal?.left.slice(0, MOST_FAREWELLS) ?? [];
  }

  get up(): boolean {
    return this.#connection !== null;
  }

  get contacts(): readonly string[] {
    return this.#connection?.contacts ?? [];
  }

  get dialogs(): number {
    return this.#dialogs.size;
  }

  /** drachtio-srf on the connection that stands. Throws SipFailure when there is none. */
  get srf(): Srf {
    if (!this.#connection) throw new SipFailure(0, 'the SIP server is not connected');
    return this.#connection.srf;
  }

  /** Begins to connect; resolves when the first attempt has ended, well or not. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#running = this.#keepUp(resolve).finally(resolve);
    });
  }

  /** `withMedia`: the far end is a media server. Such dialogs are lost after all others, so that a call knows why it ends. */
  adopt(dialog: SrfDialog, { withMedia = false } = {}): void {
    const { journal } = this.#options;
    this.#dialogs.add(dialog);
    if (withMedia) this.#withMedia.add(dialog);
    journal?.add(dialog.id);
    dialog.onGone(() => {
      this.#dialogs.delete(dialog);
      journal?.remove(dialog.id);
    });
  }

  /** Calls `fail` if the connection is lost before the returned function is called: srf would never call back. */
  whileUp(fail: (failure: SipFailure) => void): () => void {
    this.#waiting.add(fail);
    return () => this.#waiting.delete(fail);
  }

  /** Ends a dialog of the server that drachtio-srf has no object for. The answer does not matter. */
  sendBye(dialogId: string): void {
    try {
      // The server puts in the address of the far end itself.
      (this.srf as unknown as LooseSrf).request(
        'sip:placeholder',
        { method: 'BYE', stackDialogId: dialogId },
        () => {},
      );
    } catch {
      // No connection: the server's peers are on their own.
    }
  }

  /** Says BYE in every dialog, then disconnects. */
  async close(): Promise<void> {
    await Promise.all([...this.#dialogs].map((dialog) => dialog.hangUp()));
    this.#closing.abort();
    this.#connection?.close();
    await this.#running;
    await this.#options.journal?.close();
  }

  async #keepUp(attempted: () => void): Promise<void> {
    const { server, equip, pingMs } = this.#options;
    const { signal } = this.#closing;
    let delayMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        const connection = await openConnection({
          server,
          pingMs,
          signal,
          equip: (srf) => equip(this, srf),
        });
        delayMs = FIRST_RETRY_MS;
        this.#begin(connection);
        attempted();
        await whenAborted(connection.gone);
        this.#end();
      } catch (error) {
        this.#say(error instanceof ConnectionFailure ? error.fault : 'unreachable');
        attempted();
      }
      await pause(delayMs, undefined, { signal }).catch(() => {});
      delayMs = Math.min(delayMs * 2, LAST_RETRY_MS);
    }
  }

  #begin(connection: SrfConnection): void {
    this.#connection = connection;
    this.#fault = null;
    this.#options.onChange(null);
    for (const dialogId of this.#farewells.splice(0)) {
      this.sendBye(dialogId);
      this.#options.journal?.remove(dialogId);
    }
  }

  #end(): void {
    this.#connection = null;
    this.#farewells = [...this.#dialogs].map(({ id }) => id).slice(0, MOST_FAREWELLS);
    this.#say('closed');
    const failure = new SipFailure(0, 'the connection to the SIP server was lost');
    for (const fail of [...this.#waiting]) fail(failure);
    this.#waiting.clear();
    const last = (dialog: SrfDialog) => Number(this.#withMedia.has(dialog));
    for (const dialog of [...this.#dialogs].sort((a, b) => last(a) - last(b))) dialog.lost();
    // The server has them still, until they were said farewell to.
    for (const dialogId of this.#farewells) this.#options.journal?.add(dialogId);
  }

  #say(fault: ConnectionFault): void {
    if (this.#fault === fault || this.#closing.signal.aborted) return;
    this.#fault = fault;
    this.#options.onChange(fault);
  }
}

/** The link that is up with the fewest dialogs. */
export function leastBusy(links: readonly SrfLink[]): SrfLink | undefined {
  return links.filter(({ up }) => up).sort((a, b) => a.dialogs - b.dialogs)[0];
}
