import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeRtpHeader } from '../../media/rtp/packet.js';
import { Srtp } from '../../media/rtp/srtp.js';
import { SRTP_SUITES, type SrtpKeys, type SrtpSuite } from '../../media/rtp/srtp-suites.js';
import { SrtpStream } from '../kit/srtp.js';

const SUITES = Object.keys(SRTP_SUITES) as SrtpSuite[];
const SSRC = 0x11223344;

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (packet: Uint8Array): string => Buffer.from(packet).toString('hex');

function key(suite: SrtpSuite, fill: number): Uint8Array {
  const { keyBytes, saltBytes } = SRTP_SUITES[suite];
  return Uint8Array.from({ length: keyBytes + saltBytes }, (_, at) => fill + at);
}

const keys = (suite: SrtpSuite, local: number, remote: number): SrtpKeys => ({
  suite,
  localKey: key(suite, local),
  remoteKey: key(suite, remote),
});

/** Two ends; `ours` sends with key 1 and `theirs` with key 100. */
function ends(suite: SrtpSuite): { ours: Srtp; theirs: Srtp } {
  return { ours: Srtp.agree(keys(suite, 1, 100), null), theirs: Srtp.agree(keys(suite, 100, 1), null) };
}

function rtp(sequence: number, ssrc = SSRC): Uint8Array {
  const packet = new Uint8Array(172).fill(sequence & 0xff, 12);
  writeRtpHeader(packet, 0, false, sequence & 0xffff, sequence * 160, ssrc);
  return packet;
}

describe('SRTP vectors', () => {
  const plain = `800f1234decafbadcafebabe${'ab'.repeat(16)}`;
  // RFC 3711 appendix B.3 master key and salt; the packets are those that libsrtp checks itself against.
  const vectors: Readonly<Record<SrtpSuite, readonly [master: string, payload: string]>> = {
    AES_CM_128_HMAC_SHA1_80: [
      'e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6',
      '4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb',
    ],
    AEAD_AES_128_GCM: [
      '000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaab',
      'c5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392',
    ],
  };
  for (const suite of SUITES) {
    it(suite, () => {
      const [master, payload] = vectors[suite];
      const srtp = Srtp.agree({ suite, localKey: bytes(master), remoteKey: bytes(master) }, null);
      const packet = srtp.protect(bytes(plain), 28);
      assert.equal(hex(packet), plain.slice(0, 24) + payload);
      assert.equal(hex(srtp.unprotect(packet) ?? new Uint8Array()), plain);
    });
  }

  it("holds the kit's own SRTP too", () => {
    const [master, payload] = vectors.AES_CM_128_HMAC_SHA1_80;
    const packet = new SrtpStream(bytes(master)).protect(Buffer.from(plain, 'hex'));
    assert.equal(hex(packet), plain.slice(0, 24) + payload);
  });
});

