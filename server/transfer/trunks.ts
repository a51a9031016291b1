import type { Refusal } from '../../flows/commands.js';
import { telephoneNumber } from '../../flows/telephone-number.js';

/** One way to the telephone network as the configuration names it. */
export interface TrunkConfig {
  readonly name: string;
  /** SIP URI with `{number}` in it. */
  readonly uri: string;
  /** Shown to the called party; absent: the caller's own number. */
  readonly callerId?: string;
  /** Numbers that may be called: `X` is any digit, `*` at the end any further digits. */
  readonly numbers: readonly string[];
}

/** Where a number is reached. */
export interface NumberRoute {
  readonly uri: string;
  readonly callerId: string | null;
}

interface Trunk extends TrunkConfig {
  readonly allowed: readonly RegExp[];
}

/** The trunks by name, and what may be dialled over each: nothing that its list does not name (toll fraud). */
export class Trunks {
  readonly #trunks: ReadonlyMap<string, Trunk>;

  constructor(trunks: readonly TrunkConfig[]) {
    this.#trunks = new Map(
      trunks.map((trunk) => [trunk.name, { ...trunk, allowed: trunk.numbers.map(allowedNumbers) }]),
    );
  }

  /** Where `number`, as a flow wrote it, is reached over the trunk, or why it is not called. */
  route(name: string, number: string): NumberRoute | Refusal {
    const trunk = this.#trunks.get(name);
    if (!trunk) return { error: 'unknown-trunk', message: 'there is no such trunk' };
    const dialled = telephoneNumber(number);
    if (dialled === null) return { error: 'invalid-number', message: 'this is no telephone number' };
    if (!trunk.allowed.some((pattern) => pattern.test(dialled))) {
      return { error: 'number-not-allowed', message: `the trunk ${name} does not allow this number` };
    }
    return { uri: trunk.uri.replace('{number}', dialled), callerId: trunk.callerId ?? null };
  }
}

/** The schema of the configuration has checked that the pattern holds digits, `+`, `X` and a last `*` only. */
function allowedNumbers(pattern: string): RegExp {
  const digits = pattern.replace('+', '\\+').replaceAll('X', '[0-9]').replace('*', '[0-9]*');
  return new RegExp(`^${digits}$`);
}
