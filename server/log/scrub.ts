const MASK = '[redacted]';

/** Shortest and longest card number (ISO/IEC 7812-1), in digits. */
const SHORTEST = 12;
const LONGEST = 19;

/** Kept, though their digits may look like a long run: no card number is written like them. */
const UUID_V4 = '(?=[0-9-]*[a-f])[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const KEPT = `(?<![0-9A-Za-z.])(?:${UUID_V4}|${OCTET}(?:\\.${OCTET}){3})(?![0-9A-Za-z.])`;

/** At least 12 digits, neighbours parted by at most two separators. */
const RUN = '\\d(?:[\\s\\u00a0./_-]{0,2}\\d){11,}';

const CANDIDATE = new RegExp(`(${KEPT})|${RUN}`, 'g');

/** Luhn check (ISO/IEC 7812-1 annex B) of `length` digits from `start`. */
function passesLuhn(digits: string, start: number, length: number): boolean {
  let sum = 0;
  for (let index = 0; index < length; index += 1) {
    const digit = digits.charCodeAt(start + length - 1 - index) - 48;
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Whether 12 to 19 neighbouring digits pass Luhn: a card number may have an expiry or a code stuck to it. */
function holdsCardNumber(digits: string): boolean {
  for (let start = 0; start + SHORTEST <= digits.length; start += 1) {
    const most = Math.min(LONGEST, digits.length - start);
    for (let length = SHORTEST; length <= most; length += 1) {
      if (passesLuhn(digits, start, length)) return true;
    }
  }
  return false;
}

/** Masks every run of 12 and more digits that can hold a card number, separators included. */
export function scrubText(text: string): string {
  return text.replace(CANDIDATE, (run: string, kept: string | undefined) =>
    kept === undefined && holdsCardNumber(run.replace(/\D/g, '')) ? MASK : run,
  );
}

/** A JSON string (a key or a value), or a JSON number. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/** Lists of 12 and more single digits, or of their ASCII codes (a Buffer in JSON). */
const DIGIT_LIST = /\[(?:"?\d"?,){11,}"?\d"?\]|\[(?:(?:4[89]|5[0-7]),){11,}(?:4[89]|5[0-7])\]/g;

function scrubToken(token: string): string {
  if (token[0] !== '"') return scrubText(token) === token ? token : `"${MASK}"`;
  // Escapes can hide digits and separators (`\u0034`, `\n`); malformed text is scrubbed as it stands.
  if (!token.includes('\\')) return scrubText(token);
  try {
    return JSON.stringify(scrubText(JSON.parse(token)));
  } catch {
    return scrubText(token);
  }
}

/** Text fields that are never written, at any depth. */
const SECRET_FIELD = /("(?:authorization|token|password|secret|digits|body|sdp)":)"(?:[^"\\]|\\.)*"/gi;

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const LAST_ASCII = 0x7f;
const MOST_SEPARATORS = 2;

/** False when no {@link RUN} can be in the text: counts what is not ASCII, and all white space, as a separator. */
function mayHoldRun(text: string): boolean {
  let digits = 0;
  let separators = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= DIGIT_0 && code <= DIGIT_9) {
      digits += 1;
      separators = 0;
      if (digits === SHORTEST) return true;
    } else if (digits > 0) {
      separators += 1;
      if (separators > MOST_SEPARATORS || !maySeparate(code)) digits = 0;
    }
  }
  return false;
}

function maySeparate(code: number): boolean {
  if (code <= 0x20 || code > LAST_ASCII) return true;
  return code === 0x2d || code === 0x2e || code === 0x2f || code === 0x5f;
}

/** Whether a line may hold a run of digits, a list, or an escape that hides either. Most lines do not: a call writes six. */
function maySuffer(line: string): boolean {
  return line.includes('[') || line.includes('\\') || mayHoldRun(line);
}

/** Scrubs one JSON line; valid JSON stays valid. Works on the text, since parsing would round long numbers. */
export function scrubLine(line: string): string {
  const scrubbed = maySuffer(line) ? line.replace(TOKEN, scrubToken).replace(DIGIT_LIST, `"${MASK}"`) : line;
  return scrubbed.replace(SECRET_FIELD, `$1"${MASK}"`);
}
