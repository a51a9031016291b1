import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  clockDistance,
  newRtpView,
  readRtp,
  sequenceDistance,
  writeRtpHeader,
} from '../../media/rtp/packet.js';

const PAYLOAD = [1, 2, 3, 4];

/** A packet by its fields as RFC 3550 section 5.1 draws them. */
function packet(first: number, second: number, rest: readonly number[] = PAYLOAD): Uint8Array {
  return Uint8Array.from([first, second, 0x12, 0x34, 0xf0, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef, ...rest]);
}

describe('RTP packets', () => {
  it('reads a plain packet', () => {
    const view = newRtpView();
    assert.equal(readRtp(packet(0x80, 0x88), view), true);
    assert.deepEqual(view, {
      payloadType: 8,
      marker: true,
      sequence: 0x1234,
      timestamp: 0xf0000001,
      ssrc: 0xdeadbeef,
      start: 12,
      end: 16,
    });
  });

  it('finds the payload behind CSRC list and extension and before padding', () => {
    const csrc = [0, 0, 0, 1, 0, 0, 0, 2];
    const extension = [0xbe, 0xde, 0, 1, 9, 9, 9, 9];
    const view = newRtpView();
    const bytes = packet(0xb2, 0, [...csrc, ...extension, ...PAYLOAD, 0, 2]);
    assert.equal(readRtp(bytes, view), true);
    assert.deepEqual([...bytes.subarray(view.start, view.end)], PAYLOAD);
  });

  const refused: Record<string, Uint8Array> = {
    'nothing at all': new Uint8Array(0),
    'a header without payload': packet(0x80, 0, []),
    'a cut header': packet(0x80, 0).subarray(0, 11),
    'version 1': packet(0x40, 0),
    'a CSRC list longer than the packet': packet(0x8f, 0),
    'an extension header that is cut': packet(0x90, 0, [0, 0]),
    'an extension longer than the packet': packet(0x90, 0, [0, 0, 0, 200, ...PAYLOAD]),
    'padding of zero': packet(0xa0, 0, [1, 2, 3, 0]),
    'padding that swallows the payload': packet(0xa0, 0, [1, 2, 3, 4]),
    'padding longer than the packet': packet(0xa0, 0, [1, 2, 3, 255]),
    'an RTCP receiver report': packet(0x81, 201),
  };
  for (const [what, bytes] of Object.entries(refused)) {
    it(`refuses ${what}`, () => assert.equal(readRtp(bytes, newRtpView()), false));
  }

  it('never throws nor reads beyond the packet, whatever the bytes', () => {
    let seed = 42;
    const random = (): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed >>> 16;
    };
    const view = newRtpView();
    for (let i = 0; i < 20_000; i += 1) {
      const bytes = Uint8Array.from({ length: random() % 64 }, random);
      if (bytes.length > 0 && random() % 2) bytes[0] = 0x80 | (random() & 0x3f);
      if (readRtp(bytes, view))
        assert.ok(view.start >= 12 && view.start < view.end && view.end <= bytes.length);
    }
  });

  it('reads back what it writes', () => {
    const bytes = new Uint8Array(16);
    const view = newRtpView();
    writeRtpHeader(bytes, 101, true, 0xfffe, 0xfffffff0, 0x80000001);
    assert.equal(readRtp(bytes, view), true);
    assert.deepEqual(
      [view.payloadType, view.marker, view.sequence, view.timestamp, view.ssrc],
      [101, true, 0xfffe, 0xfffffff0, 0x80000001],
    );
  });

  it('measures distances across the wrap', () => {
    assert.equal(clockDistance(0xfffffff0, 0x10), 0x20);
    assert.equal(clockDistance(0x10, 0xfffffff0), -0x20);
    assert.equal(sequenceDistance(0xffff, 1), 2);
    assert.equal(sequenceDistance(1, 0xffff), -2);
  });
});
