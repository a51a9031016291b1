import type { CallEvent } from '../../server/call/events.js';

/** When the shields of one secure session changed, and in which order: ms since 1970 (server-sent events give ms). */
interface Passage {
  readonly engaged: Map<string, number>;
  readonly released: (readonly [shield: string, at: number])[];
}

/** Ways into the vault and out of it, in ms, and how many sessions were active at the same time. */
export interface VaultTimes {
  readonly enter: readonly number[];
  readonly leave: readonly number[];
  readonly mostAtOnce: number;
}

/** Reads the times of vaulting from events. */
export class VaultWatch {
  readonly #passages = new Map<string, Passage>();
  readonly #active = new Set<string>();
  #mostAtOnce = 0;

  see(event: CallEvent): void {
    if (event.type === 'secure.state') {
      if (event.state === 'active') this.#active.add(event.sessionId);
      else this.#active.delete(event.sessionId);
      this.#mostAtOnce = Math.max(this.#mostAtOnce, this.#active.size);
    }
    if (event.type !== 'secure.shield') return;
    const passage: Passage = this.#passages.get(event.sessionId) ?? { engaged: new Map(), released: [] };
    this.#passages.set(event.sessionId, passage);
    const at = Date.parse(event.at);
    if (event.change === 'engaged') passage.engaged.set(event.shield, at);
    if (event.change === 'released') passage.released.push([event.shield, at]);
  }

  /** Forgets what was seen. */
  clear(): void {
    this.#passages.clear();
    this.#active.clear();
    this.#mostAtOnce = 0;
  }

  /**
   * Of all sessions so far that were in the vault and came back. In: from the shield before the vault's being up, to its.
   * Out: from the release before the vault's to the vault's.
   */
  get times(): VaultTimes {
    const enter: number[] = [];
    const leave: number[] = [];
    for (const { engaged, released } of this.#passages.values()) {
      const [begin, vault] = [engaged.get('media-server'), engaged.get('vault')];
      if (begin === undefined || vault === undefined) continue;
      enter.push(vault - begin);
      const out = released.findIndex(([shield]) => shield === 'vault');
      const [before, after] = [released[out - 1], released[out]];
      if (before && after) leave.push(after[1] - before[1]);
    }
    return { enter, leave, mostAtOnce: this.#mostAtOnce };
  }
}

/** The event stream of a server; ends with {@link close}. */
export class VaultEvents {
  readonly watch = new VaultWatch();
  readonly #stop = new AbortController();
  #reading: Promise<void> = Promise.resolve();

  static async open(httpUrl: string, token: string): Promise<VaultEvents> {
    const events = new VaultEvents();
    const stream = await fetch(`${httpUrl}/api/v1/events`, {
      headers: { authorization: `Bearer ${token}` },
      signal: events.#stop.signal,
    });
    if (!stream.ok) throw new Error(`the event stream was answered ${stream.status}`);
    events.#reading = events.#read(stream).catch(() => undefined);
    return events;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  async #read(stream: Response): Promise<void> {
    const text = new TextDecoder();
    let unread = '';
    for await (const chunk of stream.body ?? []) {
      const frames = (unread + text.decode(chunk, { stream: true })).split('\n\n');
      unread = frames.pop() ?? '';
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1];
        if (data !== undefined) this.watch.see(JSON.parse(data) as CallEvent);
      }
    }
  }
}
