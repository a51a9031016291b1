import type { PlainValue, Refusal } from './commands.js';

/**
 * Limits of the plain data that leaves a flow under names of the author's: participant attributes and events. The server
 * holds what comes over its API against them too.
 */

/** Attributes of one participant, and entries of one event. */
export const MOST_ENTRIES = 50;

/** Characters of a text. */
export const LONGEST_TEXT = 1000;

type PlainData = Readonly<Record<string, PlainValue>>;

/** `data` with changes on it, null removing an entry; or why these are refused. */
export function changedData(data: PlainData, changes: PlainData): { data: PlainData } | { refusal: Refusal } {
  const entries = Object.entries({ ...data, ...changes });
  const kept = Object.fromEntries(entries.filter(([, value]) => value !== null));
  const refusal = dataRefusal(kept);
  return refusal === null ? { data: kept } : { refusal };
}

/** What is wrong with data by name, or null. The message tells nothing of it. */
export function dataRefusal(data: PlainData): Refusal | null {
  const entries = Object.entries(data);
  if (entries.length > MOST_ENTRIES) {
    return { error: 'too-many-entries', message: `more than ${MOST_ENTRIES} entries` };
  }
  const isLong = entries.some(([, value]) => typeof value === 'string' && value.length > LONGEST_TEXT);
  return isLong ? { error: 'too-long', message: `a text of more than ${LONGEST_TEXT} characters` } : null;
}
