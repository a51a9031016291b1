import Type, { type TUnsafe } from 'typebox';

/** A schema for a length of time between `least` and `most` milliseconds, both shown to the author. */
export function duration(description: string, standard: string): TUnsafe<string> {
  return Type.Unsafe<string>({
    type: 'string',
    pattern: '^[0-9]{1,6}(ms|s)$',
    default: standard,
    description: `${description}, as 5s or 800ms`,
  });
}

/** Milliseconds of a text like `5s` or `800ms`. */
export function milliseconds(text: string): number {
  const number = Number.parseInt(text, 10);
  return text.endsWith('ms') ? number : number * 1000;
}
