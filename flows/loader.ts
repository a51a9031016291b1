import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { checkAcknowledgement } from './acknowledgement.js';
import { bareName } from './actions/fields.js';
import { ACTIONS } from './actions/registry.js';
import { ActionBuilder } from './build.js';
import { FlowCheck } from './check.js';
import type { FieldKind } from './commands.js';
import { type FlowDocument, type Path, readDocument } from './document.js';
import { Endings } from './endings.js';
import { type Action, actionsOf, type Flow, type FlowSet, type VariableDeclaration } from './flow.js';
import { checkEndlessLoops, checkLoopActions } from './loops.js';
import { nearest } from './nearest.js';
import { FlowError, type FlowProblem } from './problems.js';
import { promptItems, staticItem } from './prompt.js';
import { Header } from './schema.js';
import { schemaProblems } from './schema-problems.js';
import { buildTasks, calledFirst } from './tasks.js';

export type { Flow, FlowSet } from './flow.js';
export { FlowError, type FlowProblem, formatProblem } from './problems.js';

/** Types of DESIGN.md section 4 that this version does not run. */
const LATER_TYPES = new Set(['outbound', 'inQueue', 'bot', 'module']);

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
  return load(source, fileName).flow;
}

/**
 * Reads every `*.yaml` of the directories and checks the flows against each other and their prompt files.
 * Names are unique in a directory; a flow replaces the one of the same name in an earlier directory.
 * Rejects with one {@link FlowError} that has the problems of all files.
 */
export async function loadLibrary(directories: readonly string[]): Promise<FlowSet> {
  const problems: FlowProblem[] = [];
  const loaded: Loaded[] = [];
  for (const file of await flowFiles(directories, problems)) {
    try {
      loaded.push(load(await readFile(file, 'utf8'), file));
    } catch (error) {
      if (!(error instanceof FlowError)) throw error;
      problems.push(...error.problems);
    }
  }
  const flows = new Map<string, Loaded>();
  for (const one of loaded) {
    const other = flows.get(one.flow.name);
    if (other?.flow.directory === one.flow.directory) {
      const message = `the name '${one.flow.name}' is taken by ${other.flow.fileName}`;
      problems.push(problemAt(one, ['name'], message, 'give every flow a name of its own'));
    } else flows.set(one.flow.name, one);
  }
  const broken = problems.length > 0;
  const library = new Map([...flows].map(([name, { flow }]) => [name, flow]));
  for (const one of flows.values()) {
    const { directory } = one.flow;
    problems.push(...transferProblems(one, library, broken), ...(await fileProblems(one, directory)));
  }
  if (problems.length > 0) throw new FlowError(problems);
  return library;
}

/** What the flows of a library have to say about a document beside them. */
export type LibraryFlow = Pick<Flow, 'type' | 'directory'>;

/**
 * Every problem of one document that would stand in `fileName` beside the flows of a library. It takes the place of the
 * flow of its name, and that one's directory.
 */
export async function documentProblems(
  source: string,
  fileName: string,
  library: ReadonlyMap<string, LibraryFlow>,
): Promise<readonly FlowProblem[]> {
  try {
    const one = load(source, fileName);
    const { name, type, directory } = one.flow;
    const replaced = { type, directory: library.get(name)?.directory ?? directory };
    const flows = new Map(library).set(name, replaced);
    return [...transferProblems(one, flows, false), ...(await fileProblems(one, replaced.directory))];
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    return error.problems;
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

function transferProblems(
  one: Loaded,
  flows: ReadonlyMap<string, LibraryFlow>,
  broken: boolean,
): FlowProblem[] {
  return [...one.paths].flatMap(([action, path]) => {
    const name = 'flow' in action.fields ? String(action.fields.flow) : null;
    if (action.do !== 'transferToSecureFlow' || name === null) return [];
    const target = flows.get(name);
    if (target?.type === 'secure' || (!target && broken)) return [];
    const meant = nearest(name, flows.keys());
    const message = target ? `the flow '${name}' is of type ${target.type}` : `there is no flow '${name}'`;
    const remedy = target || !meant ? 'name a flow of type secure' : `did you mean '${meant}'?`;
    return [problemAt(one, [...path, 'flow'], message, remedy)];
  });
}

async function fileProblems(one: Loaded, directory: string): Promise<FlowProblem[]> {
  const problems: FlowProblem[] = [];
  for (const [action, path] of one.paths) {
    const prompts = ACTIONS.get(action.do)?.prompts?.(action.fields) ?? [];
    for (const item of prompts.flatMap((prompt) => promptItems(prompt))) {
      const audio = typeof item === 'object' ? staticItem(item, directory) : null;
      if (!audio || !('file' in audio)) continue;
      const exists = await access(audio.file).then(
        () => true,
        () => false,
      );
      if (!exists) {
        problems.push(
          problemAt(one, path, `there is no file ${audio.file}`, 'record it, or correct its path'),
        );
      }
    }
  }
  return problems;
}

function load(source: string, fileName: string): Loaded {
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
  const flow: Flow = {
    name: header.name,
    type: header.type,
    description: header.description ?? '',
    fileName,
    source,
    acknowledgement: header.acknowledgement ?? null,
    directory: resolve(dirname(fileName)),
    ...variables,
    dataNames: dataNames(builder.sound.keys()),
    tasks,
    onError,
  };
  const check = new FlowCheck(flow, collectedKinds(builder.sound.keys()), (path, message, remedy) =>
    report(path, false, message, remedy),
  );
  for (const [action, path] of builder.sound) check.action(action, path);
  const order = calledFirst(tasks, builder.sound, report);
  checkLoopActions(flow, builder.sound, report);
  checkAcknowledgement(header, builder.sound, report);
  if (problems.length === 0) {
    checkEndlessLoops(flow, builder.sound, report);
    checkEndings(flow, new Endings(tasks, order), builder.sound, report);
  }
  if (problems.length > 0) throw new FlowError(inOrder(problems));
  return { flow, document, paths: builder.sound };
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
      isLater ? 'use type: inbound or type: secure' : remedy,
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

function collectedKinds(actions: Iterable<Action>): Map<string, Set<FieldKind>> {
  const kinds = new Map<string, Set<FieldKind>>();
  for (const { do: name, fields } of actions) {
    if (name !== 'collectInput' || !('into' in fields) || !('field' in fields)) continue;
    const into = String(fields.into);
    if (!into.startsWith('secure.')) continue;
    const variable = bareName(into);
    kinds.set(variable, (kinds.get(variable) ?? new Set<FieldKind>()).add(fields.field as FieldKind));
  }
  return kinds;
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
