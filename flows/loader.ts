import { access, readdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ACTIONS } from './actions/registry.js';
import { type Built, buildFlow, checkedFlow, type Loaded } from './build-flow.js';
import type { AudioItem } from './commands.js';
import type { Path } from './document.js';
import type { Flow, FlowSet, FlowType } from './flow.js';
import { type FlowInterfaces, interfaceOf, linked } from './flow-interface.js';
import { FlowError, type FlowProblem } from './problems.js';
import { promptItems } from './prompt.js';
import { fixedAudio, recordedDigits } from './prompt-audio.js';
import { type Known, useProblem, usesOf } from './uses.js';

export type { Flow, FlowSet } from './flow.js';
export { FlowError, type FlowProblem, formatProblem } from './problems.js';

/**
 * Reads one flow document. `fileName` names it in problems; prompt files are relative to its directory.
 * Throws {@link FlowError} with every problem found. What concerns other files is checked by {@link loadLibrary}.
 */
export function loadFlow(source: string, fileName: string): Flow {
  return checkedFlow(buildFlow(source, fileName), null).flow;
}

/**
 * Reads every `*.yaml` of the directories and checks the flows against each other and their prompt files.
 * Names are unique in a directory; a flow replaces the one of the same name in an earlier directory.
 * Rejects with one {@link FlowError} that has the problems of all files.
 */
export async function loadLibrary(directories: readonly string[]): Promise<FlowSet> {
  return (await loadFlows(directories, [])).flows;
}

/** A document that was published, and where it is kept. */
export interface PublishedDocument {
  readonly name: string;
  readonly source: string;
  readonly fileName: string;
  readonly version: number;
}

/** What {@link loadFlows} found: the flows that take calls, and the files' own, replaced ones included. */
export interface LoadedFlows {
  readonly flows: FlowSet;
  readonly files: FlowSet;
}

