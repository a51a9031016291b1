/**
 * Arguments for FreeSWITCH. A command is a line of words: a line break in an argument would end it, and a space begin
 * another word (STACK-NOTES 2.2).
 */

/** Throws when this is not one word without control characters. */
export function word(text: string): string {
  if (!/^[!-~]{1,4000}$/.test(text)) throw new Error('not a word for a FreeSWITCH command');
  return text;
}

/** A channel's identifier. */
export function uuid(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) throw new Error('not a FreeSWITCH channel');
  return text;
}

/** A file that FreeSWITCH plays. Throws when its path holds what FreeSWITCH gives a meaning to. */
export function isSoundPath(path: string): boolean {
  return /^\/[A-Za-z0-9_./+-]{1,500}$/.test(path) && !path.split('/').includes('..');
}

export function soundPath(path: string): string {
  if (!isSoundPath(path)) throw new Error('not a path for FreeSWITCH');
  return path;
}
