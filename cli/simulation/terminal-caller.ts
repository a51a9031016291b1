import type { CallDataResult } from '../../flows/commands.js';
import { failed } from '../../server/data-actions/data-action.js';
import { type Act, type Caller, KEY_MS, type Moment, THINK_MS } from './caller.js';

const NEWLINE = 10;

/** The keyboard: bytes as they are typed. A terminal can be told not to show them. */
export interface KeyboardSource extends AsyncIterable<Uint8Array> {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

export const TERMINAL_HELP =
  'keys 0-9 * #   enter: let time pass   h: the caller hangs up   c: the agent ends the secure session\n' +
  'after callData: its outputs as {"name": value}, or timeout, or an error as http-503; then enter';

const LETTERS: ReadonlyMap<number, Act['do'] | 'pass'> = new Map([
  ...(['h', '\x03', '\x04'] as const).map((letter) => [letter.charCodeAt(0), 'hang-up'] as const),
  ['c'.charCodeAt(0), 'cancel'],
  ...(['\r', '\n'] as const).map((letter) => [letter.charCodeAt(0), 'pass'] as const),
]);

/**
 * A person at a terminal. Time stands still while a field waits for the person, and runs through everything else.
 * What is typed stays a number, one key at a time.
 */
export class TerminalCaller implements Caller {
  readonly #source: KeyboardSource;
  readonly #bytes: AsyncGenerator<number>;
  #field: number | null = null;

  constructor(source: KeyboardSource) {
    this.#source = source;
    this.#bytes = bytesOf(source);
    if (source.isTTY) source.setRawMode?.(true);
  }

  async next({ now, until, field }: Moment): ReturnType<Caller['next']> {
    if (field === null) return null;
    const act = await this.#read();
    if (act === 'pass') return null;
    // The first key of a field comes late enough not to be taken for a surplus one of the field before.
    const at = Math.min(until, now + (field === this.#field ? KEY_MS : THINK_MS));
    this.#field = field;
    return { at, act };
  }

  /** A line, which the terminal shows as it is typed. */
  async answer(): Promise<CallDataResult | null> {
    if (this.#source.isTTY) this.#source.setRawMode?.(false);
    const typed: number[] = [];
    for (;;) {
      const { value, done } = await this.#bytes.next();
      if (done) return null;
      if (value === NEWLINE) break;
      typed.push(value);
    }
    if (this.#source.isTTY) this.#source.setRawMode?.(true);
    return typedAnswer(Buffer.from(typed).toString().trim());
  }

  /** Gives the terminal back as it was. */
  async close(): Promise<void> {
    if (this.#source.isTTY) this.#source.setRawMode?.(false);
    await this.#bytes.return(undefined);
  }

  async #read(): Promise<Act | 'pass'> {
    for (;;) {
      const { value, done } = await this.#bytes.next();
      if (done) return { do: 'hang-up' };
      const meaning = LETTERS.get(value);
      if (meaning === 'pass') return 'pass';
      if (meaning === 'hang-up' || meaning === 'cancel') return { do: meaning };
      if (isKey(value)) return { do: 'key', code: value };
    }
  }
}

function typedAnswer(line: string): CallDataResult {
  if (line !== '' && !line.startsWith('{')) return failed(line, line);
  try {
    const outputs = JSON.parse(line || '{}') as CallDataResult['outputs'];
    const isPlain = Object.values(outputs).every((value) => typeof value !== 'object');
    if (isPlain) return { status: 'success', error: '', message: '', outputs };
  } catch {
    // As an answer that cannot be read.
  }
  return failed('not-json', 'the answer is no mapping of plain values');
}

/** `0` to `9`, `*`, `#`. */
function isKey(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 42 || code === 35;
}

async function* bytesOf(source: KeyboardSource): AsyncGenerator<number> {
  for await (const chunk of source) {
    for (const [index, byte] of chunk.entries()) {
      chunk[index] = 0;
      yield byte;
    }
  }
}
