import Type, { type Static } from 'typebox';
import { Expression } from './actions/fields.js';
import { SpeechError } from './speech/wording.js';

/** A language by its tag (BCP 47). No key of an item has the form of one. */
export const LANGUAGE = '^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$';
const TAG = new RegExp(LANGUAGE);

const strict = { additionalProperties: false } as const;
const expression = (description: string) => Type.String({ minLength: 1, description });

const TextItem = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: 'text to be spoken, with {{ expression }} insertions',
});
const FileItem = Type.Object({ file: expression('a WAV file, relative to the flow document') }, strict);
const NumberItem = Type.Object({ number: Expression }, { ...strict, description: 'a number in words' });
const MoneyItem = Type.Object(
  {
    money: Expression,
    currency: expression('a code of ISO 4217, as EUR, or an expression'),
  },
  { ...strict, description: "minor units (cents), or a text with the currency's decimals" },
);
const DateItem = Type.Object({ date: expression('an expression that is a text as 2026-11-27') }, strict);
const TimeItem = Type.Object({ time: expression('an expression that is a text as 15:30') }, strict);
const DigitsItem = Type.Object(
  { digits: expression('an expression, spelled character by character') },
  strict,
);

export const PromptItem = Type.Union([
  TextItem,
  FileItem,
  NumberItem,
  MoneyItem,
  DateItem,
  TimeItem,
  DigitsItem,
]);
export type PromptItem = Static<typeof PromptItem>;

/** An item that says a value. */
export type SpokenItem = Exclude<PromptItem, string | { file: string }>;

const Several = Type.Array(PromptItem, { minItems: 1, maxItems: 50 });
const Translated = Type.Record(Type.String({ pattern: LANGUAGE }), Type.Union([PromptItem, Several]), {
  ...strict,
  minProperties: 1,
  description: 'an item, or a list of items, by language',
});
export type Translated = Static<typeof Translated>;

const Entry = Type.Union([PromptItem, Translated]);

export const Prompt = Type.Union([Entry, Type.Array(Entry, { minItems: 1, maxItems: 50 })], {
  description:
    'a text to be spoken, {file: x.wav}, an item with number, money, date, time or digits, ' +
    '{en-US: ...} by language, or a list of these',
});
export type Prompt = Static<typeof Prompt>;

/** One part of a prompt: the same in every language, or by language. */
type PromptPart = { readonly item: PromptItem } | { readonly byLanguage: Translated };

export function promptParts(prompt: Prompt | undefined): readonly PromptPart[] {
  if (prompt === undefined) return [];
  return Array.isArray(prompt) ? prompt.map(partOf) : [partOf(prompt)];
}

function partOf(entry: Static<typeof Entry>): PromptPart {
  const isItem = typeof entry === 'string' || !Object.keys(entry).every((key) => TAG.test(key));
  return isItem ? { item: entry as PromptItem } : { byLanguage: entry as Translated };
}

/** What a prompt says in a language. Throws {@link SpeechError} when it has nothing in that one. */
export function promptItems(prompt: Prompt | undefined, language: string): readonly PromptItem[] {
  return promptParts(prompt).flatMap((part) => {
    if ('item' in part) return [part.item];
    const items = Object.hasOwn(part.byLanguage, language) ? part.byLanguage[language] : undefined;
    if (items === undefined) throw new SpeechError('the prompt has no such language', 'add it');
    return items;
  });
}
