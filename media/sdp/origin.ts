/**
 * Gives every SDP of one side of a dialog the same origin (o=), whichever endpoint it came from, and a version one
 * higher than before when anything else in it changed (RFC 3264 section 8).
 */
export class SdpOrigin {
  #first: { readonly session: string; readonly address: string } | null = null;
  #version = 0n;
  #body = '';

  /** Text without an o= line comes back as it is. */
  stamp(sdp: string): string {
    const [line, session, version, address] = /^o=(\S+ \S+) (\d+) ([^\r\n]*)/m.exec(sdp) ?? [];
    if (line === undefined || session === undefined || address === undefined) return sdp;
    const body = sdp.replace(line, '');
    if (this.#first === null) {
      this.#first = { session, address };
      this.#version = BigInt(version ?? 0);
    } else if (body !== this.#body) {
      this.#version += 1n;
    }
    this.#body = body;
    const stamped = `o=${this.#first.session} ${this.#version} ${this.#first.address}`;
    return sdp.replace(line, () => stamped);
  }
}
