import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { checkAcknowledgement } from './acknowledgement.js';
import { bareName } from './actions/fields.js';
import { ACTIONS } from './actions/registry.js';
import { ActionBuilder } from './build.js';
import { FlowCheck, type OtherFlows } from './check.js';
import type { AudioItem, FieldKind } from './commands.js';
import { type FlowDocument, type Path, readDocument } from './document.js';
import { Endings } from './endings.js';
import {
  type Action,
  actionsOf,
  type Flow,
  type FlowSet,
  type FlowType,
  type VariableDeclaration,
} from './flow.js';
import { type FlowInterfaces, interfaceOf, linked } from './flow-interface.js';
import { declaredLanguages } from './languages.js';
import { checkEndlessLoops, checkLoopActions } from './loops.js';
import { buildPorts, checkSecureOutputs } from './ports.js';
import { FlowError, type FlowProblem } from './problems.js';
import { promptItems } from './prompt.js';
import { fixedAudio, recordedDigits } from './prompt-audio.js';
import { Header } from './schema.js';
import { schemaProblems } from './schema-problems.js';
import { moduleOf } from './secure-use.js';
import { buildTasks, calledFirst } from './tasks.js';
import { type Known, useProblem, usesOf } from './uses.js';

export type { Flow, FlowSet } from './flow.js';
export { FlowError, type FlowProblem, formatProblem } from './problems.js';

/** Types of DESIGN.md section 4 that this version does not run. */
const LATER_TYPES = new Set(['bot']);

/** A flow with what is needed to point into its document. */
interface Loaded {
  readonly flow: Flow;
  readonly document: FlowDocument;
  readonly paths: ReadonlyMap<Action, Path>;
}

/**
 * Reads one flow document. `fileName` names it in problems; prompt files are relative to its directory.
 * Throws {@link FlowError} with every problem found. What concerns other files is checked by {@link loadLibrary}.
 */
export function loadFlow(source: string, fileName: string): Flow {
  return checked(build(source, fileName), null).flow;
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
    built.push(...collect(() => build(source, file)));
  }
  const files = byName(built, problems);
  const directory = directories.at(-1) ?? '.';
  const kept = published.flatMap((document) => collect(() => buildPublished(document, files, directory)));
  const standing = new Map([...files, ...kept.map((one) => [one.flow.name, one] as const)]);
  const library = interfacesOf(standing);
  const others = { flows: library };
  for (const one of [...built, ...kept]) collect(() => checked(one, others));
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
  const one = build(document.source, document.fileName);
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
    const read = build(source, fileName);
    const { name, type } = read.flow;
    const own = resolve(surroundings.directory ?? read.flow.directory);
    const flow: Flow = { ...read.flow, directory: library.get(name)?.directory ?? own };
    const others = new Map(library).set(name, interfaceOf(flow));
    const one = checked({ ...read, flow }, { flows: others });
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
    for (const [action, path] of paths) {
      const prompts = ACTIONS.get(action.do)?.prompts?.(action.fields) ?? [];
      const items = prompts.flatMap((prompt) => promptItems(prompt, language));
      for (const audio of items.flatMap((item) => fixedAudio(item, hearing) ?? [])) add(audio, path);
    }
  }
  return files;
}

/** A document as far as it can be made sense of, with the problems on the way. */
interface Built extends Loaded {
  readonly header: Header;
  readonly problems: FlowProblem[];
  readonly report: HeaderReport;
}

function build(source: string, fileName: string): Built {
  const document = readDocument(source, fileName);
  const problems: FlowProblem[] = [];
  const report = (path: Path, isKey: boolean, message: string, remedy: string): void => {
    const place = isKey ? document.keyPlace(path) : document.place(path);
    problems.push({ file: fileName, ...place, message, remedy });
  };
  const header = readHeader(document.value, report);
  if (!header) throw new FlowError(problems);
  const builder = new ActionBuilder(header.type, report);
  const tasks = buildTasks(header.tasks, builder, report);
  const onError = header.onError === undefined ? [] : builder.block(header.onError, ['onError']);
  const variables = declarations(header, report);
  const { inputs, outputs, ...ports } = buildPorts(header, report);
  const languages = declaredLanguages(header, report);
  const flow: Flow = {
    name: header.name,
    version: null,
    type: header.type,
    description: header.description ?? '',
    fileName,
    source,
    acknowledgement: header.acknowledgement ?? null,
    directory: resolve(dirname(fileName)),
    ...languages,
    inputs,
    outputs,
    variables: { ...variables.variables, ...ports.variables },
    secureVariables: [...variables.secureVariables, ...ports.secureVariables],
    dataNames: dataNames(builder.sound.keys()),
    tasks,
    onError,
    modules: {},
    secureModules: [],
  };
  return { flow, document, paths: builder.sound, header, problems, report };
}

/** Checks a document beside the flows that are known; null: other documents are not looked at. */
function checked({ header, problems, report, ...one }: Built, others: OtherFlows | null): Loaded {
  const { flow, paths } = one;
  const collected = collectedKinds(flow, paths.keys(), others?.flows ?? null);
  const check = new FlowCheck(flow, collected, others, (path, message, remedy) =>
    report(path, false, message, remedy),
  );
  for (const [action, path] of paths) check.action(action, path);
  checkSecureOutputs(flow.outputs, collected, report);
  const order = calledFirst(flow.tasks, paths, report);
  checkLoopActions(flow, paths, report);
  checkAcknowledgement(header, paths, report);
  if (problems.length === 0) {
    // What a caller hears in a queue goes round until an agent answers.
    if (flow.type !== 'inQueue') checkEndlessLoops(flow, paths, report);
    checkEndings(flow, new Endings(flow.tasks, order), paths, report);
  }
  if (problems.length > 0) throw new FlowError(inOrder(problems));
  return one;
}