/** As {@link loadLibrary}, with published documents in the place of the files' flows of their names. */
export async function loadFlows(
  directories: readonly string[],
  published: readonly PublishedDocument[],
): Promise<LoadedFlows> {
  const problems: FlowProblem[] = [];
  const built: Built[] = [];
  const collect = <T>(make: () => T): T[] => {
    try {
      return [make()];
    } catch (error) {
      if (!(error instanceof FlowError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  };
  for (const file of await flowFiles(directories, problems)) {
    const source = await readFile(file, 'utf8');
    built.push(...collect(() => buildFlow(source, file)));
  }
  const files = byName(built, problems);
  const directory = directories.at(-1) ?? '.';
  const kept = published.flatMap((document) => collect(() => buildPublished(document, files, directory)));
  const standing = new Map([...files, ...kept.map((one) => [one.flow.name, one] as const)]);
  const library = interfacesOf(standing);
  const others = { flows: library };
  for (const one of [...built, ...kept]) collect(() => checkedFlow(one, others));
  const broken = problems.length > 0;
  for (const one of standing.values()) {
    problems.push(...useProblems(one, { library, known: null }, broken), ...(await fileProblems(one)));
  }
  if (problems.length > 0) throw new FlowError(problems);
  return { flows: linked(flowsOf(standing)), files: linked(flowsOf(files)) };
}

const flowsOf = (loaded: ReadonlyMap<string, Loaded>): FlowSet =>
  new Map([...loaded].map(([name, { flow }]) => [name, flow]));

const interfacesOf = (loaded: ReadonlyMap<string, Loaded>): FlowInterfaces =>
  new Map([...loaded].map(([name, { flow }]) => [name, interfaceOf(flow)]));

function byName(loaded: readonly Built[], problems: FlowProblem[]): Map<string, Built> {
  const flows = new Map<string, Built>();
  for (const one of loaded) {
    const other = flows.get(one.flow.name);
    if (other?.flow.directory === one.flow.directory) {
      const message = `the name '${one.flow.name}' is taken by ${other.flow.fileName}`;
      problems.push(problemAt(one, ['name'], message, 'give every flow a name of its own'));
    } else flows.set(one.flow.name, one);
  }
  return flows;
}

function buildPublished(
  document: PublishedDocument,
  files: ReadonlyMap<string, Loaded>,
  directory: string,
): Built {
  const one = buildFlow(document.source, document.fileName);
  const { name, version } = document;
  if (one.flow.name !== name) throw new FlowError([misnamed(one, name)]);
  const own = resolve(files.get(name)?.flow.directory ?? directory);
  return { ...one, flow: { ...one.flow, version, directory: own } };
}

const misnamed = (one: Loaded, name: string): FlowProblem =>
  problemAt(one, ['name'], `the flow is kept as '${name}'`, `write name: ${name}`);

/** What a document is checked against. */
export interface Surroundings {
  readonly library: FlowInterfaces;
  /** Where the prompt files of a flow that the library has not are; absent: beside the document. */
  readonly directory?: string;
  /** What the configuration has; null: not looked up. */
  readonly known: Known | null;
  /** The name that it must have; absent for any. */
  readonly name?: string;
  /** Who names it, and the types that it may be of for them. */
  readonly needs?: readonly { readonly by: string; readonly types: readonly FlowType[] }[];
}

/** What {@link checkDocument} found; `flow` is there when nothing is wrong with it. */
export interface DocumentCheck {
  readonly problems: readonly FlowProblem[];
  readonly flow: Flow | null;
}

/**
 * Every problem of one document that would stand in `fileName` beside the flows of a library. It takes the place of the
 * flow of its name, and that one's directory.
 */
export async function checkDocument(
  source: string,
  fileName: string,
  surroundings: Surroundings,
): Promise<DocumentCheck> {
  try {
    const { library, name: wanted, needs = [] } = surroundings;
    const read = buildFlow(source, fileName);
    const { name, type } = read.flow;
    const own = resolve(surroundings.directory ?? read.flow.directory);
    const flow: Flow = { ...read.flow, directory: library.get(name)?.directory ?? own };
    const others = new Map(library).set(name, interfaceOf(flow));
    const one = checkedFlow({ ...read, flow }, { flows: others });
    const problems = [
      ...(wanted === undefined || wanted === name ? [] : [misnamed(one, wanted)]),
      ...needs
        .filter(({ types }) => !types.includes(type))
        .map(({ by, types }) => {
          const message = `${by} needs a flow of type ${types.join(' or ')}`;
          return problemAt(one, ['type'], message, 'keep its type, or change what names it first');
        }),
      ...useProblems(one, { ...surroundings, library: others }, false),
      ...(await fileProblems(one)),
    ];
    return { problems, flow: problems.length === 0 ? flow : null };
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    return { problems: error.problems, flow: null };
  }
}

async function flowFiles(directories: readonly string[], problems: FlowProblem[]): Promise<string[]> {
  const files: string[] = [];
  for (const directory of directories) {
    try {
      const names = await readdir(directory);
      const flows = names.filter((name) => name.endsWith('.yaml')).sort();
      files.push(...flows.map((name) => resolve(directory, name)));
    } catch {
      const message = 'the flow directory cannot be read';
      problems.push({
        file: directory,
        line: 1,
        column: 1,
        message,
        remedy: 'create it, or remove it from the configuration',
      });
    }
  }
  return files;
}

function problemAt(one: Loaded, path: Path, message: string, remedy: string): FlowProblem {
  return { file: one.flow.fileName, ...one.document.place(path), message, remedy };
}

function useProblems(
  one: Loaded,
  { library, known }: Pick<Surroundings, 'library' | 'known'>,
  broken: boolean,
): FlowProblem[] {
  return [...one.paths].flatMap(([action, path]) =>
    usesOf(action, one.flow).flatMap((use) => {
      const problem = useProblem(use, library, known);
      // A flow that is missing among broken documents may be one of them.
      if (!problem || (broken && use.kind === 'flow' && !library.has(use.name))) return [];
      return [problemAt(one, [...path, use.key], problem.message, problem.remedy)];
    }),
  );
}

async function fileProblems(one: Loaded): Promise<FlowProblem[]> {
  const problems: FlowProblem[] = [];
  for (const [file, path] of promptFiles(one)) {
    const exists = await access(file).then(
      () => true,
      () => false,
    );
    if (exists) continue;
    problems.push(problemAt(one, path, `there is no file ${file}`, 'record it, or correct its path'));
  }
  return problems;
}

/** Every file that the flow plays, in every language, with a place where it is named. */
function promptFiles({ flow, paths }: Loaded): Map<string, Path> {
  const files = new Map<string, Path>();
  for (const language of flow.languages) {
    const hearing = { ...flow, language };
    const add = (audio: AudioItem, path: Path): void => {
      if ('file' in audio && !files.has(audio.file)) files.set(audio.file, path);
    };
    for (const audio of recordedDigits(hearing)) add(audio, ['recordings', language]);
    const ofActions = [...paths].map(
      ([action, path]) => [ACTIONS.get(action.do)?.prompts?.(action.fields) ?? [], path] as const,
    );
    const ofBot = Object.entries(flow.bot?.prompts ?? {}).map(
      ([name, prompt]) => [[prompt], ['prompts', name]] as const,
    );
    for (const [prompts, path] of [...ofActions, ...ofBot]) {
      const items = prompts.flatMap((prompt) => promptItems(prompt, language));
      for (const audio of items.flatMap((item) => fixedAudio(item, hearing) ?? [])) add(audio, path);
    }
  }
  return files;
}
