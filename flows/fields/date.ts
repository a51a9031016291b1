import type { CaptureError, DateFormat, DateRule } from '../commands.js';
import { allDigits, numberAt } from './ascii.js';
import type { CalendarMonth } from './expiry.js';

/** A day as people count it: `{ year: 2026, month: 11, day: 27 }`. */
export interface CalendarDay extends CalendarMonth {
  readonly day: number;
}

/** The day that it is where the process runs. */
export function calendarDay(date: Date): CalendarDay {
  return { year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate() };
}

/** The day of a text as `2026-11-27`; null when there is no such day. */
export function dayOfText(text: string): CalendarDay | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return null;
  const day = { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) };
  return exists(day) ? day : null;
}

/**
 * A day that there is, between the bounds of its rule. A year of two digits is of this century, or of the one before where
 * that alone lies between the bounds.
 */
export function checkDate(digits: Uint8Array, rule: DateRule, today: CalendarDay): CaptureError | null {
  const { format } = rule;
  if (digits.length !== format.length || !allDigits(digits)) return 'invalid-date';
  const year = part(digits, format, 'Y');
  const century = today.year - (today.year % 100);
  const years = format.includes('YYYY') ? [year] : [century + year, century - 100 + year];
  const rest = { month: part(digits, format, 'M'), day: part(digits, format, 'D') };
  const fits = years.some((one) => isBetween({ year: one, ...rest }, rule, today));
  return fits ? null : 'invalid-date';
}

function part(digits: Uint8Array, format: DateFormat, letter: string): number {
  return numberAt(digits, format.indexOf(letter), format.split(letter).length - 1);
}

function isBetween(day: CalendarDay, { notBefore, notAfter }: DateRule, today: CalendarDay): boolean {
  if (!exists(day)) return false;
  const first = bound(notBefore, today);
  const last = bound(notAfter, today);
  return (first === null || order(day) >= order(first)) && (last === null || order(day) <= order(last));
}

function bound(text: string | null, today: CalendarDay): CalendarDay | null {
  return text === 'today' ? today : text === null ? null : dayOfText(text);
}

function exists({ year, month, day }: CalendarDay): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  // Day 0 of the next month is the last one of this.
  const last = new Date(0);
  last.setUTCFullYear(year, month, 0);
  return day <= last.getUTCDate();
}

function order({ year, month, day }: CalendarDay): number {
  return (year * 12 + month) * 31 + day;
}
