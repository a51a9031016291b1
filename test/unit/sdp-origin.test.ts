import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SdpOrigin } from '../../media/sdp/origin.js';

const sdp = (origin: string, port: number) =>
  `v=0\r\n${origin}\r\ns=x\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\n`;
const originOf = (text: string) => /^o=.*$/m.exec(text)?.[0]?.trim();

describe('the origin of a dialog', () => {
  it('stays that of the first SDP, whoever writes the next', () => {
    const origin = new SdpOrigin();
    const first = sdp('o=- 7 3 IN IP4 192.0.2.1', 4000);
    assert.equal(origin.stamp(first), first);
    const moved = origin.stamp(sdp('o=FreeSWITCH 900 901 IN IP4 192.0.2.9', 5000));
    assert.equal(moved, sdp('o=- 7 4 IN IP4 192.0.2.1', 5000));
  });

  it('has a higher version when anything changed, and the same one when nothing did', () => {
    const origin = new SdpOrigin();
    const stamped = [4000, 4000, 5000, 5000, 4000].map((port, index) =>
      originOf(origin.stamp(sdp(`o=- ${index} ${index} IN IP4 192.0.2.1`, port))),
    );
    const versions = stamped.map((line) => line?.split(' ')[2]);
    assert.deepEqual(versions, ['0', '0', '1', '1', '2']);
  });

  it('survives versions beyond 53 bits and text without an origin', () => {
    const origin = new SdpOrigin();
    origin.stamp(sdp('o=- 1 18446744073709551614 IN IP4 192.0.2.1', 1));
    const next = origin.stamp(sdp('o=- 1 1 IN IP4 192.0.2.1', 2));
    assert.equal(originOf(next), 'o=- 1 18446744073709551615 IN IP4 192.0.2.1');
    assert.equal(origin.stamp('v=0\r\n'), 'v=0\r\n');
  });
});
