import { nearest } from '../flows/nearest.js';

/** The remedy for an unknown name: what was probably meant, or what there is. */
export function didYouMean(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === null ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`;
}
