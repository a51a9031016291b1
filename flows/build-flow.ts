import { dirname, resolve } from 'node:path';
import { checkAcknowledgement } from './acknowledgement.js';
import { ACTIONS } from './actions/registry.js';
import { buildBot, isBot } from './bots/build-bot.js';
import { ActionBuilder } from './build.js';
import { FlowCheck, type OtherFlows } from './check.js';
import { collectedKinds } from './collected-kinds.js';
import { type FlowDocument, type Path, readDocument } from './document.js';
import { Endings } from './endings.js';
import { type Action, actionsOf, type Flow, type VariableDeclaration } from './flow.js';
import { declaredLanguages } from './languages.js';
import { checkEndlessLoops, checkLoopActions } from './loops.js';
import { buildPorts, checkSecureOutputs } from './ports.js';
import { FlowError, type FlowProblem } from './problems.js';
import { Header } from './schema.js';
import { schemaProblems } from './schema-problems.js';
import { buildTasks, calledFirst } from './tasks.js';

/** A flow with what is needed to point into its document. */
export interface Loaded {
  readonly flow: Flow;
  readonly document: FlowDocument;
  readonly paths: ReadonlyMap<Action, Path>;
}

/** A document as far as it can be made sense of, with the problems on the way. */
export interface Built extends Loaded {
  /** For the acknowledgement in it. */
  readonly header: Pick<Header, 'acknowledgement'>;
  readonly problems: FlowProblem[];
  readonly report: HeaderReport;
}

/** Makes a flow of a document, as far as it can be. Throws FlowError when nothing can be made of it. */
export function buildFlow(source: string, fileName: string): Built {
  const document = readDocument(source, fileName);
  const problems: FlowProblem[] = [];
  const report = (path: Path, isKey: boolean, message: string, remedy: string): void => {
    const place = isKey ? document.keyPlace(path) : document.place(path);
    problems.push({ file: fileName, ...place, message, remedy });
  };
  if (isBot(document.value)) {
    const bot = buildBot(document.value, { source, fileName }, report);
    if (!bot) throw new FlowError(problems);
    return { ...bot, header: {}, document, problems, report };
  }
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
    bot: null,
    modules: {},
    secureModules: [],
  };
  return { flow, document, paths: builder.sound, header, problems, report };
}

/**
 * Checks a document beside the flows that are known; null: other documents are not looked at. Throws FlowError with every
 * problem of it.
 */
export function checkedFlow({ header, problems, report, ...one }: Built, others: OtherFlows | null): Loaded {
  const { flow, paths } = one;
  const collected = collectedKinds(flow, paths.keys(), others?.flows ?? null);
  const check = new FlowCheck(flow, collected, others, (path, message, remedy) =>
    report(path, false, message, remedy),
  );
  for (const [action, path] of paths) check.action(action, path);
  if (!flow.bot) checkSecureOutputs(flow.outputs, collected, report);
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
    report(path, isKey, message, remedy);
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
  if (flow.type === 'module' || flow.type === 'bot') return;
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
