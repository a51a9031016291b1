import type { ResultType } from './actions/action.js';
import { isCurrency } from './currency.js';
import type { Path } from './document.js';
import { environment } from './expressions/environment.js';
import { type ExpressionSource, evaluate } from './expressions/evaluate.js';
import { expressionUse } from './expressions/references.js';
import { ExpressionError } from './expressions/values.js';
import type { Flow } from './flow.js';
import { undeclaredLanguage } from './languages.js';
import { type Prompt, type PromptItem, promptParts, type SpokenItem, type Translated } from './prompt.js';
import { isCode, NOTHING, spokenAudio, spokenSources } from './prompt-audio.js';
import { wordingOf } from './speech/languages.js';
import { SpeechError } from './speech/wording.js';

/** What the check of a flow does for a prompt. */
export interface PromptTools {
  problem(key: Path, message: string, remedy: string): void;
  template(key: Path, text: string): void;
  /** Null after a problem. */
  expression(key: Path, source: ExpressionSource, result: ResultType): ResultType | null;
}

/** What the value of an item must be; `money` takes a number or a text. */
const RESULTS: Readonly<Record<string, ResultType>> = { number: 'number', date: 'string', time: 'string' };

const ITEM_KEYS = ['file', 'number', 'money', 'date', 'time', 'digits'];

/** Finds what a prompt lacks in one of the flow's languages, and what cannot be spoken. */
export class PromptCheck {
  readonly #flow: Flow;
  readonly #tools: PromptTools;

  constructor(flow: Flow, tools: PromptTools) {
    this.#flow = flow;
    this.#tools = tools;
  }

  prompt(key: Path, prompt: Prompt | undefined): void {
    const isList = Array.isArray(prompt);
    for (const [index, part] of promptParts(prompt).entries()) {
      const at = isList ? [...key, index] : key;
      if ('byLanguage' in part) this.#translated(at, part.byLanguage);
      else this.#everywhere(at, part.item);
    }
  }

  /** An item for every language of the flow: a text is in one of them only. */
  #everywhere(key: Path, item: PromptItem): void {
    const { languages } = this.#flow;
    if (typeof item === 'string' && languages.length > 1) this.#untranslated(key, item);
    else this.#item(key, item, languages);
  }

  #translated(key: Path, entry: Translated): void {
    const { languages } = this.#flow;
    const missing = languages.filter((tag) => !Object.hasOwn(entry, tag));
    if (missing.length === languages.length) {
      this.#unknown(key, Object.keys(entry));
      return;
    }
    for (const tag of missing) {
      this.#tools.problem(key, `the translation into ${tag} is missing`, `add ${example(tag)}`);
    }
    for (const [tag, items] of Object.entries(entry)) {
      if (!languages.includes(tag)) {
        this.#tools.problem([...key, tag], ...undeclaredLanguage(tag, languages));
      } else if (Array.isArray(items)) {
        for (const [index, item] of items.entries()) this.#item([...key, tag, index], item, [tag]);
      } else this.#item([...key, tag], items, [tag]);
    }
  }

  /** Keys of two or three letters have the form of a language; these may be misspelled items. */
  #unknown(key: Path, [tag = '']: readonly string[]): void {
    const { languages } = this.#flow;
    const remedy = `languages are ${languages.join(', ')}; items are ${ITEM_KEYS.join(', ')}`;
    this.#tools.problem([...key, tag], `'${tag}' is neither a language of this flow nor an item`, remedy);
  }

  #untranslated(key: Path, text: string): void {
    const [first = '', ...missing] = this.#flow.languages;
    this.#tools.template(key, text);
    const translations = [first, ...missing].map(example).join(', ');
    const message = `the text has no translation into ${missing.join(', ')}`;
    this.#tools.problem(key, message, `write {${translations}}`);
  }

  #item(key: Path, item: PromptItem, languages: readonly string[]): void {
    if (typeof item === 'string') {
      this.#tools.template(key, item);
      for (const tag of languages.filter((one) => !wordingOf(one))) {
        this.#tools.problem(key, `${tag} cannot be spoken from text`, 'record it and write {file: x.wav}');
      }
    } else if (!('file' in item)) this.#spoken(key, item, languages);
  }

  #spoken(key: Path, item: SpokenItem, languages: readonly string[]): void {
    if (!this.#expressions(key, item)) return;
    const isConstant = spokenSources(item).every(
      (source) => typeof source !== 'string' || readsNothing(source),
    );
    for (const language of languages) {
      if (!wordingOf(language) && !(hasDigits(item) && Object.hasOwn(this.#flow.recordings, language))) {
        this.#tools.problem(
          key,
          `${kindOf(item)} cannot be spoken in ${language}`,
          unspokenRemedy(item, language),
        );
      } else if (isConstant) this.#constant(key, item, language);
    }
  }

  /** False after a problem. */
  #expressions(key: Path, item: SpokenItem): boolean {
    const kind = kindOf(item);
    const [source = ''] = spokenSources(item);
    const result = this.#tools.expression([...key, kind], source, RESULTS[kind] ?? 'any');
    if (result === 'bool') {
      this.#tools.problem(
        [...key, kind],
        `'${source}' is true or false`,
        'give an expression that is a value',
      );
    }
    if (!('money' in item)) return result !== null && result !== 'bool';
    const currency = this.#currency([...key, 'currency'], item.currency);
    return currency && result !== null && result !== 'bool';
  }

  #currency(key: Path, currency: string): boolean {
    if (!isCode(currency)) return this.#tools.expression(key, currency, 'string') !== null;
    if (isCurrency(currency)) return true;
    this.#tools.problem(key, `'${currency}' is no currency`, 'give a code of ISO 4217, as EUR');
    return false;
  }

  /** An item that is the same in every call either can be spoken, or never. */
  #constant(key: Path, item: SpokenItem, language: string): void {
    try {
      spokenAudio(item, { ...this.#flow, language }, (source) => evaluate(source, NOTHING));
    } catch (error) {
      const isExpected = error instanceof SpeechError || error instanceof ExpressionError;
      if (!isExpected) throw error;
      const remedy = error instanceof SpeechError ? error.remedy : 'correct the expression';
      this.#tools.problem([...key, kindOf(item)], error.message, remedy);
    }
  }
}

function kindOf(item: SpokenItem): string {
  return Object.keys(item).find((key) => key !== 'currency') ?? '';
}

function hasDigits(item: SpokenItem): boolean {
  return 'digits' in item;
}

function unspokenRemedy(item: SpokenItem, language: string): string {
  return hasDigits(item)
    ? `record 0.wav to 9.wav: recordings: {${language}: <folder>}`
    : `give the prompt by language, with digits or {file: x.wav} for ${language}`;
}

/** How a translation into a language is written. */
function example(tag: string): string {
  return `${tag}: ${wordingOf(tag) ? '<text>' : '{file: x.wav}'}`;
}

function readsNothing(source: string): boolean {
  return expressionUse(environment.parse(source).ast).references.length === 0;
}
