import { styleText } from 'node:util';

/** Where text goes: standard output, or a test's. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export type Who = 'caller' | 'agent' | 'tacet' | 'shield' | '';

const COLOURS = { caller: 'green', agent: 'cyan', tacet: 'yellow', shield: 'magenta', '': 'bold' } as const;
const MARGIN = 20;
const WIDTH = 100;

/** The timeline on a terminal: one line per thing that happened, with the second it happened in. */
export class Screen {
  readonly #sink: TextSink;
  readonly #colours: boolean;
  #beganAt: number | null = null;
  /** A line that is still being rewritten. */
  #open = false;

  constructor(sink: TextSink, env: NodeJS.ProcessEnv) {
    this.#sink = sink;
    this.#colours = sink.isTTY === true && !env.NO_COLOR;
  }

  /** Second 0 of the lines to come, on the clock of `performance.now()`. */
  begin(at: number): void {
    this.#beganAt = at;
  }

  /** Something happened now. */
  line(who: Who, text: string): void {
    this.#endOpen();
    this.#sink.write(`${this.#head(who)}${wrap(text)}\n`);
  }

  /** A line that changes as things go on; without a terminal only its last form is written, by {@link line}. */
  rewrite(who: Who, text: string): void {
    if (!this.#sink.isTTY) return;
    this.#sink.write(`\r\x1b[K${this.#head(who)}${text}`);
    this.#open = true;
  }

  /** The last form of a line that was rewritten. */
  settle(who: Who, text: string): void {
    if (this.#open) this.#sink.write('\r\x1b[K');
    this.#open = false;
    this.line(who, text);
  }

  /** Text as it stands, without a time. */
  plain(text = '', style?: 'bold' | 'green' | 'red'): void {
    this.#endOpen();
    this.#sink.write(`${style ? this.#paint(style, text) : text}\n`);
  }

  #head(who: Who): string {
    const second = this.#beganAt === null ? '' : ((performance.now() - this.#beganAt) / 1000).toFixed(1);
    return `${second.padStart(6)}${second ? ' s' : '  '}  ${this.#paint(COLOURS[who], who.padEnd(8))}  `;
  }

  #paint(style: 'bold' | 'green' | 'red' | (typeof COLOURS)[Who], text: string): string {
    return this.#colours ? styleText(style, text) : text;
  }

  #endOpen(): void {
    if (this.#open) this.#sink.write('\n');
    this.#open = false;
  }
}

/** Breaks between words so that lines stay readable beside the margin. */
function wrap(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && MARGIN + last.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join(`\n${' '.repeat(MARGIN)}`);
}
