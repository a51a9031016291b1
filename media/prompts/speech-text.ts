import { MediaError } from '../media-server.js';

/** More than half a minute of speech in one item is a mistake of the flow's author. */
export const MAX_TEXT_LENGTH = 1000;

const TYPOGRAPHY: readonly (readonly [RegExp, string])[] = [
  [/[\u2018\u2019\u201a\u2032]/gu, "'"],
  [/[\u201c\u201d\u201e\u2033\u00ab\u00bb]/gu, '"'],
  [/[\u2010-\u2015\u2212]/gu, '-'],
  [/\u2026/gu, '...'],
  [/\u00df/gu, 'ss'],
  [/[\u00c6\u00e6]/gu, 'ae'],
  [/[\u00d8\u00f8]/gu, 'o'],
];

/**
 * What the synthesizer is given: printable ASCII, runs of white space as one space, accents taken off.
 * Throws MediaError `bad-audio` when the text is longer than {@link MAX_TEXT_LENGTH} characters or has no
 * letter and no digit. The message does not quote the text, which may hold data of a caller.
 */
export function speakable(text: string): string {
  if (text.length > MAX_TEXT_LENGTH) {
    throw new MediaError('bad-audio', `a text of ${text.length} characters (at most ${MAX_TEXT_LENGTH})`);
  }
  let plain = text;
  for (const [pattern, ascii] of TYPOGRAPHY) plain = plain.replace(pattern, ascii);
  plain = plain
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[^\x21-\x7e]+/g, ' ')
    .trim();
  if (!/[0-9A-Za-z]/.test(plain)) {
    throw new MediaError('bad-audio', `a text of ${text.length} characters with nothing to speak`);
  }
  return plain;
}
