import Type from 'typebox';
import { LANGUAGE } from './prompt.js';

/** What every document can say of the languages that it speaks. */
export const LANGUAGE_KEYS = {
  languages: Type.Optional(
    Type.Array(Type.String({ pattern: LANGUAGE, description: 'a tag of BCP 47, as de-DE' }), {
      minItems: 1,
      maxItems: 20,
      uniqueItems: true,
      description: 'a list of languages without repetition, the first one the default, as [en-US, de-DE]',
    }),
  ),
  recordings: Type.Optional(
    Type.Record(Type.String({ pattern: LANGUAGE }), Type.String({ minLength: 1 }), {
      additionalProperties: false,
      description: 'folders with 0.wav to 9.wav by language, as {de-DE: sounds/de-DE}',
    }),
  ),
};
