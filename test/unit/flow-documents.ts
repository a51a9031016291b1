import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlowError, formatProblem, loadLibrary } from '../../flows/loader.js';
import { acknowledged } from '../kit/acknowledged.js';

/** Loads documents that stand beside each other, as `a.yaml`, `b.yaml`, ... in their order; what they show is acknowledged. */
export async function libraryOf(...sources: readonly string[]) {
  const directory = await mkdtemp(join(tmpdir(), 'tacet-flows-'));
  try {
    for (const [index, source] of sources.entries()) {
      const document = source.includes('extractSecureData') ? acknowledged(source) : source;
      await writeFile(join(directory, `${String.fromCharCode(97 + index)}.yaml`), document);
    }
    return await loadLibrary([directory]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** `a.yaml:line:column: message (remedy)` of every problem in documents that stand beside each other. */
export async function libraryProblems(...sources: readonly string[]): Promise<string[]> {
  try {
    await libraryOf(...sources);
    return [];
  } catch (error) {
    assert.ok(error instanceof FlowError, String(error));
    return error.problems.map((problem) => formatProblem(problem).replace(/^.*\/(?=\w\.yaml)/, ''));
  }
}
