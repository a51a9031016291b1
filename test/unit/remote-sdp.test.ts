import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { remoteSdp } from '../../server/sip/remote-sdp.js';

const FROM = '192.0.2.7';

function sdp(...connections: string[]): string {
  return [
    'v=0',
    'o=- 1 1 IN IP6 2001:db8::7',
    's=-',
    ...connections,
    't=0 0',
    'm=audio 4000 RTP/AVP 0',
    '',
  ].join('\r\n');
}

function connectionOf(body: string): string | undefined {
  return remoteSdp({ body, source_address: FROM }).match(/^c=.*$/m)?.[0];
}

describe('the SDP of a message', () => {
  it('names where its message came from instead of an IPv6 address, and is the same otherwise', () => {
    const body = sdp('c=IN IP6 2001:db8::7');
    const read = remoteSdp({ body, source_address: FROM });
    assert.equal(read, body.replace('c=IN IP6 2001:db8::7', `c=IN IP4 ${FROM}`));
  });

  it('is every section on its own', () => {
    const body = `${sdp('c=IN IP6 2001:db8::7')}m=video 4002 RTP/AVP 96\r\nc=IN IP6 2001:db8::8\r\n`;
    assert.equal(remoteSdp({ body, source_address: FROM }).match(/^c=IN IP4 192\.0\.2\.7\r$/gm)?.length, 2);
  });

  it('keeps a hold', () => {
    assert.equal(connectionOf(sdp('c=IN IP6 ::')), 'c=IN IP4 0.0.0.0');
  });

  it('is left alone with an IPv4 address, when it came over IPv6, and when there is none', () => {
    for (const body of [sdp('c=IN IP4 10.0.0.1'), sdp('c=IN IP6 2001:db8::7', 'c=IN IP4 10.0.0.1'), '']) {
      assert.equal(remoteSdp({ body, source_address: FROM }), body);
    }
    const body = sdp('c=IN IP6 2001:db8::7');
    assert.equal(remoteSdp({ body, source_address: '2001:db8::7' }), body);
    assert.equal(remoteSdp({ body }), body);
    assert.equal(remoteSdp({ source_address: FROM }), '');
  });
});
