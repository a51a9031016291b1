import type { PlainValue } from '../commands.js';
import { type CalendarDate, SpeechError, type TimeOfDay } from './wording.js';

const DATE = String.raw`(?<year>[1-9]\d{3})-(?<month>\d{2})-(?<day>\d{2})`;
const TIME = String.raw`(?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d)(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-][0-2]\d:[0-5]\d)?`;

/** ISO 8601, as far as it is said: a date, a date with a time, or a time. */
const FORMS = [new RegExp(`^${DATE}(?:T${TIME})?$`), new RegExp(`^${TIME}$`)];

type Parts = Readonly<Record<string, string | undefined>>;

/** The date that a text begins with, as it stands there, in no zone. Throws {@link SpeechError}. */
export function spokenDate(value: PlainValue): CalendarDate {
  const { year, month, day } = partsOf(value);
  if (year === undefined) {
    throw new SpeechError('the value is no date', `give a text as '"2026-11-27"' or '"2026-11-27T15:30"'`);
  }
  return { year: Number(year), month: Number(month), day: Number(day) };
}

/** The time of day that a text ends with, as it stands there, in no zone. Throws {@link SpeechError}. */
export function spokenTime(value: PlainValue): TimeOfDay {
  const { hour, minute } = partsOf(value);
  if (hour === undefined) {
    throw new SpeechError('the value is no time of day', `give a text as '"15:30"' or '"2026-11-27T15:30"'`);
  }
  return { hour: Number(hour), minute: Number(minute) };
}

/** Nothing of a text that is no moment, or whose day its month does not have. */
function partsOf(value: PlainValue): Parts {
  const text = typeof value === 'string' ? value : '';
  const parts: Parts = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups) ?? {};
  if (parts.year === undefined) return parts;
  const [month, day] = [Number(parts.month), Number(parts.day)];
  const moment = new Date(Date.UTC(Number(parts.year), month - 1, day));
  return moment.getUTCMonth() === month - 1 && moment.getUTCDate() === day ? parts : {};
}
