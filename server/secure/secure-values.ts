import { SecureValue } from './secure-value.js';

/** The secure variables of one secure session, by name. {@link wipe} zeroes them all, for good. */
export class SecureValues {
  readonly #values = new Map<string, SecureValue>();
  #wiped = false;

  /** A fresh, empty value under this name; one that was there is zeroed first. Throws after {@link wipe}. */
  create(name: string, capacity?: number): SecureValue {
    if (this.#wiped) throw new Error('the secure session has ended');
    this.#values.get(name)?.wipe();
    const value = new SecureValue(capacity);
    this.#values.set(name, value);
    return value;
  }

  get(name: string): SecureValue | undefined {
    return this.#values.get(name);
  }

  drop(name: string): void {
    this.#values.get(name)?.wipe();
    this.#values.delete(name);
  }

  wipe(): void {
    this.#wiped = true;
    for (const value of this.#values.values()) value.wipe();
    this.#values.clear();
  }
}
