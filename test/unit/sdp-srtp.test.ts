import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MediaError } from '../../media/media-server.js';
import { type AgreedAudio, SdpSession } from '../../media/sdp/session.js';

const HEAD = ['v=0', 'o=alice 1 1 IN IP4 10.0.0.1', 's=-', 'c=IN IP4 10.0.0.1', 't=0 0'];
const SAVP = 'm=audio 4000 RTP/SAVP 0';
const AVP = 'm=audio 4000 RTP/AVP 0';
const CM = 'AES_CM_128_HMAC_SHA1_80';
const GCM = 'AEAD_AES_128_GCM';

const offer = (...lines: string[]): string => `${[...HEAD, ...lines].join('\r\n')}\r\n`;
const inline = (fill: number, length = 30): string =>
  `inline:${Buffer.alloc(length, fill).toString('base64')}`;
const crypto = (tag: number, suite: string, fill: number, rest = ''): string =>
  `a=crypto:${tag} ${suite} ${inline(fill, suite === GCM ? 28 : 30)}${rest}`;
const cryptoOf = (sdp: string): string[] => sdp.split('\r\n').filter((line) => line.startsWith('a=crypto'));
const fillOf = (key: Uint8Array | undefined): number | undefined => key?.[0];

/** Its keys are filled with 200, 201, ... in the order it needs them. */
function session(srtpRequired = false): SdpSession {
  let next = 200;
  return new SdpSession({
    address: '10.9.9.9',
    port: 40_000,
    sessionId: '42',
    codecs: ['PCMU', 'PCMA'],
    srtpRequired,
    newKey: (bytes) => new Uint8Array(bytes).fill(next++),
  });
}

function refuses(code: string, run: () => unknown, pattern = /./): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof MediaError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /inline|[A-Za-z0-9+/]{30}/);
    return true;
  });
}

function agreed({ srtp }: AgreedAudio): unknown {
  return srtp && [srtp.suite, fillOf(srtp.localKey), fillOf(srtp.remoteKey)];
}

