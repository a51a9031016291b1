import { isAbsolute, resolve } from 'node:path';
import Type, { type Static } from 'typebox';
import type { AudioItem } from './commands.js';
import { evaluate, type Scope } from './expressions/evaluate.js';
import { parseTemplate, renderTemplate } from './expressions/template.js';

const Text = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: 'text to be spoken, with {{ expression }} insertions',
});
const File = Type.Object(
  { file: Type.String({ minLength: 1, description: 'a WAV file, relative to the flow document' }) },
  { additionalProperties: false },
);
const Digits = Type.Object(
  { digits: Type.String({ minLength: 1, description: 'an expression, spelled character by character' }) },
  { additionalProperties: false },
);
const Item = Type.Union([Text, File, Digits]);

export const Prompt = Type.Union([Item, Type.Array(Item, { minItems: 1, maxItems: 50 })], {
  description: 'a text to be spoken, {file: x.wav}, {digits: expression}, or a list of these',
});
export type Prompt = Static<typeof Prompt>;
export type PromptItem = Static<typeof Item>;

export function promptItems(prompt: Prompt | undefined): readonly PromptItem[] {
  if (prompt === undefined) return [];
  return Array.isArray(prompt) ? prompt : [prompt];
}

/** The audio of a prompt in a running call. Throws ExpressionError. */
export function renderPrompt(prompt: Prompt | undefined, directory: string, scope: Scope): AudioItem[] {
  return promptItems(prompt)
    .map((item) => renderItem(item, directory, scope))
    .filter((item) => !('text' in item) || item.text.trim() !== '');
}

function renderItem(item: PromptItem, directory: string, scope: Scope): AudioItem {
  if (typeof item === 'string') return { text: renderTemplate(item, scope) };
  if ('file' in item) return fileItem(item.file, directory);
  return { text: spell(String(evaluate(item.digits, scope) ?? '')) };
}

/** The audio of a prompt item that is the same in every call; null for one with an expression. */
export function staticItem(item: PromptItem, directory: string): AudioItem | null {
  if (typeof item === 'string') {
    const template = parseTemplate(item);
    return typeof template !== 'string' && template.expressions.length === 0 ? { text: item } : null;
  }
  return 'file' in item ? fileItem(item.file, directory) : null;
}

function fileItem(file: string, directory: string): AudioItem {
  return { file: isAbsolute(file) ? file : resolve(directory, file) };
}

/** `4242` becomes `4 2 4 2`, so that speech says the digits and not the number. */
export function spell(text: string): string {
  return [...text.replace(/\s+/g, '')].join(' ');
}
