import type { Flow } from '../../flows/flow.js';
import type { Known } from '../../flows/uses.js';
import { MediaError } from '../../media/media-server.js';
import type { FlowChecker } from '../api/flow-checker.js';
import type { CallEvents } from '../call/events.js';
import { TacetError } from '../errors.js';
import type { Logger } from '../log/logger.js';
import { callsThatNeed, missingUses, needsOf, type RunningCall } from './flow-dependents.js';
import type { FlowRecord } from './flow-record.js';
import type { Author, FlowStore, StoredDocument } from './flow-store.js';
import type { PreparedPrompts } from './prepared-prompts.js';
import type { PublishedFlows } from './published-flows.js';

export interface FlowPublishingOptions {
  readonly store: FlowStore;
  readonly flows: PublishedFlows;
  readonly checker: FlowChecker;
  readonly prompts: PreparedPrompts;
  readonly routes: readonly { readonly user: string; readonly flow: string }[];
  readonly known: Known;
  readonly running: () => Iterable<RunningCall>;
  readonly events: CallEvents;
  readonly log: Logger;
}

/**
 * Changes the flows that take calls while calls go on. What is decided from the other flows (a flow is valid, nobody
 * needs it) holds when it is done: publishing, rolling back and deleting happen one at a time.
 */
export class FlowPublishing {
  readonly #options: FlowPublishingOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: FlowPublishingOptions) {
    this.#options = options;
  }

  async create(name: string, document: string, author: Author): Promise<FlowRecord> {
    const record = await this.#options.store.create(name, document, author);
    this.#audit('created', record, author);
    return record;
  }

  async edit(name: string, revision: number, document: string, author: Author): Promise<FlowRecord> {
    const record = await this.#options.store.edit(name, revision, document, author);
    this.#audit('edited', record, author);
    return record;
  }

  /** New calls take the draft of this revision once it resolves. Rejects with `flow-not-valid` and the problems. */
  publish(name: string, revision: number, author: Author): Promise<FlowRecord> {
    return this.#alone(async () => {
      const { store } = this.#options;
      if (store.get(name).revision !== revision) throw new TacetError('draft-changed');
      const flow = await this.#ready(name, await store.draft(name));
      const record = await store.publish(name, revision, author).catch((error: unknown) => {
        this.#options.prompts.replaced(flow);
        throw error;
      });
      this.#use(flow, record, record.lastVersion, author);
      this.#audit('published', record, author);
      return record;
    });
  }

  /** New calls take this version again once it resolves. Rejects with `flow-not-valid` and the problems. */
  rollBack(name: string, version: number, author: Author): Promise<FlowRecord> {
    return this.#alone(async () => {
      const { store } = this.#options;
      const flow = await this.#ready(name, await store.version(name, version));
      const record = await store.rollBack(name, version, author).catch((error: unknown) => {
        this.#options.prompts.replaced(flow);
        throw error;
      });
      this.#use(flow, record, version, author);
      this.#audit('rolled-back', record, author);
      return record;
    });
  }

  /** Forgets draft and versions; a file's flow of the same name takes calls again. Rejects with `flow-in-use`. */
  remove(name: string, { by }: Author): Promise<void> {
    return this.#alone(async () => {
      const { store, flows, prompts, events, log } = this.#options;
      const { published } = store.get(name);
      const before = flows.get(name);
      const file = flows.file(name);
      if (published !== null) {
        this.#refuseWhileNeeded(name, file);
        if (file) await prompts.prepare(file);
      }
      await store.remove(name);
      log.info({ flow: name, change: 'deleted', version: published, by }, 'flow');
      if (published === null) return;
      flows.withdraw(name);
      if (before) prompts.replaced(before);
      events.announce({ type: 'flow.deleted', flow: name, by });
    });
  }

  #refuseWhileNeeded(name: string, file: Flow | undefined): void {
    const { flows, routes, running, known } = this.#options;
    const needs = needsOf(name, flows.values(), routes);
    const needed = needs.filter(({ types }) => !file || !types.includes(file.type)).map(({ by }) => by);
    const broken = file ? missingUses(file, flows.with(name, file), known) : [];
    const users = [
      ...needed,
      ...callsThatNeed(name, running()),
      ...broken.map((one) => `the file that would take its place is not valid: ${one}`),
    ];
    if (users.length > 0) throw new TacetError('flow-in-use', undefined, { neededBy: users });
  }

  /** The flow of a document, checked as the loader does and with its prompts made. */
  async #ready(name: string, { document, fileName }: StoredDocument): Promise<Flow> {
    const { checker, flows, routes, prompts } = this.#options;
    const needs = needsOf(name, flows.values(), routes);
    const { problems, flow } = await checker.load(document, { name, needs }, fileName);
    if (!flow) throw new TacetError('flow-not-valid', undefined, { problems });
    await prompts.prepare(flow).catch((error: unknown) => {
      prompts.replaced(flow);
      if (!(error instanceof MediaError && error.code === 'bad-audio')) throw error;
      const problem = { line: 1, column: 1, message: error.message, remedy: 'correct the prompt' };
      throw new TacetError('flow-not-valid', undefined, { problems: [problem], cause: error });
    });
    return flow;
  }

  #use(flow: Flow, { name }: FlowRecord, published: number, { by }: Author): void {
    const { store, flows, prompts, events } = this.#options;
    const before = flows.get(name);
    flows.put({ ...flow, version: published, fileName: store.fileName(name, published) });
    if (before) prompts.replaced(before);
    const previous = before?.version ?? null;
    events.announce({ type: 'flow.published', flow: name, version: published, previous, by });
  }

  #audit(change: string, { name, revision, published }: FlowRecord, { by }: Author): void {
    this.#options.log.info({ flow: name, change, revision, version: published, by }, 'flow');
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