describe('answers to SRTP', () => {
  it('have the profile, tag and suite of the offer and a key of our own', () => {
    for (const profile of ['RTP/SAVP', 'RTP/SAVPF']) {
      const { sdp, audio } = session().answer(offer(`m=audio 4000 ${profile} 0`, crypto(7, CM, 1, '|2^31')));
      assert.match(sdp, new RegExp(`m=audio 40000 ${profile} 0\r\n`));
      assert.deepEqual(cryptoOf(sdp), [crypto(7, CM, 200)]);
      assert.deepEqual(agreed(audio), [CM, 200, 1]);
    }
  });

  it('take the first line that can be used', () => {
    const lines = [
      'AES_256_CM_HMAC_SHA1_80',
      'AES_CM_128_HMAC_SHA1_32',
      'F8_128_HMAC_SHA1_80',
      'aes_cm_128_hmac_sha1_80',
      'toString',
    ].map((suite, at) => crypto(at + 1, suite, 1));
    const { sdp, audio } = session().answer(offer(SAVP, ...lines, crypto(8, GCM, 2), crypto(9, CM, 3)));
    assert.deepEqual(cryptoOf(sdp), [crypto(8, GCM, 200)]);
    assert.deepEqual(agreed(audio), [GCM, 200, 2]);
  });

  it('pass over lines that are malformed or ask for what is not done', () => {
    const bad = [
      'a=crypto:',
      `a=crypto:x ${CM} ${inline(1)}`,
      `a=crypto:1234567890 ${CM} ${inline(1)}`,
      `a=crypto:1 ${CM}`,
      `a=crypto:1 ${CM} ${inline(1, 29)}`,
      `a=crypto:1 ${CM} ${inline(1, 31)}`,
      `a=crypto:1 ${CM} ${inline(1)}=`,
      `a=crypto:1 ${CM} inline:`,
      `a=crypto:1 ${CM} inline:${'*'.repeat(40)}`,
      `a=crypto:1 ${CM} uri:http://example.com/`,
      crypto(1, CM, 1, '|1:1'),
      crypto(1, CM, 1, '|2^20|1:4'),
      crypto(1, CM, 1, '|2^19'),
      crypto(1, CM, 1, '|2^'),
      crypto(1, CM, 1, '|5000'),
      crypto(1, CM, 1, `;${inline(2)}`),
      crypto(1, CM, 1, ' UNENCRYPTED_SRTP'),
      crypto(1, CM, 1, ' WSH=128 UNENCRYPTED_SRTP'),
      crypto(1, CM, 1, ' WSH=128 KDR=0 UNAUTHENTICATED_SRTP'),
      crypto(1, CM, 1, ' -UNENCRYPTED_SRTP'),
      crypto(1, CM, 1, ' UNENCRYPTED_SRTCP'),
      crypto(1, CM, 1, ' KDR=3'),
      crypto(1, CM, 1, ' SOMETHING'),
    ];
    for (const line of bad) {
      const { audio } = session().answer(offer(SAVP, line, crypto(5, CM, 9)));
      assert.deepEqual(agreed(audio), [CM, 200, 9], line);
      refuses('unsupported-srtp', () => session().answer(offer(SAVP, line)), /a=crypto/);
    }
    const { audio } = session().answer(offer(SAVP, crypto(1, CM, 1, '|1048576 WSH=64 KDR=0 -ODD=1')));
    assert.deepEqual(agreed(audio), [CM, 200, 1]);
  });

  it('refuse SRTP without keys, keys outside the section, and DTLS-SRTP by its name', () => {
    refuses('unsupported-srtp', () => session().answer(offer(SAVP)), /AES_CM_128_HMAC_SHA1_80/);
    refuses('unsupported-srtp', () => session().answer(offer(crypto(1, CM, 1), SAVP)));
    refuses('unsupported-srtp', () =>
      session().answer(offer(SAVP, 'm=video 9 RTP/SAVP 96', crypto(1, CM, 1))),
    );
    const fingerprint = `a=fingerprint:sha-256 ${'AB:'.repeat(31)}AB`;
    for (const profile of ['UDP/TLS/RTP/SAVPF', 'UDP/TLS/RTP/SAVP', 'RTP/SAVPF']) {
      const dtls = offer(`m=audio 4000 ${profile} 0`, 'a=setup:actpass', fingerprint);
      refuses('unsupported-srtp', () => session().answer(dtls), /DTLS-SRTP/);
    }
    const both = offer('m=audio 4000 RTP/SAVPF 0', fingerprint, crypto(1, CM, 1));
    assert.deepEqual(agreed(session().answer(both).audio), [CM, 200, 1]);
  });

  it('are plain RTP to plain RTP, whatever a=crypto says there', () => {
    const { sdp, audio } = session().answer(offer(AVP, crypto(1, CM, 1)));
    assert.match(sdp, /RTP\/AVP 0/);
    assert.deepEqual(cryptoOf(sdp), []);
    assert.equal(agreed(audio), undefined);
    refuses('insecure', () => session(true).answer(offer(AVP, crypto(1, CM, 1))));
  });

  it('choose the section with SRTP from an offer of both', () => {
    const { sdp } = session().answer(offer(AVP, SAVP, crypto(1, CM, 1)));
    assert.match(sdp, /m=audio 0 RTP\/AVP 0\r\nm=audio 40000 RTP\/SAVP 0\r\n/);
  });
});

describe('later offers on a leg with SRTP', () => {
  function secured(): SdpSession {
    const dialog = session();
    dialog.answer(offer(SAVP, crypto(3, CM, 1))).commit();
    return dialog;
  }

  it('keep our key while theirs is the same, and renew it when theirs is new', () => {
    const dialog = secured();
    const same = dialog.answer(offer(SAVP, crypto(1, GCM, 5), crypto(2, CM, 1)));
    assert.deepEqual(agreed(same.audio), [CM, 200, 1]);
    assert.deepEqual(cryptoOf(same.sdp), [crypto(2, CM, 200)]);
    same.commit();
    const renewed = dialog.answer(offer(SAVP, crypto(1, CM, 2)));
    assert.deepEqual(agreed(renewed.audio), [CM, 201, 2]);
    renewed.commit();
    const { srtp } = same.audio;
    assert.deepEqual([fillOf(srtp?.localKey), fillOf(srtp?.remoteKey)], [0, 0], 'the old keys are zeroed');
  });

  it('are refused without SRTP, and everything stays as it was', () => {
    const dialog = secured();
    refuses('insecure', () => dialog.answer(offer(AVP)));
    refuses('insecure', () => dialog.answer(offer(AVP, crypto(3, CM, 1))));
    refuses('unsupported-srtp', () => dialog.answer(offer(SAVP)));
    refuses('unsupported-srtp', () => dialog.answer(offer(SAVP, crypto(3, CM, 200))), /our own/);
    assert.deepEqual(agreed(dialog.answer(offer(SAVP, crypto(3, CM, 1))).audio), [CM, 200, 1]);
  });

  it('of ours repeat what is in force', () => {
    const dialog = secured();
    const ours = dialog.offer();
    assert.match(ours, /RTP\/SAVP /);
    assert.deepEqual(cryptoOf(ours), [crypto(3, CM, 200)]);
    refuses('insecure', () => dialog.acceptAnswer(offer(AVP)));
    assert.deepEqual(agreed(dialog.acceptAnswer(offer(SAVP, crypto(3, CM, 8))).audio), [CM, 200, 8]);
  });

  it('may begin SRTP on a plain leg', () => {
    const dialog = session();
    dialog.answer(offer(AVP)).commit();
    dialog.answer(offer(SAVP, crypto(1, CM, 1))).commit();
    refuses('insecure', () => dialog.answer(offer(AVP)));
  });

  it('leave no key behind at the end', () => {
    const dialog = session();
    const { audio, commit } = dialog.answer(offer(SAVP, crypto(3, CM, 1)));
    commit();
    dialog.close();
    assert.deepEqual([fillOf(audio.srtp?.localKey), fillOf(audio.srtp?.remoteKey)], [0, 0]);
  });
});

