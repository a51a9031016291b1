import { MediaError } from '../media-server.js';
import { SRTP_SUITES, type SrtpKeys, type SrtpSuite, sameKey } from '../rtp/srtp-suites.js';
import type { CryptoLine } from './crypto.js';

export interface SdesOptions {
  /** Nothing but SRTP: our offers ask for it, and what comes without is refused. */
  readonly required: boolean;
  /** So many bytes of a cryptographic random source; null where there can be no key of this length. */
  readonly newKey: (bytes: number) => Uint8Array | null;
}

/** Keys that take effect with {@link commit}. */
export interface SdesAgreement {
  readonly keys: SrtpKeys;
  /** Ours, for the answer. */
  readonly line: CryptoLine;
  commit(): void;
}

/**
 * The keys of one dialog's audio, offered and answered in `a=crypto` lines (RFC 4568). Once there are any, the dialog
 * stays with SRTP: nothing here goes back to plain RTP.
 */
export class Sdes {
  readonly #newKey: SdesOptions['newKey'];
  #required: boolean;
  #current: (SrtpKeys & { readonly tag: number }) | null = null;
  #offered: readonly CryptoLine[] = [];

  constructor(options: SdesOptions) {
    this.#newKey = options.newKey;
    this.#required = options.required;
  }

  /** Plain RTP is refused. */
  get needed(): boolean {
    return this.#required || this.#current !== null;
  }

  /** From now on plain RTP is refused. */
  require(): void {
    this.#required = true;
  }

  /** What our next offer says: what is in force, unchanged; without it a key of its own for each suite. */
  offer(): readonly CryptoLine[] {
    const current = this.#current;
    if (!current && !this.#required) return [];
    this.#forgetOffer();
    const suites = Object.keys(SRTP_SUITES) as SrtpSuite[];
    this.#offered = current
      ? [{ tag: current.tag, suite: current.suite, key: current.localKey }]
      : suites.flatMap((suite, at) => {
          const key = this.#fresh(suite);
          return key ? [{ tag: at + 1, suite, key }] : [];
        });
    return this.#offered;
  }

  /**
   * Answers the offer's lines, the first one before the others: a key that is in force keeps ours in force, a new one
   * is answered with a new one. Throws MediaError `unsupported-srtp` when none can be used.
   */
  answer(lines: readonly CryptoLine[]): SdesAgreement {
    const current = this.#current;
    const kept = lines.find(
      ({ suite, key }) => current !== null && suite === current.suite && sameKey(key, current.remoteKey),
    );
    if (current && kept) return this.#agreement(kept, current.localKey);
    const chosen = lines.find(({ key }) => !current || !sameKey(key, current.localKey));
    if (!chosen) throw new MediaError('unsupported-srtp', 'the offer holds no a=crypto key but our own');
    const key = this.#fresh(chosen.suite);
    if (!key)
      throw new MediaError('unsupported-srtp', 'the offer holds no a=crypto line of the suite in use');
    return this.#agreement(chosen, key);
  }

  /** The answer's line to our offer. Throws MediaError `insecure` when it is none of those offered. */
  acceptAnswer(lines: readonly CryptoLine[]): SdesAgreement {
    for (const theirs of lines) {
      const ours = this.#offered.find(({ tag, suite }) => tag === theirs.tag && suite === theirs.suite);
      if (ours && !sameKey(ours.key, theirs.key)) return this.#agreement(theirs, ours.key);
    }
    throw new MediaError('insecure', 'the answer takes none of the a=crypto lines offered');
  }

  /** Zeroes every key. */
  close(): void {
    this.#forgetOffer();
    this.#current?.localKey.fill(0);
    this.#current?.remoteKey.fill(0);
  }

  #agreement(theirs: CryptoLine, localKey: Uint8Array): SdesAgreement {
    const { tag, suite, key: remoteKey } = theirs;
    return {
      keys: { suite, localKey, remoteKey },
      line: { tag, suite, key: localKey },
      commit: () => {
        const before = this.#current;
        this.#current = { tag, suite, localKey, remoteKey };
        if (before?.localKey !== localKey) before?.localKey.fill(0);
        if (before?.remoteKey !== remoteKey) before?.remoteKey.fill(0);
        this.#forgetOffer();
      },
    };
  }

  #fresh(suite: SrtpSuite): Uint8Array | null {
    const { keyBytes, saltBytes } = SRTP_SUITES[suite];
    return this.#newKey(keyBytes + saltBytes);
  }

  #forgetOffer(): void {
    for (const { key } of this.#offered) if (key !== this.#current?.localKey) key.fill(0);
    this.#offered = [];
  }
}
