import type { PublishedDocument } from '../../flows/loader.js';
import { TacetError } from '../errors.js';
import { type FlowFiles, sha256 } from './flow-files.js';
import { draftFile, type FlowChange, type FlowRecord, versionFile } from './flow-record.js';

export interface StoreLimits {
  /** Most flows that are kept. Default 500. */
  readonly flows: number;
  /** Most versions kept of a flow; the oldest that takes no calls goes first. Default 100. */
  readonly versions: number;
  /** Most characters of a document. Default 262,144, the most that the loader reads. */
  readonly characters: number;
  /** Most entries kept of what happened to a flow. Default 1,000. */
  readonly changes: number;
}

const LIMITS: StoreLimits = { flows: 500, versions: 100, characters: 262_144, changes: 1000 };

/** Who changes a flow, and what is said of it. */
export interface Author {
  readonly by: string;
  readonly comment?: string | null;
}

/** The text of a version, and what is known of it. */
export interface StoredDocument {
  readonly document: string;
  readonly fileName: string;
}

/**
 * Drafts and published versions of the flows that were made over the API. Changes of one process happen one at a time;
 * a directory belongs to one process. Methods reject with TacetError for what a client did wrong.
 */
export class FlowStore {
  readonly #files: FlowFiles;
  readonly #limits: StoreLimits;
  readonly #now: () => Date;
  readonly #records: Map<string, FlowRecord>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    files: FlowFiles,
    records: readonly FlowRecord[],
    limits: StoreLimits,
    now: () => Date,
  ) {
    this.#files = files;
    this.#records = new Map(records.map((record) => [record.name, record]));
    this.#limits = limits;
    this.#now = now;
  }

  /** Rejects with ConfigError when what is kept is damaged. */
  static async open(
    files: FlowFiles,
    limits: Partial<StoreLimits> = {},
    now: () => Date = () => new Date(),
  ): Promise<FlowStore> {
    return new FlowStore(files, await files.load(), { ...LIMITS, ...limits }, now);
  }

  list(): readonly FlowRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): FlowRecord | null {
    return this.#records.get(name) ?? null;
  }

  get(name: string): FlowRecord {
    const record = this.#records.get(name);
    if (!record) throw new TacetError('flow-not-found', 'nothing of this name was made over the API');
    return record;
  }

  async draft(name: string): Promise<StoredDocument> {
    const { revision, draftSha256 } = this.get(name);
    return this.#document(name, draftFile(revision), draftSha256);
  }

  async version(name: string, version: number): Promise<StoredDocument> {
    const found = this.get(name).versions.find((one) => one.version === version);
    if (!found) throw new TacetError('version-not-found');
    return this.#document(name, versionFile(version), found.sha256);
  }

  /** Where a version is kept. */
  fileName(name: string, version: number): string {
    return this.#files.path(name, versionFile(version));
  }

  /** The versions that take calls, as the loader reads them. Rejects with ConfigError when one is damaged. */
  published(): Promise<readonly PublishedDocument[]> {
    const records = this.list().filter(({ published }) => published !== null);
    return Promise.all(
      records.map(async ({ name, published }) => {
        const version = published ?? 0;
        const { document: source, fileName } = await this.version(name, version);
        return { name, version, source, fileName };
      }),
    );
  }

  create(name: string, document: string, author: Author): Promise<FlowRecord> {
    return this.#change(async () => {
      if (this.#records.has(name)) throw new TacetError('flow-exists');
      const { flows } = this.#limits;
      if (this.#records.size >= flows)
        throw new TacetError('too-many-flows', `${flows} are kept; delete one`);
      const record = this.#edited(null, name, document, author);
      return this.#save(record, [{ file: draftFile(1), text: document }]);
    });
  }

  /** Replaces the draft, when it is still the one of this revision. */
  edit(name: string, revision: number, document: string, author: Author): Promise<FlowRecord> {
    return this.#change(async () => {
      const before = this.#unchanged(name, revision);
      const record = this.#edited(before, name, document, author);
      return this.#save(record, [{ file: draftFile(record.revision), text: document }]);
    });
  }

  /** Keeps the draft of this revision as a new version, which takes calls from now on. */
  publish(name: string, revision: number, author: Author): Promise<FlowRecord> {
    return this.#change(async () => {
      const before = this.#unchanged(name, revision);
      const { document } = await this.draft(name);
      const version = before.lastVersion + 1;
      const publishedAt = this.#now().toISOString();
      const { by, comment = null } = author;
      const added = { version, publishedAt, by, comment, sha256: before.draftSha256 };
      const surplus = Math.max(0, before.versions.length + 1 - this.#limits.versions);
      const record: FlowRecord = {
        ...before,
        published: version,
        lastVersion: version,
        versions: [...before.versions.slice(surplus), added],
        changes: this.#with(before, { change: 'published', revision, version, by, comment }),
      };
      return this.#save(record, [{ file: versionFile(version), text: document }]);
    });
  }

  /** Has a version take calls that was published before. */
  rollBack(name: string, version: number, author: Author): Promise<FlowRecord> {
    return this.#change(async () => {
      const before = this.get(name);
      if (!before.versions.some((one) => one.version === version)) throw new TacetError('version-not-found');
      const { by, comment = null } = author;
      const change = { change: 'rolled-back', revision: before.revision, version, by, comment } as const;
      return this.#save({ ...before, published: version, changes: this.#with(before, change) }, []);
    });
  }

  remove(name: string): Promise<void> {
    return this.#change(async () => {
      this.get(name);
      await this.#files.remove(name);
      this.#records.delete(name);
    });
  }

  async #document(name: string, file: string, hash: string): Promise<StoredDocument> {
    const document = await this.#files.read(name, file, hash);
    return { document, fileName: this.#files.path(name, file) };
  }

  #unchanged(name: string, revision: number): FlowRecord {
    const record = this.get(name);
    if (record.revision === revision) return record;
    throw new TacetError('draft-changed', `it is at revision ${record.revision}; read it again`);
  }

  #edited(before: FlowRecord | null, name: string, document: string, author: Author): FlowRecord {
    const { characters } = this.#limits;
    if (document.length > characters) {
      throw new TacetError('too-large', `a document has at most ${characters} characters`);
    }
    const revision = (before?.revision ?? 0) + 1;
    const { by, comment = null } = author;
    const change = before ? 'edited' : 'created';
    const published = before?.published ?? null;
    return {
      format: 1,
      name,
      revision,
      draftSha256: sha256(document),
      published,
      lastVersion: before?.lastVersion ?? 0,
      versions: before?.versions ?? [],
      changes: this.#with(before, { change, revision, version: published, by, comment }),
    };
  }

  #with(before: FlowRecord | null, change: Omit<FlowChange, 'at'>): FlowChange[] {
    const all = [...(before?.changes ?? []), { at: this.#now().toISOString(), ...change }];
    return all.slice(-this.#limits.changes);
  }

  async #save(record: FlowRecord, texts: readonly { file: string; text: string }[]): Promise<FlowRecord> {
    await this.#files.save(record, texts);
    this.#records.set(record.name, record);
    return record;
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
