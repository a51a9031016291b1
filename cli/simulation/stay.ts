import type { SecureEnd, SecureState } from '../../server/call/views.js';
import type { Left } from '../../server/secure/leaving-guard.js';
import type { Line } from './line.js';

/** The server's defaults of secure.leavingGuardMs and secure.leavingGuardMaxMs. */
const QUIET_MS = 800;
const RESTLESS_MS = 30_000;

/** One stay in secure mode, as server/secure/secure-stay.ts has it, without anything to shield. */
export class SimulatedStay {
  readonly #line: Line;
  /** The shields cannot be engaged. */
  readonly #refused: boolean;

  constructor(line: Line, refused: boolean) {
    this.#line = line;
    this.#refused = refused;
  }

  /** False: the session was refused, the call goes on as it was. */
  engage(): boolean {
    this.#to('requested');
    this.#line.enterSecure();
    this.#to('shielding');
    if (this.#refused) {
      this.unshield();
      this.finish('shield-failed');
      return false;
    }
    this.#to('active');
    return true;
  }

  unshield(): void {
    this.#to('unshielding');
  }

  /** Swallows keys until none has come for a while. */
  async guard(): Promise<Left> {
    const line = this.#line;
    const over = line.now + RESTLESS_MS;
    let quietAt = line.now + QUIET_MS;
    let keys = 0;
    while (line.now < Math.min(quietAt, over) && !line.gone.aborted) {
      const act = await line.next(Math.min(quietAt, over), null);
      if (act?.do !== 'key') continue;
      quietAt = line.now + QUIET_MS;
      keys += 1;
    }
    if (keys > 0) line.tell({ type: 'swallowed', keys });
    if (line.gone.aborted) return 'gone';
    return line.now >= quietAt ? 'quiet' : 'restless';
  }

  finish(end: SecureEnd): void {
    this.#to('ended', end);
    this.#line.leaveSecure();
  }

  #to(state: SecureState, end: SecureEnd | null = null): void {
    this.#line.tell({ type: 'secure', state, end });
  }
}