for (const suite of SUITES) {
  describe(`SRTP by ${suite}`, () => {
    it('takes each packet once, in whatever order, and none that is too old', () => {
      const { ours, theirs } = ends(suite);
      const packets = Array.from({ length: 300 }, (_, at) => ours.protect(rtp(1000 + at), 172));
      const take = (at: number) => theirs.unprotect(packets[at] ?? new Uint8Array()) !== null;
      for (const at of [0, 5, 3, 4, 1, 2, 200]) assert.ok(take(at), `packet ${at}`);
      for (const at of [0, 3, 5, 200]) assert.ok(!take(at), `packet ${at} again`);
      assert.ok(take(73), 'the oldest of the window');
      assert.ok(!take(72), 'older than the window');
    });

    it('follows the sequence over its end, although hundreds of packets are lost there', () => {
      const { ours, theirs } = ends(suite);
      let last: Uint8Array | null = null;
      for (let sequence = 32_000; sequence < 32_000 + 3 * 65_536; sequence += 1) {
        const packet = ours.protect(rtp(sequence), 172);
        const lost = Math.abs(32_768 - ((sequence + 32_768) & 0xffff)) < 700 || sequence % 97 !== 0;
        if (!lost) last = theirs.unprotect(packet);
        if (!lost) assert.deepEqual(last && Uint8Array.from(last), rtp(sequence));
      }
    });

    it('takes up a far end in the middle of a call, at any of its first rollovers', () => {
      const { ours, theirs } = ends(suite);
      for (let sequence = 0; sequence < 2 * 65_536 + 10; sequence += 1) ours.protect(rtp(sequence), 172);
      assert.ok(theirs.unprotect(ours.protect(rtp(10), 172)));
    });

    it('refuses what was altered anywhere, cut, lengthened, or protected with another key', () => {
      const { ours, theirs } = ends(suite);
      const packet = ours.protect(rtp(1), 172);
      for (let at = 0; at < packet.length; at += 1) {
        const altered = Uint8Array.from(packet);
        altered[at] = (altered[at] ?? 0) ^ 1;
        assert.equal(theirs.unprotect(altered), null, `byte ${at}`);
      }
      for (let length = 0; length < packet.length; length += 1) {
        assert.equal(theirs.unprotect(packet.subarray(0, length)), null);
      }
      assert.equal(theirs.unprotect(Buffer.concat([packet, Buffer.alloc(1)])), null);
      assert.equal(theirs.unprotect(Buffer.concat([packet, Buffer.alloc(3000)])), null);
      assert.equal(ours.unprotect(packet), null, 'our own packet, sent back');
      assert.equal(theirs.unprotect(rtp(2)), null, 'plain RTP');
      assert.ok(theirs.unprotect(packet), 'nothing of it counted');
    });

    it('survives whatever a stranger sends', () => {
      const { theirs } = ends(suite);
      let seed = 9;
      for (let round = 0; round < 2000; round += 1) {
        const packet = Uint8Array.from({ length: round % 400 }, () => {
          seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
          return seed >>> 16;
        });
        if (round % 2) packet[0] = 0x80 | ((packet[0] ?? 0) & 0x3f);
        assert.equal(theirs.unprotect(packet), null);
      }
    });

    it('goes on with a key that stays, and takes the old one until the new one is used', () => {
      const { ours, theirs } = ends(suite);
      const before = [1, 2, 3, 4].map((sequence) => ours.protect(rtp(sequence), 172));
      const take = (srtp: Srtp, packet: Uint8Array | undefined) =>
        srtp.unprotect(packet ?? new Uint8Array()) !== null;
      assert.ok(take(theirs, before[0]));
      assert.equal(Srtp.agree(keys(suite, 100, 1), theirs), theirs, 'nothing changed');
      assert.ok(!take(theirs, before[0]), 'and what came before is known');

      const renewed = Srtp.agree(keys(suite, 100, 50), theirs);
      assert.ok(take(renewed, before[1]), 'in flight');
      assert.ok(!take(renewed, before[1]), 'but not twice');
      const next = Srtp.agree(keys(suite, 50, 100), ours);
      assert.ok(take(renewed, next.protect(rtp(5), 172)));
      assert.ok(!take(renewed, before[2]), 'the old key is gone');

      const reply = renewed.protect(rtp(9, 7), 172);
      const again = Srtp.agree(keys(suite, 50, 100), next);
      assert.ok(take(again, reply), 'the other direction never changed');
    });

    it('zeroes its keys at the end, and takes nothing any more', () => {
      const { ours } = ends(suite);
      const held = keys(suite, 100, 1);
      const srtp = Srtp.agree(held, null);
      srtp.close();
      assert.deepEqual(Buffer.from(held.localKey), Buffer.alloc(held.localKey.length));
      assert.deepEqual(Buffer.from(held.remoteKey), Buffer.alloc(held.remoteKey.length));
      assert.equal(srtp.unprotect(ours.protect(rtp(1), 172)), null);
      const zero = Srtp.agree({ suite, localKey: held.localKey, remoteKey: held.remoteKey }, null);
      assert.equal(srtp.unprotect(zero.protect(rtp(1), 172)), null, 'nor with a key of zeros');
    });
  });
}

describe("SRTP of the engine and of the kit's phone", () => {
  it('read each other, over the end of the sequence', () => {
    const suite = 'AES_CM_128_HMAC_SHA1_80';
    const ours = Srtp.agree(keys(suite, 1, 100), null);
    const incoming = new SrtpStream(key(suite, 1));
    const outgoing = new SrtpStream(key(suite, 100));
    for (let sequence = 65_500; sequence < 65_600; sequence += 1) {
      const packet = Buffer.from(rtp(sequence));
      assert.deepEqual(incoming.unprotect(Buffer.from(ours.protect(packet, 172))), packet);
      assert.deepEqual(Buffer.from(ours.unprotect(outgoing.protect(packet)) ?? []), packet);
    }
  });
});
