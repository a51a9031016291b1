/** E.164 has 15 digits; a dialling prefix of the trunk may stand before. */
const NUMBER = /^\+?[0-9]{2,20}$/;

/** A number as people write it, without its spaces, dots, dashes and brackets; null when it is none. */
export function telephoneNumber(text: string): string | null {
  const number = text.replace(/[\s./()-]/g, '');
  return NUMBER.test(number) ? number : null;
}
