import type { Flow } from '../../flows/flow.js';
import { staticAudio } from '../../flows/interpreter.js';
import type { AudioItem } from '../../media/endpoint.js';
import type { MediaServer } from '../../media/media-server.js';
import type { Flows } from './published-flows.js';

export interface PreparedPromptsOptions {
  readonly media: Pick<MediaServer, 'prepare' | 'release'>;
  readonly flows: Flows;
  /** Flows that calls in progress are on. */
  readonly running: () => Iterable<Flow>;
}

/** Keeps the prompts of flows ready for as long as calls can want them, and no longer. */
export class PreparedPrompts {
  readonly #options: PreparedPromptsOptions;
  /** No new call finds these, but their prompts are still ready. */
  readonly #replaced = new Set<Flow>();

  constructor(options: PreparedPromptsOptions) {
    this.#options = options;
  }

  /** Makes a flow's prompts ready before calls find it. Rejects with `bad-audio`. */
  async prepare(flow: Flow): Promise<void> {
    await this.#options.media.prepare(staticAudio(flow));
  }

  /** To be told of a flow that no new call finds any more. Its prompts go with its last call. */
  replaced(flow: Flow): void {
    this.#replaced.add(flow);
    this.sweep();
  }

  /** To be called when a call has ended. */
  sweep(): void {
    if (this.#replaced.size === 0) return;
    const wanted = new Set<Flow>([...this.#options.flows.values(), ...this.#options.running()]);
    const done = [...this.#replaced].filter((flow) => !wanted.has(flow));
    if (done.length === 0) return;
    for (const flow of done) this.#replaced.delete(flow);
    const kept = keysOf([...wanted].flatMap((flow) => staticAudio(flow)));
    const audio = done.flatMap((flow) => staticAudio(flow));
    this.#options.media.release(audio.filter((item) => !kept.has(JSON.stringify(item))));
  }
}

const keysOf = (items: readonly AudioItem[]): ReadonlySet<string> =>
  new Set(items.map((item) => JSON.stringify(item)));
