import { isAbsolute, resolve } from 'node:path';
import type { AudioItem, PlainValue } from './commands.js';
import { type ExpressionSource, evaluate, type Scope } from './expressions/evaluate.js';
import { parseTemplate, renderTemplate } from './expressions/template.js';
import { ExpressionError } from './expressions/values.js';
import type { Flow } from './flow.js';
import { type Prompt, type PromptItem, promptItems, type SpokenItem } from './prompt.js';
import { spokenCharacters } from './speech/digits.js';
import { wordingOf } from './speech/languages.js';
import { spokenDate, spokenTime } from './speech/moment.js';
import { spokenAmount } from './speech/money.js';
import { spokenNumber } from './speech/number.js';
import { SpeechError } from './speech/wording.js';

/** Where the files of a prompt are, and in which language it is heard. */
export interface Hearing extends Pick<Flow, 'directory' | 'recordings'> {
  readonly language: string;
}

type Read = (source: ExpressionSource) => PlainValue;

/** What an expression sees that needs nothing of a call. */
export const NOTHING: Scope = {
  flow: {},
  call: { id: '', from: '', to: '', invocationData: '', language: '' },
  data: {},
};

const RECORDED = [...'0123456789'];

/** The recorded digits of a language: `0.wav` to `9.wav` in its folder; none when it has no folder. */
export function recordedDigits(hearing: Hearing): AudioItem[] {
  const folder = recordingsOf(hearing);
  return folder === undefined ? [] : RECORDED.map((digit) => fileAudio(`${folder}/${digit}.wav`, hearing));
}

function recordingsOf({ recordings, language }: Hearing): string | undefined {
  return Object.hasOwn(recordings, language) ? recordings[language] : undefined;
}

/** The audio of a prompt in a running call. Throws ExpressionError, for a value that cannot be spoken too. */
export function renderPrompt(prompt: Prompt | undefined, hearing: Hearing, scope: Scope): AudioItem[] {
  try {
    return promptItems(prompt, hearing.language)
      .flatMap((item) => itemAudio(item, hearing, scope))
      .filter((audio) => !('text' in audio) || audio.text.trim() !== '');
  } catch (error) {
    if (!(error instanceof SpeechError)) throw error;
    throw new ExpressionError(`prompt in ${hearing.language}`, error.message);
  }
}

function itemAudio(item: PromptItem, hearing: Hearing, scope: Scope): AudioItem[] {
  if (typeof item === 'string') return [textAudio(renderTemplate(item, scope), hearing)];
  if ('file' in item) return [fileAudio(item.file, hearing)];
  try {
    return spokenAudio(item, hearing, (source) => evaluate(source, scope));
  } catch (error) {
    if (!(error instanceof SpeechError)) throw error;
    throw new ExpressionError(String(Object.values(item)[0]), error.message);
  }
}

/** The audio of a prompt item that is the same in every call; null for one with an expression. */
export function fixedAudio(item: PromptItem, hearing: Hearing): AudioItem[] | null {
  if (typeof item === 'string') {
    const template = parseTemplate(item);
    const isFixed = typeof template !== 'string' && template.expressions.length === 0;
    return isFixed ? [textAudio(item, hearing)] : null;
  }
  if ('file' in item) return [fileAudio(item.file, hearing)];
  const isFixed = spokenSources(item).every((source) => typeof source !== 'string');
  return isFixed ? spokenAudio(item, hearing, (source) => evaluate(source, NOTHING)) : null;
}

/** The expressions of an item that says a value, by key; without a currency that stands there as its code. */
export function spokenSources(item: SpokenItem): readonly ExpressionSource[] {
  if (!('money' in item)) return Object.values(item);
  return isCode(item.currency) ? [item.money] : [item.money, item.currency];
}

/** The audio of an item that says a value. Throws {@link SpeechError}, and what `read` throws. */
export function spokenAudio(item: SpokenItem, hearing: Hearing, read: Read): AudioItem[] {
  const folder = recordingsOf(hearing);
  if ('digits' in item && folder !== undefined) return recorded(read(item.digits), folder, hearing);
  const wording = wordingOf(hearing.language);
  if (!wording) throw unspoken(hearing.language);
  if ('number' in item) return [{ text: wording.number(spokenNumber(read(item.number))) }];
  if ('digits' in item) return [{ text: wording.spell(spokenCharacters(read(item.digits))) }];
  if ('date' in item) return [{ text: wording.date(spokenDate(read(item.date))) }];
  if ('time' in item) return [{ text: wording.time(spokenTime(read(item.time))) }];
  const currency = isCode(item.currency) ? item.currency : read(item.currency);
  return [{ text: wording.money(spokenAmount(read(item.money), currency)) }];
}

function recorded(value: PlainValue, folder: string, hearing: Hearing): AudioItem[] {
  const characters = [...spokenCharacters(value).join('')];
  if (!characters.every((character) => RECORDED.includes(character))) {
    throw new SpeechError('only digits are recorded', 'give a text of digits');
  }
  return characters.map((digit) => fileAudio(`${folder}/${digit}.wav`, hearing));
}

function textAudio(text: string, { language }: Hearing): AudioItem {
  if (!wordingOf(language)) throw unspoken(language);
  return { text };
}

function fileAudio(file: string, { directory }: Hearing): AudioItem {
  return { file: isAbsolute(file) ? file : resolve(directory, file) };
}

/** A currency as it stands in the document; no CEL expression has this form. */
export function isCode(currency: string): boolean {
  return /^[A-Z]{3}$/.test(currency);
}

function unspoken(language: string): SpeechError {
  return new SpeechError(`${language} cannot be spoken from text`, 'record it and write {file: x.wav}');
}
