import { english } from './languages/english.js';
import type { LanguagePack, Wording } from './wording.js';

const PACKS: ReadonlyMap<string, LanguagePack> = new Map([english].map((pack) => [pack.language, pack]));

/** By tag. Only tags that a checked document declares come here, so documents bound it. */
const wordings = new Map<string, Wording>();

/** A tag as BCP 47 wants it written; null for what is none. */
export function canonicalTag(tag: string): string | null {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null;
  } catch {
    return null;
  }
}

/** How a language says values; null for one that cannot be spoken from text. */
export function wordingOf(tag: string): Wording | null {
  const kept = wordings.get(tag);
  if (kept) return kept;
  // Documents with a wrong tag are checked to their end, and Intl throws on one.
  const pack = canonicalTag(tag) === null ? undefined : PACKS.get(tag.split('-')[0] ?? '');
  const wording = pack?.wording(tag) ?? null;
  if (wording) wordings.set(tag, wording);
  return wording;
}
