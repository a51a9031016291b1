import type { FlowFiles, FlowText } from '../../server/flows/flow-files.js';
import type { FlowRecord } from '../../server/flows/flow-record.js';

/** Keeps flows in memory; {@link failure} stands for a disk that is full. */
export class MemoryFlowFiles implements FlowFiles {
  readonly records = new Map<string, FlowRecord>();
  readonly texts = new Map<string, string>();
  failure: Error | null = null;

  async load(): Promise<readonly FlowRecord[]> {
    return [...this.records.values()];
  }

  async save(record: FlowRecord, texts: readonly FlowText[]): Promise<void> {
    if (this.failure) throw this.failure;
    for (const { file, text } of texts) this.texts.set(this.path(record.name, file), text);
    this.records.set(record.name, record);
  }

  async read(name: string, file: string): Promise<string> {
    return this.texts.get(this.path(name, file)) ?? Promise.reject(new Error(`no ${file}`));
  }

  async remove(name: string): Promise<void> {
    if (this.failure) throw this.failure;
    this.records.delete(name);
  }

  path(name: string, file: string): string {
    return `/flows/${name}/${file}`;
  }
}
