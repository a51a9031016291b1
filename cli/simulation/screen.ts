import type { TextSink } from '../surroundings.js';
import { KEY } from '../tree.js';
import type { Happening } from './happening.js';
import { traceLine } from './trace.js';

/** Shows a simulated call: a line for each thing, with its second, and with the key while in secure mode. */
export class Screen {
  readonly #sink: TextSink;
  /** A line that is still being rewritten. */
  #open = false;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  readonly show = (happening: Happening): void => {
    const text = words(happening);
    if (text === null) return;
    const isField = happening.type === 'field';
    const grows = isField && ['entering', 'cleared'].includes(happening.progress.state);
    // Without a terminal nothing can be rewritten: only the last form of a line is shown.
    if (grows && !this.#sink.isTTY) return;
    if (this.#open) this.#sink.write(isField ? '\r\x1b[K' : '\n');
    this.#open = grows;
    const second = (happening.at / 1000).toFixed(1).padStart(6);
    this.#sink.write(`${second} s  ${happening.secure ? KEY : '  '}  ${text}${grows ? '' : '\n'}`);
  };
}

function words(happening: Happening): string | null {
  if (happening.type === 'action') {
    const { action, path } = happening.note;
    return `· ${action} at ${path}`;
  }
  if (happening.type === 'prompt') return `“${happening.text}”`;
  if (happening.type !== 'field') return traceLine(happening);
  const { field, state, entered, error } = happening.progress;
  if (state === 'asked') return null;
  const verdict = error ?? (state === 'accepted' || state === 'left' ? state : '');
  return `${field} ${'•'.repeat(entered)} ${verdict}`.trimEnd();
}
