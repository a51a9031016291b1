import { dirname, resolve } from 'node:path';
import { collectInput } from '../actions/collect-input.js';
import { menu } from '../actions/menu.js';
import type { BuildReport } from '../build.js';
import type { FieldKind } from '../commands.js';
import type { Path } from '../document.js';
import type { Action, Flow, Port, Ports, VariableDeclaration } from '../flow.js';
import { DEFAULT_LANGUAGE, declaredLanguages } from '../languages.js';
import { nearest } from '../nearest.js';
import { type Prompt, promptItems } from '../prompt.js';
import { fixedAudio } from '../prompt-audio.js';
import { schemaProblems } from '../schema-problems.js';
import { SpeechError } from '../speech/wording.js';
import { type Bot, type BotSlot, RESERVED_SLOTS } from './bot.js';
import { BotHeader, COLLECT_KEYS, MENU_KEYS, type SlotSource } from './bot-schema.js';
import { BotCompiler } from './compile.js';

/** A bot flow as far as it can be made sense of. */
export interface BuiltBot {
  readonly flow: Flow;
  readonly paths: ReadonlyMap<Action, Path>;
}

/** True for a document that says that it is a bot. */
export function isBot(document: unknown): document is object {
  return document !== null && typeof document === 'object' && 'type' in document && document.type === 'bot';
}

/** Makes a bot of its document; null when nothing below its header can be made sense of. */
export function buildBot(
  document: object,
  { source, fileName }: Pick<Flow, 'source' | 'fileName'>,
  report: BuildReport,
): BuiltBot | null {
  const problems = schemaProblems(BotHeader, document as Readonly<Record<string, unknown>>);
  for (const { path, isKey, message, remedy } of problems) report(path, isKey, message, remedy);
  if (problems.length > 0) return null;
  const header = document as BotHeader;
  checkIntents(header, report);
  for (const [name, slot] of Object.entries(header.slots ?? {})) checkSlot(header, name, slot, report);
  checkPrompts(header, report);
  const bot = botOf(header);
  const isLocal = bot.remote === null && bot.kind === 'dialogEngine';
  const compiler = new BotCompiler(header);
  const main = isLocal ? compiler.main() : [];
  const flow: Flow = {
    name: header.name,
    type: 'bot',
    description: header.description ?? '',
    fileName,
    source,
    version: null,
    acknowledgement: null,
    directory: resolve(dirname(fileName)),
    ...declaredLanguages(header, report),
    inputs: inputsOf(header),
    ...variablesOf(header, bot, report),
    dataNames: ['failure', 'opening'],
    tasks: { main },
    onError: [],
    bot,
    modules: {},
    secureModules: [],
  };
  return { flow, paths: compiler.paths };
}

function botOf({ kind, remote, intents, slots = {}, prompts = {} }: BotHeader): Bot {
  return {
    kind,
    remote: remote ?? null,
    intents: Object.fromEntries(Object.entries(intents).map(([name, { slots: own = [] }]) => [name, own])),
    slots: Object.fromEntries(Object.entries(slots).map(([name, slot]) => [name, slotOf(slot)])),
    prompts,
  };
}

function inputsOf({ inputs = {} }: BotHeader): Ports {
  const made = Object.entries(inputs).map(([name, { type, default: value }]) => [
    name,
    { type, field: null, required: value === undefined },
  ]);
  return Object.fromEntries(made);
}

function slotOf({ secure = false, choices, values, field }: SlotSource): BotSlot {
  const allowed = values ?? (choices ? Object.values(choices) : null);
  return { secure, field: secure ? ((field as FieldKind | undefined) ?? null) : null, values: allowed };
}

function variablesOf(
  { inputs = {} }: BotHeader,
  { slots }: Bot,
  report: BuildReport,
): Pick<Flow, 'outputs' | 'variables' | 'secureVariables'> {
  const variables: Record<string, VariableDeclaration> = {
    intent: { type: 'string', default: '' },
    exit: { type: 'string', default: '' },
    confirmed: { type: 'boolean', default: false },
  };
  for (const [
    name,
    { type, default: value = { string: '', number: 0, boolean: false }[type] },
  ] of Object.entries(inputs)) {
    if (typeof value !== type)
      report(['inputs', name, 'default'], false, `the default is no ${type}`, `give a ${type}`);
    if (RESERVED_SLOTS.includes(name) || Object.hasOwn(slots, name)) {
      report(['inputs', name], true, `the name '${name}' is taken`, 'choose another name for the input');
    }
    variables[name] = { type, default: value };
  }
  const outputs: Record<string, Port> = {};
  for (const [name, { secure, field }] of Object.entries(slots)) {
    outputs[name] = { type: secure ? 'secure' : 'string', field, required: false };
    if (!secure) variables[name] = { type: 'string', default: '' };
  }
  const secureVariables = Object.keys(slots).filter((name) => slots[name]?.secure);
  return { outputs, variables, secureVariables };
}

