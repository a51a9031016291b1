import {
  createWriteStream,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  type WriteStream,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Lines after which the file is written anew, when fewer than half of them still stand. */
const COMPACT_AT = 10_000;

/**
 * Remembers in a file which dialogs stand on a SIP server, so that a process that was killed can say BYE to them when
 * it is started again: drachtio-server keeps them. Holds the server's names of dialogs (Call-ID and tag), nothing else.
 * One line for each change: `+name` or `-name`; a line that was cut off is passed over.
 */
export class DialogJournal {
  readonly #file: string;
  readonly #standing = new Set<string>();
  /** Those of the process before. */
  readonly left: readonly string[];
  #lines = 0;
  #stream: WriteStream;

  /** Throws the system's error when the file cannot be read or written. */
  constructor(file: string) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.left = [...read(file)];
    for (const id of this.left) this.#standing.add(id);
    this.#stream = this.#rewrite();
  }

  add(id: string): void {
    this.#standing.add(id);
    this.#write('+', id);
  }

  remove(id: string): void {
    if (this.#standing.delete(id)) this.#write('-', id);
  }

  /** Resolves when everything is in the file. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }

  #write(sign: '+' | '-', id: string): void {
    this.#lines += 1;
    this.#stream.write(`${sign}${id}\n`);
    if (this.#lines < COMPACT_AT || this.#standing.size * 2 > this.#lines) return;
    this.#stream.end();
    this.#stream = this.#rewrite();
  }

  #rewrite(): WriteStream {
    const draft = `${this.#file}.new`;
    writeFileSync(draft, [...this.#standing].map((id) => `+${id}\n`).join(''), { mode: 0o600 });
    renameSync(draft, this.#file);
    this.#lines = this.#standing.size;
    const stream = createWriteStream('', { fd: openSync(this.#file, 'a') });
    // A full disk costs the farewell of a later process, not a call of this one.
    stream.on('error', () => {});
    return stream;
  }
}

function read(file: string): Set<string> {
  const standing = new Set<string>();
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const line of whole.split('\n')) {
    if (line.startsWith('+')) standing.add(line.slice(1));
    else standing.delete(line.slice(1));
  }
  return standing;
}
