import type { Outcome, Run } from '../actions/action.js';
import type { AudioItem, CollectCommand, FlowEvent, PlainValue } from '../commands.js';
import { isFinal } from '../final-errors.js';
import type { Flow } from '../flow.js';
import { languageFor, misfitOf } from '../module-calls.js';
import { promptItems } from '../prompt.js';
import { fixedAudio, type Hearing } from '../prompt-audio.js';
import type { BotTalk } from '../state.js';
import type { Bot } from './bot.js';
import type { BotReply } from './reply.js';
import { type BotCall, exited, failed, found } from './result.js';

/** Turns that a bot may have in one call of it. */
export const MOST_TURNS = 100;

/** What the digits of a turn are held under; no variable has such a name. */
export const TURN_DIGITS = 'bot-turn';

const FIRST_DIGIT_MS = 5000;
const INTER_DIGIT_MS = 3000;
const TOTAL_MS = 60_000;

type Answered = FlowEvent & { readonly type: 'botAnswered' };
type Collected = FlowEvent & { readonly type: 'collected' };

/**
 * The turns of a remote bot, decided from its answers and the caller's keys alone:
 *
 * ```
 *   start ──▶ answer ──collect──▶ keys, noInput, noMatch ──▶ answer ...
 *               ├──done──▶ say, then the path of the intent
 *               └──what it may not answer──▶ end ──▶ onFailure
 * ```
 */
export function beginTurns(
  fields: BotCall,
  run: Run,
  callee: Flow,
  inputs: Readonly<Record<string, PlainValue>>,
): Outcome {
  if (!run.secure && callee.secureVariables.length > 0) {
    return failed(fields, run, 'secure-bot', 'it runs in secure mode only');
  }
  const misfit = misfitOf(callee, { inputs, secureInputs: {} });
  if (misfit !== null) return failed(fields, run, 'wrong-input', `the input '${misfit}' does not fit`);
  const talk: BotTalk = { turn: 1, filled: [], slot: null, found: null, failure: null };
  return ask(run, callee, talk, 'start', { context: inputs });
}

export function afterBotEvent(fields: BotCall, run: Run, event: FlowEvent): Outcome {
  const { talk } = run;
  const callee = run.callee(fields.bot);
  if (!talk || !callee?.bot) return failed(fields, run, 'unknown-bot', 'the bot is not known');
  switch (event.type) {
    case 'botAnswered':
      return answered(fields, run, callee, callee.bot, talk, event);
    case 'collected':
      return keyed(fields, run, callee, talk, event);
    case 'played':
      return leave(fields, run, talk);
    default:
      return { kind: 'next' };
  }
}

function answered(
  fields: BotCall,
  run: Run,
  callee: Flow,
  bot: Bot,
  talk: BotTalk,
  { result }: Answered,
): Outcome {
  if (talk.failure !== null) return failed(fields, run, talk.failure, 'the bot was given up');
  if (!result.ok) return failed(fields, run, result.error, result.message);
  const { reply } = result;
  const problem = problemOf(reply, bot, run, talk);
  if (problem !== null) return giveUp(run, callee, talk, problem);
  const audio = spoken(reply, bot, { ...callee, language: languageFor(callee, run.language) });
  const { collect } = reply;
  if (collect) {
    if (talk.turn >= MOST_TURNS) return giveUp(run, callee, talk, 'too-many-turns');
    const slot = 'max' in collect ? (collect.slot ?? null) : null;
    const command = collectCommand(fields, run, collect, slot, audio);
    return { kind: 'wait', command, talk: { ...talk, slot } };
  }
  const { intent = '', slots = {} } = reply;
  const over: BotTalk = { ...talk, found: { intent, slots } };
  if (audio.length === 0) return leave(fields, run, over);
  return { kind: 'wait', command: { do: 'play', audio, bargeIn: false }, talk: over };
}

function keyed(fields: BotCall, run: Run, callee: Flow, talk: BotTalk, { result }: Collected): Outcome {
  const next = { ...talk, turn: talk.turn + 1 };
  if (!result.ok) {
    if (isFinal(result.error)) return giveUp(run, callee, talk, result.error);
    return ask(run, callee, next, result.error === 'timeout' ? 'noInput' : 'noMatch');
  }
  if (!run.secure) return ask(run, callee, next, 'digits', { digits: result.value ?? '' });
  const { slot } = talk;
  const filled = slot === null ? talk.filled : [...talk.filled, slot];
  const name = heldFor(fields, slot);
  const secureDigits = { name, keep: name !== TURN_DIGITS };
  return ask(run, callee, { ...next, filled }, 'digits', { secureDigits });
}

function leave(fields: BotCall, run: Run, { found: result }: BotTalk): Outcome {
  return result && result.intent !== ''
    ? found(fields, run, result.intent, result.slots)
    : exited(fields, run, '');
}

