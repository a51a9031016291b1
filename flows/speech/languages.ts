import { english } from './languages/english.js';
import type { LanguagePack, Wording } from './wording.js';

const PACKS: ReadonlyMap<string, LanguagePack> = new Map([english].map((pack) => [pack.language, pack]));

/** By tag. Only tags that a checked document declares come here, so documents bound it. */
const wordings = new Map<string, Wording>();

/** How a language says values; null for one that cannot be spoken from text. */
export function wordingOf(tag: string): Wording | null {
  const kept = wordings.get(tag);
  if (kept) return kept;
  const wording = PACKS.get(new Intl.Locale(tag).language)?.wording(tag) ?? null;
  if (wording) wordings.set(tag, wording);
  return wording;
}

/** Tags of the languages that can be spoken from text, without their regions. */
export const SPOKEN: readonly string[] = [...PACKS.keys()];
