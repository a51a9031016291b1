const ZERO = 48;

/** Digits as ASCII codes: nothing here makes a string of them. */
export function allDigits(digits: Uint8Array): boolean {
  return digits.length > 0 && digits.every((code) => code >= ZERO && code <= ZERO + 9);
}

/** The number that the first `count` digits are. */
export function prefix(digits: Uint8Array, count: number): number {
  return numberAt(digits, 0, count);
}

/** The number that `count` digits from `start` are. */
export function numberAt(digits: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let index = start; index < start + count; index += 1) value = value * 10 + (digits[index] ?? 0) - ZERO;
  return value;
}

/** The Luhn check of ISO/IEC 7812-1 annex B. */
export function luhn(digits: Uint8Array): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = (digits[digits.length - 1 - index] ?? ZERO) - ZERO;
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
