import { evaluate, type Scope } from './evaluate.js';
import { ExpressionError } from './values.js';

/** A text with `{{ CEL }}` insertions, taken apart: texts and expression sources in turn. */
export interface Template {
  /** Always one more than `expressions`. */
  readonly texts: readonly string[];
  readonly expressions: readonly string[];
}

const INSERTION = /\{\{([\s\S]*?)\}\}/g;

/** Takes a text apart, or says what is wrong with its braces. */
export function parseTemplate(text: string): Template | string {
  const texts: string[] = [];
  const expressions: string[] = [];
  let end = 0;
  for (const match of text.matchAll(INSERTION)) {
    const source = (match[1] ?? '').trim();
    if (source === '') return 'an insertion {{ }} is empty';
    texts.push(text.slice(end, match.index));
    expressions.push(source);
    end = match.index + match[0].length;
  }
  const rest = text.slice(end);
  if (rest.includes('{{')) return 'an insertion {{ is not closed by }}';
  texts.push(rest);
  return { texts, expressions };
}

/** The text with every insertion replaced by its value. Throws {@link ExpressionError}. */
export function renderTemplate(text: string, scope: Scope): string {
  const template = parseTemplate(text);
  if (typeof template === 'string') throw new ExpressionError(text, template);
  return template.texts
    .map((part, index) => {
      const source = template.expressions[index];
      return source === undefined ? part : part + spoken(evaluate(source, scope));
    })
    .join('');
}

function spoken(value: ReturnType<typeof evaluate>): string {
  return value === null ? '' : String(value);
}
