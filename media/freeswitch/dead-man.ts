/** Without a word from us for so long FreeSWITCH hangs up on everybody we have there. In seconds. */
export const DEAD_MAN_S = 30;

type Ask = (...words: readonly string[]) => Promise<string>;

/**
 * Ends our channels when this process can end nothing any more. A channel ends with the connection that FreeSWITCH
 * opened for it, but one that was ever bridged does not (FreeSWITCH 1.11): for those a task stands in FreeSWITCH that
 * hangs up everything with our listener in it, and is put off as long as we live.
 */
export class DeadMan {
  readonly #ask: Ask;
  readonly #listener: string;
  /** Names of the task, in turn: the next one stands before the last one is taken away. */
  readonly #names: readonly [string, string];
  #turn = 0;

  constructor(ask: Ask, listener: { readonly address: string; readonly port: number }) {
    this.#ask = ask;
    this.#listener = `${listener.address}:${listener.port}`;
    const name = `tacet_${listener.address}_${listener.port}`;
    this.#names = [`${name}_a`, `${name}_b`];
  }

  /** Hangs up what a process before this one left behind, then arms the task. */
  async begin(): Promise<void> {
    await this.end();
    await this.#ask('hupall', ...this.#condition);
    await this.renew();
  }

  async renew(): Promise<void> {
    const [last, next] = this.#turn % 2 === 0 ? this.#names.toReversed() : this.#names;
    this.#turn += 1;
    await this.#ask('sched_api', `+${DEAD_MAN_S}`, next ?? '', 'hupall', ...this.#condition);
    await this.#ask('sched_del', last ?? '');
  }

  async end(): Promise<void> {
    for (const name of this.#names) await this.#ask('sched_del', name);
  }

  get #condition(): readonly string[] {
    return ['NORMAL_TEMPORARY_FAILURE', 'sip_h_X-esl-outbound', this.#listener];
  }
}