type HeaderReport = (path: Path, isKey: boolean, message: string, remedy: string) => void;

/** The header when the document has enough of one to go on, or null when nothing below can be made sense of. */
function readHeader(value: unknown, report: HeaderReport): Header | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    report([], false, 'a flow is a mapping', 'begin with name:, type: and tasks:');
    return null;
  }
  const source = value as Partial<Record<string, unknown>>;
  let usable = true;
  for (const { path, isKey, message, remedy } of schemaProblems(Header, source)) {
    const isLater = path[0] === 'type' && LATER_TYPES.has(String(source.type));
    report(
      path,
      isKey,
      isLater ? `flows of type '${source.type}' come in a later version` : message,
      isLater ? 'use type: inbound, outbound, inQueue, secure or module' : remedy,
    );
    usable &&= isKey;
  }
  return usable ? (source as Header) : null;
}

function declarations(header: Header, report: HeaderReport): Pick<Flow, 'variables' | 'secureVariables'> {
  const variables: Record<string, VariableDeclaration> = {};
  const secureVariables: string[] = [];
  for (const [name, source] of Object.entries(header.variables ?? {})) {
    const path = ['variables', name];
    if (source.type === 'secure') {
      secureVariables.push(name);
      if (source.default !== undefined) {
        report([...path, 'default'], true, 'a secure variable has no default', 'remove it');
      }
      continue;
    }
    const empty = { string: '', number: 0, boolean: false }[source.type];
    const value = source.default ?? empty;
    if (typeof value !== source.type) {
      report([...path, 'default'], false, `the default is no ${source.type}`, `give a ${source.type}`);
    }
    variables[name] = { type: source.type, default: value };
  }
  return { variables, secureVariables };
}

function dataNames(actions: Iterable<Action>): string[] {
  const names = new Set(['failure']);
  for (const action of actions) {
    const given = action.name === action.do ? null : action.name;
    const filled = ACTIONS.get(action.do)?.dataName?.(action.fields, given) ?? null;
    if (filled !== null) names.add(filled);
  }
  return [...names];
}

/** What each secure variable of a flow can hold: what is collected into it, by the flow or by others for it. */
function collectedKinds(
  { inputs }: Flow,
  actions: Iterable<Action>,
  flows: FlowInterfaces | null,
): Map<string, Set<FieldKind>> {
  const kinds = new Map<string, Set<FieldKind>>();
  const add = (variable: string, kind: FieldKind): void => {
    kinds.set(variable, (kinds.get(variable) ?? new Set<FieldKind>()).add(kind));
  };
  for (const [name, { type, field }] of Object.entries(inputs)) {
    if (type === 'secure') add(name, field ?? ANY_FIELD);
  }
  for (const action of actions) {
    for (const { variable, kind } of ACTIONS.get(action.do)?.collects?.(action.fields) ?? []) {
      add(variable, kind);
    }
    const module = moduleOf(action);
    if (module === null) continue;
    for (const { output, variable } of secureOutputs(action)) {
      // Alone a document says nothing of what a module gives; loadLibrary does.
      const port = flows?.get(module)?.outputs[output];
      add(variable, flows ? (port?.field ?? ANY_FIELD) : 'cardNumber');
    }
  }
  return kinds;
}

/** What a secure variable counts as that can hold any field: of plain digits nothing but the length is harmless. */
const ANY_FIELD: FieldKind = 'digits';

function secureOutputs({ fields }: Action): { output: string; variable: string }[] {
  if (!('outputs' in fields)) return [];
  return Object.entries(fields.outputs as object).flatMap(([output, reference]) =>
    String(reference).startsWith('secure.') ? [{ output, variable: bareName(String(reference)) }] : [],
  );
}

function checkEndings(
  flow: Flow,
  endings: Endings,
  paths: ReadonlyMap<Action, Path>,
  report: HeaderReport,
): void {
  const blocks = [
    ...Object.values(flow.tasks),
    flow.onError,
    ...[...actionsOf(flow)].flatMap(({ blocks }) => Object.values(blocks)),
  ];
  for (const block of blocks) {
    const last = block.findIndex((action) => endings.action(action));
    const unreached = last < 0 ? undefined : block[last + 1];
    if (!unreached) continue;
    const message = `nothing goes on after ${block[last]?.do}: this action is never reached`;
    report(paths.get(unreached) ?? [], false, message, 'remove it, or move it before');
  }
  if (flow.type === 'module') return;
  const { main = [] } = flow.tasks;
  if (endings.block(main)) return;
  const last = main.at(-1);
  const path = (last && paths.get(last)) ?? ['tasks', 'main'];
  const end = flow.type === 'secure' ? 'returnToAgent or disconnect' : 'disconnect or a transfer';
  report(path, false, 'the flow can go on after its last action', `end every path with ${end}`);
}

function inOrder(problems: readonly FlowProblem[]): FlowProblem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
}
