/** The crypto suites of SRTP that are spoken (RFC 4568 section 6.2, RFC 7714 section 14.2), best known first, and the bytes of their master key and salt. */
export const SRTP_SUITES = {
  AES_CM_128_HMAC_SHA1_80: { keyBytes: 16, saltBytes: 14 },
  AEAD_AES_128_GCM: { keyBytes: 16, saltBytes: 12 },
} as const;

export type SrtpSuite = keyof typeof SRTP_SUITES;

/** Master key and salt of each direction, one after the other. Whoever holds them fills them with zeros at the end. */
export interface SrtpKeys {
  readonly suite: SrtpSuite;
  readonly localKey: Uint8Array;
  readonly remoteKey: Uint8Array;
}

export function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
