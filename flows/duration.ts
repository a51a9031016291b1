import Type, { type TUnsafe } from 'typebox';

/** A schema for a length of time; `standard` is what it is when the author gives none, absent where one must be given. */
export function duration(description: string, standard?: string): TUnsafe<string> {
  return Type.Unsafe<string>({
    type: 'string',
    pattern: '^[0-9]{1,6}(ms|s)$',
    ...(standard === undefined ? {} : { default: standard }),
    description: `${description}, as 5s or 800ms`,
  });
}

/** Milliseconds of a text like `5s` or `800ms`. */
export function milliseconds(text: string): number {
  const number = Number.parseInt(text, 10);
  return text.endsWith('ms') ? number : number * 1000;
}

/** The text that {@link milliseconds} reads. */
export function durationText(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
