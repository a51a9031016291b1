import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { farSideSdp, UNKNOWN_FAR_SIDE } from '../../media/freeswitch/far-side-sdp.js';
import { isHeld, readAnswer, readLocalSdp } from '../../media/freeswitch/local-sdp.js';
import { MediaError } from '../../media/media-server.js';
import { readRemoteSdp } from '../../media/sdp/remote.js';
import type { AgreedAudio } from '../../media/sdp/session.js';

const AGREED: AgreedAudio = {
  address: '192.0.2.7',
  port: 4000,
  codec: 'PCMA',
  payloadType: 8,
  eventPayloadType: 96,
  receive: [
    [0, 'PCMU'],
    [8, 'PCMA'],
    [96, 'telephone-event'],
  ],
  sending: true,
  receiving: true,
};
const KEY = new Uint8Array(30).fill(7);
const SECURE: AgreedAudio = {
  ...AGREED,
  srtp: { suite: 'AES_CM_128_HMAC_SHA1_80', localKey: KEY, remoteKey: KEY },
};
const code = (expected: string) => (error: unknown) => error instanceof MediaError && error.code === expected;

describe('the far side as FreeSWITCH is shown it', () => {
  const audioOf = (audio: AgreedAudio) => readRemoteSdp(farSideSdp(audio, 1))[0]?.audio;

  it('has what was agreed, the codec in use first', () => {
    assert.deepEqual(
      audioOf(AGREED)?.formats.map(({ payloadType, kind }) => [payloadType, kind]),
      [
        [8, 'PCMA'],
        [0, 'PCMU'],
        [96, 'telephone-event'],
      ],
    );
    assert.equal(audioOf({ ...AGREED, eventPayloadType: null })?.formats.length, 2);
    assert.deepEqual([audioOf(AGREED)?.address, audioOf(AGREED)?.port], ['192.0.2.7', 4000]);
  });

  it('says who sends', () => {
    const direction = (sending: boolean, receiving: boolean) =>
      audioOf({ ...AGREED, sending, receiving })?.direction;
    assert.equal(direction(true, true), 'sendrecv');
    assert.equal(direction(true, false), 'recvonly');
    assert.equal(direction(false, true), 'sendonly');
    assert.equal(direction(false, false), 'inactive');
  });

  it('sends nowhere while there is no far end, or one without address', () => {
    for (const audio of [UNKNOWN_FAR_SIDE, { ...AGREED, address: null, sending: false }]) {
      assert.deepEqual([audioOf(audio)?.address, audioOf(audio)?.port], ['127.0.0.1', 9]);
    }
  });

  it('has the key of the far end under SRTP', () => {
    assert.deepEqual(audioOf(SECURE)?.crypto, [{ tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', key: KEY }]);
  });
});

describe("FreeSWITCH's answer", () => {
  const plain = farSideSdp(AGREED, 1);
  const secure = farSideSdp(SECURE, 1);

  it('is refused when SRTP is not answered with SRTP', () => {
    assert.equal(readAnswer(plain, AGREED).crypto, null);
    assert.deepEqual(readAnswer(secure, SECURE).crypto?.key, KEY);
    assert.throws(() => readAnswer(plain, SECURE), code('insecure'));
    assert.throws(() => readAnswer(secure, AGREED), code('insecure'));
    const gcm = { suite: 'AEAD_AES_128_GCM', localKey: KEY, remoteKey: KEY.slice(0, 28) } as const;
    assert.throws(() => readAnswer(secure, { ...AGREED, srtp: gcm }), code('insecure'));
  });

  it('holds when FreeSWITCH does not send', () => {
    const held = (direction: string) => isHeld(readLocalSdp(plain.replace('sendrecv', direction)));
    assert.deepEqual(['sendrecv', 'sendonly', 'recvonly', 'inactive'].map(held), [false, false, true, true]);
  });

  it('is no use without audio', () => {
    for (const bad of ['', 'v=0\r\n', plain.replace('4000', '0'), plain.replaceAll('192.0.2.7', '0.0.0.0')]) {
      assert.throws(() => readLocalSdp(bad), code('engine-lost'));
    }
  });
});
