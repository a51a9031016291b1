import type {
  CaptureError,
  CollectCommand,
  DataResult,
  FieldKind,
  FlowCommand,
  PlainValue,
} from '../../flows/commands.js';
import type { CalendarDay } from '../../flows/fields/date.js';
import { checkField } from '../../flows/fields/field.js';
import { SecureValue } from './secure-value.js';

/** Below this many digits a value is too common to be looked for in other text. */
const FINDABLE_DIGITS = 8;

/**
 * Under what name the keys of a field are held: what was asked for in the open must not take the place of a secure value
 * of its name. The names of a module's call begin with that call, and no other has a dot.
 */
export function heldAs({ scope, name }: CollectCommand['into']): string {
  return scope === 'secure' ? name : `${scope}.${name}`;
}

/** The secure variables of one secure session, by name. {@link wipe} zeroes them all, for good. */
export class SecureValues {
  readonly #values = new Map<string, { kind: FieldKind; value: SecureValue }>();
  #wiped = false;

  /** A fresh, empty value under this name; one that was there is zeroed first. Throws after {@link wipe}. */
  create(name: string, kind: FieldKind): SecureValue {
    if (this.#wiped) throw new Error('the secure session has ended');
    this.drop(name);
    const value = new SecureValue();
    this.#values.set(name, { kind, value });
    return value;
  }

  /**
   * Takes in the secure outputs of a secure data action, by output name; a value that was there is zeroed first. Wipes
   * those that no variable is named for, and all after {@link wipe}.
   */
  takeOutputs(outputs: ReadonlyMap<string, SecureValue>, names: Readonly<Record<string, string>>): void {
    for (const [output, value] of outputs) {
      const name = names[output];
      if (name === undefined || this.#wiped) value.wipe();
      else {
        this.drop(name);
        this.#values.set(name, { kind: 'digits', value });
      }
    }
  }

  /**
   * Fills the value of this name with the digits of plain data. Returns what is wrong with them as the field; then nothing
   * is held.
   */
  fill({ into, field, value: text }: FlowCommand & { do: 'fill' }, today: CalendarDay): CaptureError | null {
    const value = this.create(into, field.kind);
    const fits = [...text].filter(isDigit).every((digit) => value.append(digit.charCodeAt(0)));
    const facts = { cardBrand: null, now: today };
    const error = fits
      ? value.use('field-check', (digits) => checkField(field, digits, facts))
      : 'invalid-input';
    if (error !== null) this.drop(into);
    return error;
  }

  /** Those of the names that hold a value. */
  held(names: readonly string[]): readonly string[] {
    return names.filter((name) => (this.get(name)?.length ?? 0) > 0);
  }

  get(name: string): SecureValue | undefined {
    return this.#values.get(name)?.value;
  }

  drop(name: string): void {
    this.#values.get(name)?.value.wipe();
    this.#values.delete(name);
  }

  /** Zeroes all that was keyed: the next flow of the session begins with nothing. */
  clear(): void {
    for (const name of [...this.#values.keys()]) this.drop(name);
  }

  /** Security codes must not outlive the authorisation, whatever its outcome (PCI DSS 3.3.1). */
  dropSecurityCodes(): void {
    for (const [name, { kind }] of [...this.#values]) {
      if (kind === 'securityCode') this.drop(name);
    }
  }

  /** Secure values by input name, as a charge takes them; null when one was never keyed. */
  inputs(names: Readonly<Record<string, string>>): Map<string, SecureValue> | null {
    const inputs = new Map<string, SecureValue>();
    for (const [input, name] of Object.entries(names)) {
      const value = this.get(name);
      if (!value) return null;
      inputs.set(input, value);
    }
    return inputs;
  }

  /** What a flow may know of a charge, once it is over: security codes are gone, keyed values are taken out. */
  charged({ status, reason, outputs }: DataResult): DataResult {
    this.dropSecurityCodes();
    return { status, reason: String(this.redact({ reason }).reason), outputs: this.redact(outputs) };
  }

  /** `data` with every text that holds a keyed value of eight digits or more taken out. */
  redact(data: Readonly<Record<string, PlainValue>>): Record<string, PlainValue> {
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [
        key,
        this.#appearsIn(String(value)) ? '[redacted]' : value,
      ]),
    );
  }

  /** Whether something in `data` holds a keyed value of eight digits or more. */
  showIn(data: Readonly<Record<string, PlainValue>>): boolean {
    return Object.values(data).some((value) => this.#appearsIn(String(value)));
  }

  wipe(): void {
    this.#wiped = true;
    this.clear();
  }

  #appearsIn(text: string): boolean {
    const whole = Buffer.from(text);
    const digits = Buffer.from(text.replace(/[^0-9]/g, ''));
    return [...this.#values.values()].some(
      ({ value }) =>
        value.length >= FINDABLE_DIGITS &&
        value.use('field-check', ({ buffer, byteOffset, length }) => {
          const held = Buffer.from(buffer, byteOffset, length);
          return digits.includes(held) || whole.includes(held);
        }),
    );
  }
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}