describe('our offers of SRTP', () => {
  it('list each suite with a key of its own, and take the one that was chosen', () => {
    const dialog = session(true);
    const ours = dialog.offer();
    assert.match(ours, /m=audio 40000 RTP\/SAVP 0 8 101\r\n/);
    assert.deepEqual(cryptoOf(ours), [crypto(1, CM, 200), crypto(2, GCM, 201)]);
    const answer = dialog.acceptAnswer(offer(SAVP, crypto(2, GCM, 6)));
    assert.deepEqual(agreed(answer.audio), [GCM, 201, 6]);
    answer.commit();
    assert.deepEqual(cryptoOf(dialog.offer()), [crypto(2, GCM, 201)]);
  });

  it('are never answered by less', () => {
    const answers = [
      [AVP],
      [AVP, crypto(1, CM, 1)],
      [SAVP, crypto(3, CM, 1)],
      [SAVP, crypto(1, GCM, 1)],
      [SAVP, crypto(1, CM, 200)],
    ];
    for (const lines of answers) {
      const dialog = session(true);
      dialog.offer();
      refuses('insecure', () => dialog.acceptAnswer(offer(...lines)));
    }
    const dialog = session(true);
    dialog.offer();
    refuses('unsupported-srtp', () =>
      dialog.acceptAnswer(offer(SAVP, crypto(1, CM, 1, ' UNENCRYPTED_SRTP'))),
    );
  });

  it('are not made unasked, and an answer cannot bring SRTP in', () => {
    const dialog = session();
    assert.match(dialog.offer(), /RTP\/AVP/);
    refuses('bad-sdp', () => dialog.acceptAnswer(offer(SAVP, crypto(1, CM, 1))));
  });
});

describe('a dialog with SRTP that was negotiated elsewhere', () => {
  it('is taken over with SRTP or not at all, whatever suite it has', () => {
    for (const line of [crypto(4, CM, 1), crypto(4, 'AES_CM_128_HMAC_SHA1_32', 1)]) {
      const dialog = session();
      const ours = dialog.offer(offer('m=audio 4000 RTP/SAVP 8', line));
      assert.match(ours, /m=audio 40000 RTP\/SAVP 8 /);
      assert.deepEqual(cryptoOf(ours), [crypto(1, CM, 200), crypto(2, GCM, 201)]);
      refuses('insecure', () => dialog.acceptAnswer(offer(AVP)));
      assert.deepEqual(agreed(dialog.acceptAnswer(offer(SAVP, crypto(1, CM, 4))).audio), [CM, 200, 4]);
    }
  });

  it('is refused by its name when it is DTLS-SRTP, and when SRTP is needed and it has none', () => {
    const dtls = offer('m=audio 4000 UDP/TLS/RTP/SAVPF 0');
    refuses('unsupported-srtp', () => session().offer(dtls), /DTLS-SRTP/);
    refuses('insecure', () => session(true).offer(offer(AVP)));
    assert.deepEqual(cryptoOf(session().offer(offer(AVP))), []);
  });
});

describe('a stranger with a=crypto', () => {
  it('throws nothing but MediaError, whatever is cut out of or put into the offer', () => {
    const whole = offer(SAVP, crypto(1, CM, 1, '|2^31 WSH=64'), crypto(2, GCM, 2));
    let seed = 5;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let round = 0; round < 5000; round += 1) {
      const at = random(whole.length);
      const text = whole.slice(0, at) + String.fromCharCode(random(128)) + whole.slice(at + random(12));
      try {
        const { sdp } = session().answer(text);
        assert.equal(cryptoOf(sdp).length, /RTP\/SAVP/.test(sdp) ? 1 : 0);
      } catch (error) {
        assert.ok(error instanceof MediaError, String(error));
      }
    }
  });
});