function checkIntents({ kind, remote, opening, intents, slots = {} }: BotHeader, report: BuildReport): void {
  const isLocal = remote === undefined && kind === 'dialogEngine';
  const names = Object.keys(intents);
  const keys = new Map<string, string>();
  if (isLocal && !opening && names.length > 1) {
    report(
      ['intents'],
      true,
      'nothing chooses between the intents',
      'add opening: {prompt: ...}, and a key to each',
    );
  }
  if (!isLocal && opening) {
    const what = remote === undefined ? 'a digital bot takes no keys' : 'the remote bot has the turns';
    report(['opening'], true, `${what}: it has no opening here`, 'remove it');
  }
  for (const [name, { key, slots: own = [] }] of Object.entries(intents)) {
    const path = ['intents', name];
    const other = key === undefined ? undefined : keys.get(key);
    if (other !== undefined) {
      report(
        [...path, 'key'],
        false,
        `the key ${key} chooses '${other}' already`,
        'give each intent a key of its own',
      );
    }
    if (key !== undefined) keys.set(key, name);
    if (key !== undefined && !opening)
      report([...path, 'key'], true, 'no opening asks for a key', 'remove it, or add opening:');
    if (isLocal && opening && key === undefined) {
      report(path, true, `nothing chooses '${name}': no media side offers speech yet`, "add key: '1'");
    }
    for (const [index, slot] of own.entries()) {
      if (Object.hasOwn(slots, slot)) continue;
      const meant = nearest(slot, Object.keys(slots));
      const remedy = meant ? `did you mean '${meant}'?` : `add it: slots: {${slot}: ...}`;
      report([...path, 'slots', index], false, `there is no slot '${slot}'`, remedy);
    }
  }
  const used = new Set(Object.values(intents).flatMap(({ slots: own = [] }) => own));
  for (const name of Object.keys(slots)) {
    if (!used.has(name))
      report(
        ['slots', name],
        true,
        `no intent needs the slot '${name}'`,
        'remove it, or list it in an intent',
      );
  }
}

/** Keys of a slot that say something of it, not how it is asked for. */
const ABOUT = ['description', 'secure', 'values', 'choices', 'confirm'];

function checkSlot({ remote, kind }: BotHeader, name: string, slot: SlotSource, report: BuildReport): void {
  const path = ['slots', name];
  if (RESERVED_SLOTS.includes(name)) {
    report(path, true, `the name '${name}' is taken`, 'choose another name: it is a part of every result');
  }
  if (slot.secure && (slot.choices || slot.values)) {
    const key = slot.choices ? 'choices' : 'values';
    report([...path, key], true, 'a choice is told in the open', 'remove secure: true, or ask for digits');
  }
  if (remote !== undefined || kind === 'digital') {
    for (const key of Object.keys(slot).filter((one) => !['description', 'secure', 'values'].includes(one))) {
      report(
        [...path, key],
        true,
        'the bot asks for it in its own way',
        'remove it; secure and values say what it can be',
      );
    }
    return;
  }
  if (slot.values) report([...path, 'values'], true, 'a local bot knows them by its choices', 'use choices');
  if (slot.confirm && (slot.confirm.yes ?? '1') === (slot.confirm.no ?? '2')) {
    report([...path, 'confirm'], false, 'yes and no are the same key', 'choose two keys');
  }
  const [definition, keys, fixed] = slot.choices
    ? [menu, MENU_KEYS, { choices: {} }]
    : [collectInput, COLLECT_KEYS, { into: `flow.${name}`, field: 'digits' }];
  const asked = Object.entries(slot).filter(([key]) => !ABOUT.includes(key));
  const odd = asked.filter(([key]) => key !== 'prompt' && !keys.includes(key));
  for (const [key] of odd) {
    const kindOf = slot.choices ? 'choices' : 'digits';
    report(
      [...path, key],
      true,
      `a slot of ${kindOf} has no ${key}`,
      `known keys: prompt, ${keys.join(', ')}`,
    );
  }
  if (slot.prompt === undefined || odd.length > 0) {
    if (slot.prompt === undefined) report(path, true, `nothing asks for '${name}'`, 'add prompt: a text');
    return;
  }
  const fields = { ...fixed, ...Object.fromEntries(asked) };
  if (slot.choices) return;
  for (const problem of schemaProblems(definition.schema, fields)) {
    report([...path, ...problem.path], problem.isKey, problem.message, problem.remedy);
  }
}

function checkPrompts(
  { remote, prompts = {}, languages = [DEFAULT_LANGUAGE] }: BotHeader,
  report: BuildReport,
): void {
  for (const [name, prompt] of Object.entries(prompts)) {
    const path = ['prompts', name];
    if (remote === undefined) {
      report(path, true, 'only a remote bot says prompts by name', 'remove it, or add remote:');
    }
    for (const language of languages) {
      const [message, remedy] = fixedProblem(prompt, language) ?? [];
      if (message !== undefined && remedy !== undefined) report(path, false, message, remedy);
    }
  }
}

/** Why a prompt cannot be said in every call as it stands there; null when it can. */
function fixedProblem(prompt: Prompt, language: string): readonly [message: string, remedy: string] | null {
  try {
    const hearing = { directory: '/', recordings: {}, language };
    const isFixed = promptItems(prompt, language).every((item) => fixedAudio(item, hearing) !== null);
    if (isFixed) return null;
    return ['a prompt of a remote bot has no expressions', 'write what is the same in every call'];
  } catch (error) {
    if (!(error instanceof SpeechError)) throw error;
    return [`${error.message} (${language})`, error.remedy];
  }
}
