import type { Path } from './document.js';
import type { Flow } from './flow.js';
import { nearest } from './nearest.js';
import { canonicalTag } from './speech/languages.js';

/** What a flow speaks that declares nothing. */
export const DEFAULT_LANGUAGE = 'en-US';

type Report = (path: Path, isKey: boolean, message: string, remedy: string) => void;

/** As a document has them. */
type Declared = Partial<Pick<Flow, 'languages' | 'recordings'>>;

/** The languages of a flow, the first one its default, and where digits of them are recorded. */
export function declaredLanguages(header: Declared, report: Report): Pick<Flow, 'languages' | 'recordings'> {
  const { languages = [DEFAULT_LANGUAGE], recordings = {} } = header;
  const names = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' });
  for (const [index, tag] of languages.entries()) {
    const canonical = canonicalTag(tag);
    const isKnown = canonical !== null && names.of(canonical.split('-')[0] ?? '') !== undefined;
    if (canonical === tag && isKnown) continue;
    const remedy = canonical !== null && isKnown ? `write ${canonical}` : 'give a tag of BCP 47, as de-DE';
    report(['languages', index], false, `'${tag}' is no language tag`, remedy);
  }
  for (const tag of Object.keys(recordings).filter((name) => !languages.includes(name))) {
    report(['recordings', tag], true, ...undeclaredLanguage(tag, languages));
  }
  return { languages, recordings };
}

/** What is wrong with a language that a flow does not declare, and the remedy. */
export function undeclaredLanguage(tag: string, languages: readonly string[]): [string, string] {
  const meant = nearest(tag, languages);
  const remedy = meant
    ? `did you mean ${meant}?`
    : `declare it: languages: [${[...languages, tag].join(', ')}]`;
  return [`'${tag}' is no language of this flow`, remedy];
}
