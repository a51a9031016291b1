import { readdir, stat } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Flow, FlowSet } from '../flows/flow.js';
import { type FlowProblem, formatProblem } from '../flows/problems.js';
import { type Surroundings, UsageError } from './surroundings.js';

/** The library that every server has; the program runs from dist/. */
const LIBRARY = resolve(fileURLToPath(new URL('../../flows/library/', import.meta.url)));

/** The flows that a command line names. */
export interface FlowPaths {
  /** As the server would read them: the library first, then the rest as it was named. */
  readonly directories: readonly string[];
  /** Absolute. */
  readonly files: readonly string[];
  /** What the server would never read. */
  readonly problems: readonly FlowProblem[];
}

/** Finds files and folders of flows. Throws {@link UsageError} for one that is not there. */
export async function flowPaths(paths: readonly string[], cwd: string): Promise<FlowPaths> {
  const directories = new Set([LIBRARY]);
  const files = new Set<string>();
  const problems: FlowProblem[] = [];
  for (const path of paths) {
    const full = resolve(cwd, path);
    const found = await stat(full).catch(() => null);
    if (!found) throw new UsageError(`there is no file or folder ${path}`);
    const flows = found.isDirectory() ? await flowsIn(full) : [full].filter(isFlow);
    if (flows.length === 0) problems.push(notRead(full, found.isDirectory()));
    directories.add(found.isDirectory() ? full : dirname(full));
    for (const flow of flows) files.add(flow);
  }
  return { directories: [...directories], files: [...files], problems };
}

const isFlow = (name: string): boolean => name.endsWith('.yaml');

async function flowsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter(isFlow)
    .sort()
    .map((name) => resolve(folder, name));
}

function notRead(file: string, isFolder: boolean): FlowProblem {
  const message = isFolder ? 'no flow is in this folder' : 'the server does not read this file';
  return { file, line: 1, column: 1, message, remedy: 'name flow documents *.yaml' };
}

/** The flow of a document. Throws {@link UsageError} when another has taken its place. */
export function flowOf(file: string, flows: FlowSet): Flow {
  const flow = [...flows.values()].find(({ fileName }) => fileName === file);
  if (!flow) throw new UsageError(`${file} is replaced by another flow of the same name`);
  return flow;
}

/** Prints each problem as `file:line:column: message (remedy)`. */
export function reportProblems(problems: readonly FlowProblem[], { stdout, cwd }: Surroundings): void {
  for (const problem of problems) stdout.write(`${formatProblem(fromHere(problem, cwd))}\n`);
}

/** The problem with its file as {@link pathFromHere} names it. */
export function fromHere(problem: FlowProblem, cwd: string): FlowProblem {
  return { ...problem, file: pathFromHere(problem.file, cwd) };
}

/** Relative to the working directory when the file is in it. */
export function pathFromHere(file: string, cwd: string): string {
  const near = relative(cwd, file);
  return near.startsWith('..') ? file : near || '.';
}