/** Has the bot told that it is over; what it says to that is not asked for. */
function giveUp(run: Run, callee: Flow, talk: BotTalk, failure: string): Outcome {
  return ask(run, callee, { ...talk, failure }, 'end');
}

type Said = Partial<Pick<Ask, 'context' | 'digits' | 'secureDigits'>>;
type Ask = Extract<Extract<Outcome, { kind: 'wait' }>['command'], { do: 'botTurn' }>;

function ask(run: Run, callee: Flow, talk: BotTalk, event: Ask['event'], said: Said = {}): Outcome {
  const command: Ask = {
    do: 'botTurn',
    bot: callee.name,
    service: callee.bot?.remote ?? '',
    session: run.occurrence,
    turn: talk.turn,
    event,
    context: said.context ?? {},
    digits: said.digits ?? null,
    secureDigits: said.secureDigits ?? null,
  };
  return { kind: 'wait', command, talk };
}

/** The secure variable that a slot goes into, or the place of digits that nobody keeps. */
function heldFor({ outputs = {} }: BotCall, slot: string | null): string {
  const reference = slot === null ? undefined : outputs[slot];
  return reference?.startsWith('secure.') ? reference.slice('secure.'.length) : TURN_DIGITS;
}

function collectCommand(
  fields: BotCall,
  run: Run,
  collect: NonNullable<BotReply['collect']>,
  slot: string | null,
  audio: readonly AudioItem[],
): CollectCommand {
  const isMenu = 'menu' in collect;
  const { firstDigitTimeoutMs = FIRST_DIGIT_MS, bargeIn = true } = collect;
  const choices = isMenu ? [...new Set(collect.menu)].join('') : '';
  const min = isMenu ? 1 : (collect.min ?? 1);
  const terminator = isMenu ? (choices.includes('#') ? 'none' : '#') : (collect.terminator ?? '#');
  return {
    do: 'collect',
    field: {
      kind: isMenu ? 'menu' : 'digits',
      min,
      max: isMenu ? 1 : collect.max,
      brands: [],
      cardVariable: null,
      ...(isMenu && { choices }),
    },
    into: run.secure
      ? { scope: 'secure', name: heldFor(fields, slot) }
      : { scope: 'menu', name: TURN_DIGITS },
    audio,
    again: null,
    bargeIn,
    firstDigitTimeoutMs,
    interDigitTimeoutMs: isMenu ? firstDigitTimeoutMs : (collect.interDigitTimeoutMs ?? INTER_DIGIT_MS),
    totalTimeoutMs: TOTAL_MS,
    terminator: terminator === 'none' ? null : terminator,
    clearKey: null,
    attempt: 1,
    attempts: 1,
  };
}

/**
 * Why an answer is not followed; null when it is. In secure mode nothing of an answer is free text: the bot has seen what
 * was keyed, and would otherwise have a way to put it into a prompt, a variable or the agent's script.
 */
function problemOf(
  { say = [], collect, done, intent, slots = {} }: BotReply,
  bot: Bot,
  run: Run,
  talk: BotTalk,
) {
  for (const item of say) {
    if (typeof item === 'string') {
      if (run.secure) return 'text-in-secure-mode';
    } else if (!Object.hasOwn(bot.prompts, item.prompt)) return 'unknown-prompt';
  }
  if (collect && 'max' in collect && collect.slot !== undefined) {
    const isSecure = Object.hasOwn(bot.slots, collect.slot) && bot.slots[collect.slot]?.secure;
    if (!isSecure) return 'wrong-slot';
  }
  if (!done) return null;
  return slotProblem(slots, bot, run) ?? intentProblem(intent, slots, bot, talk);
}

function slotProblem(slots: Readonly<Record<string, string>>, bot: Bot, run: Run): string | null {
  for (const [name, value] of Object.entries(slots)) {
    const slot = Object.hasOwn(bot.slots, name) ? bot.slots[name] : undefined;
    if (!slot || slot.secure) return 'wrong-slot';
    if (slot.values === null ? run.secure : !slot.values.includes(value)) return 'wrong-value';
  }
  return null;
}

function intentProblem(
  intent: string | undefined,
  slots: Readonly<Record<string, string>>,
  bot: Bot,
  { filled }: BotTalk,
): string | null {
  if (intent === undefined) return null;
  const needed = Object.hasOwn(bot.intents, intent) ? bot.intents[intent] : undefined;
  if (!needed) return 'wrong-intent';
  const isMissing = (name: string) =>
    !(bot.slots[name]?.secure ? filled.includes(name) : Object.hasOwn(slots, name));
  return needed.some(isMissing) ? 'missing-slot' : null;
}

function spoken({ say = [] }: BotReply, { prompts }: Bot, hearing: Hearing): AudioItem[] {
  return say.flatMap((item): AudioItem[] => {
    if (typeof item === 'string') return item.trim() === '' ? [] : [{ text: item }];
    const items = promptItems(prompts[item.prompt], hearing.language);
    return items.flatMap((one) => fixedAudio(one, hearing) ?? []);
  });
}
