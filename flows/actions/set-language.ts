import Type from 'typebox';
import { ExpressionError } from '../expressions/values.js';
import { undeclaredLanguage } from '../languages.js';
import { LANGUAGE } from '../prompt.js';
import { defineAction } from './action.js';

/** A tag as it stands; no CEL expression over `flow.*`, `call.*` or `data.*` has this form. */
const isTag = (language: string): boolean => new RegExp(LANGUAGE).test(language);

export const setLanguage = defineAction({
  name: 'setLanguage',
  description: 'changes the language in which the caller hears prompts',
  schema: Type.Object(
    {
      language: Type.String({
        minLength: 1,
        description: 'a declared language, as de-DE, or an expression that is one',
      }),
    },
    { additionalProperties: false },
  ),
  blocks: [],
  check({ language }, check) {
    if (!isTag(language)) check.expression(['language'], language, 'string');
    else if (!check.languages.includes(language)) {
      check.problem(['language'], ...undeclaredLanguage(language, check.languages));
    }
  },
  ends: () => false,
  begin({ language: source }, run) {
    const language = isTag(source) ? source : run.evaluate(source);
    if (typeof language !== 'string' || !run.flow.languages.includes(language)) {
      throw new ExpressionError(source, 'the value is no language of this flow');
    }
    return { kind: 'next', language };
  },
});
