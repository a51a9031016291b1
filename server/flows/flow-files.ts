import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { ConfigError } from '../../config/problems.js';
import { draftFile, FlowRecord, versionFile } from './flow-record.js';

/** A text to be kept beside a record. */
export interface FlowText {
  readonly file: string;
  readonly text: string;
}

/** Where flows made over the API are kept. A change is there whole, or not at all. */
export interface FlowFiles {
  /** Every record. Rejects with ConfigError that names what is damaged. */
  load(): Promise<readonly FlowRecord[]>;
  /** Keeps a record with its new texts; texts that it does not name any more go. */
  save(record: FlowRecord, texts: readonly FlowText[]): Promise<void>;
  /** A text of a flow. Rejects with ConfigError when it is not what was kept. */
  read(name: string, file: string, sha256: string): Promise<string>;
  remove(name: string): Promise<void>;
  /** Where a text is, for problems that are found in it. */
  path(name: string, file: string): string;
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const RECORD = 'record.json';
/** What was left behind by a process that ended in the middle of a change. */
const UNFINISHED = '.unfinished-';

function damaged(file: string, message: string, remedy: string): ConfigError {
  return new ConfigError([{ file, line: null, column: null, field: '(file)', message, remedy }]);
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';

/** A folder for each flow: `record.json`, the draft and the versions as YAML. Only the owner may look. */
export class FlowDirectory implements FlowFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(name: string, file: string): string {
    return join(this.#directory, name, file);
  }

  async load(): Promise<readonly FlowRecord[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const { mode } = await stat(this.#directory);
    if ((mode & 0o022) !== 0) {
      throw damaged(this.#directory, 'others may write into it', `run chmod 700 ${this.#directory}`);
    }
    const records: FlowRecord[] = [];
    for (const name of (await readdir(this.#directory)).sort()) {
      if (name.startsWith(UNFINISHED)) {
        await rm(join(this.#directory, name), { recursive: true, force: true });
      } else records.push(await this.#record(name));
    }
    for (const record of records) await this.#tidy(record);
    return records;
  }

  async save(record: FlowRecord, texts: readonly FlowText[]): Promise<void> {
    const folder = join(this.#directory, record.name);
    const all = [...texts, { file: RECORD, text: `${JSON.stringify(record, null, 2)}\n` }];
    if (record.versions.length > 0 || record.revision > 1) {
      // The record comes last: what it names is there by then.
      for (const { file, text } of all) await replace(folder, file, text);
      // The change is made; what is left over goes at the next start.
      await this.#tidy(record).catch(() => {});
      return;
    }
    const staged = join(this.#directory, `${UNFINISHED}${randomUUID()}`);
    try {
      await mkdir(staged, { mode: 0o700 });
      for (const { file, text } of all) await replace(staged, file, text);
      await rename(staged, folder);
    } catch (error) {
      await rm(staged, { recursive: true, force: true });
      throw error;
    }
    await settle(this.#directory);
  }

  async read(name: string, file: string, hash: string): Promise<string> {
    const path = this.path(name, file);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw damaged(path, `cannot be read (${codeOf(error)})`, this.#remedy(name));
    });
    if (sha256(text) !== hash) {
      throw damaged(path, 'is not the document that was kept', this.#remedy(name));
    }
    return text;
  }

  async remove(name: string): Promise<void> {
    const gone = join(this.#directory, `${UNFINISHED}${randomUUID()}`);
    await rename(join(this.#directory, name), gone);
    await settle(this.#directory);
    await rm(gone, { recursive: true, force: true });
  }

  #remedy(name: string): string {
    return `restore it from a backup, or move ${join(this.#directory, name)} away and publish the flow anew`;
  }

  async #record(name: string): Promise<FlowRecord> {
    const path = this.path(name, RECORD);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw damaged(path, `cannot be read (${codeOf(error)})`, this.#remedy(name));
    });
    const record = parsed(text);
    if (record === null || record.name !== name || !isSound(record)) {
      throw damaged(path, 'is damaged: it is no record of this flow', this.#remedy(name));
    }
    return record;
  }

  /** Removes texts that the record does not name: of revisions gone by, and of changes that were never finished. */
  async #tidy(record: FlowRecord): Promise<void> {
    const folder = join(this.#directory, record.name);
    const kept = new Set([
      RECORD,
      draftFile(record.revision),
      ...record.versions.map((one) => versionFile(one.version)),
    ]);
    for (const file of await readdir(folder)) {
      if (!kept.has(file)) await rm(join(folder, file), { force: true });
    }
  }
}

function parsed(text: string): FlowRecord | null {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(FlowRecord, value) ? value : null;
  } catch {
    return null;
  }
}

/** The version that takes calls is one of those that are kept, and none has a number of its future. */
function isSound({ published, versions, lastVersion }: FlowRecord): boolean {
  const numbers = versions.map(({ version }) => version);
  const ascending = numbers.every((number, index) => number > (numbers[index - 1] ?? 0));
  return (
    ascending && (numbers.at(-1) ?? 0) <= lastVersion && (published === null || numbers.includes(published))
  );
}

/** Writes a file so that after a crash either the old one or the new one is there, whole. */
async function replace(folder: string, file: string, text: string): Promise<void> {
  const draft = join(folder, `${UNFINISHED}${randomUUID()}`);
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, join(folder, file));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await settle(folder);
}

/** Makes what was renamed in a folder last. */
async function settle(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
