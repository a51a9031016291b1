/**
 * Arguments for FreeSWITCH. Its commands are lines of words: a line break would end the command, and a space begin
 * another word (STACK-NOTES 2.2).
 */

/** One word of a command. Throws when it is none. */
export function word(text: string): string {
  if (!/^[A-Za-z0-9_.:/@+*#!-]+$/.test(text)) throw new Error('not a word for a FreeSWITCH command');
  return text;
}

/** A file that FreeSWITCH plays. Throws when the path holds what its file strings give a meaning to. */
export function soundPath(path: string): string {
  if (!/^\/[A-Za-z0-9_./+-]+$/.test(path))
    throw new Error(
      `FreeSWITCH cannot play ${path}: its name has other characters than letters, digits and _ . + -`,
    );
  return path;
}
