import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MediaError } from '../../media/media-server.js';
import { SdpSession } from '../../media/sdp/session.js';

const HEAD = ['v=0', 'o=alice 1 1 IN IP4 10.0.0.1', 's=-', 'c=IN IP4 10.0.0.1', 't=0 0'];
const AUDIO = ['m=audio 4000 RTP/AVP 0 8 101', 'a=rtpmap:101 telephone-event/8000'];

const sdp = (...lines: string[]): string => `${lines.join('\r\n')}\r\n`;
const offer = (...audio: string[]): string => sdp(...HEAD, ...audio);

function session(): SdpSession {
  return new SdpSession({
    address: '10.9.9.9',
    port: 40_000,
    sessionId: '42',
    codecs: ['PCMU', 'PCMA'],
    srtpRequired: false,
    newKey: (bytes) => new Uint8Array(bytes),
  });
}

const has = (text: string, line: string): boolean => text.split('\r\n').includes(line);

function refused(text: string, code: string, pattern?: RegExp): void {
  assert.throws(
    () => session().answer(text),
    (error: unknown) =>
      error instanceof MediaError && error.code === code && (!pattern || pattern.test(error.message)),
  );
}

describe('SDP answers', () => {
  it('answers a usual offer whole', () => {
    const { sdp: answer, audio } = session().answer(offer(...AUDIO));
    assert.equal(
      answer,
      sdp(
        'v=0',
        'o=- 42 1 IN IP4 10.9.9.9',
        's=tacet',
        'c=IN IP4 10.9.9.9',
        't=0 0',
        'm=audio 40000 RTP/AVP 0 8 101',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:8 PCMA/8000',
        'a=rtpmap:101 telephone-event/8000',
        'a=fmtp:101 0-15',
        'a=ptime:20',
        'a=sendrecv',
      ),
    );
    assert.deepEqual(audio, {
      address: '10.0.0.1',
      port: 4000,
      codec: 'PCMU',
      payloadType: 0,
      eventPayloadType: 101,
      receive: [
        [0, 'PCMU'],
        [8, 'PCMA'],
        [101, 'telephone-event'],
      ],
      sending: true,
      receiving: true,
    });
  });

  it('keeps the order and the dynamic types of the offer and drops what it does not speak', () => {
    const { sdp: answer, audio } = session().answer(
      offer(
        'm=audio 4000 RTP/AVP 111 98 9 8 97 0',
        'a=rtpmap:111 opus/48000/2',
        'a=rtpmap:98 telephone-event/48000',
        'a=rtpmap:97 telephone-event/8000',
        'a=fmtp:97 0-16',
      ),
    );
    assert.ok(has(answer, 'm=audio 40000 RTP/AVP 8 97 0'));
    assert.deepEqual([audio.codec, audio.payloadType, audio.eventPayloadType], ['PCMA', 8, 97]);
  });

  it('takes G.711 under a dynamic type, in any case, and not a static type that was given away', () => {
    const { audio } = session().answer(
      offer('m=audio 4000 RTP/AVP 0 120', 'a=rtpmap:0 speex/8000', 'a=rtpmap:120 pcma/8000/1'),
    );
    assert.deepEqual([audio.codec, audio.payloadType], ['PCMA', 120]);
    refused(offer('m=audio 4000 RTP/AVP 120', 'a=rtpmap:120 PCMU/16000'), 'no-common-codec');
    refused(offer('m=audio 4000 RTP/AVP 120', 'a=rtpmap:120 PCMU/8000/2'), 'no-common-codec');
  });

  it('says nothing of telephone-event to who does not offer it', () => {
    const { sdp: answer, audio } = session().answer(offer('m=audio 4000 RTP/AVP 8'));
    assert.equal(audio.eventPayloadType, null);
    assert.ok(!answer.includes('telephone-event'));
  });

  it('rejects other media, other profiles and a second audio with port 0, in place', () => {
    const { sdp: answer } = session().answer(
      offer(
        'm=video 5000 RTP/AVP 96',
        'a=rtpmap:96 H264/90000',
        'm=audio 4002 RTP/SAVP 0',
        ...AUDIO,
        'm=audio 4004 RTP/AVP 0',
        'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      ),
    );
    assert.deepEqual(
      answer.split('\r\n').filter((line) => line.startsWith('m=')),
      [
        'm=video 0 RTP/AVP 96',
        'm=audio 0 RTP/SAVP 0',
        'm=audio 40000 RTP/AVP 0 8 101',
        'm=audio 0 RTP/AVP 0',
        'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
      ],
    );
  });

  it('prefers c= of the media section and does without one for the session', () => {
    const { audio } = session().answer(offer(...AUDIO, 'c=IN IP4 10.0.0.2'));
    assert.equal(audio.address, '10.0.0.2');
    const bare = sdp(...HEAD.filter((line) => !line.startsWith('c=')), ...AUDIO, 'c=IN IP4 10.0.0.3');
    assert.equal(session().answer(bare).audio.address, '10.0.0.3');
  });

  const directions: [string[], string, boolean, boolean][] = [
    [['a=sendrecv'], 'sendrecv', true, true],
    [['a=sendonly'], 'recvonly', false, true],
    [['a=recvonly'], 'sendonly', true, false],
    [['a=inactive'], 'inactive', false, false],
    [['c=IN IP4 0.0.0.0'], 'recvonly', false, true],
    [['c=IN IP4 0.0.0.0', 'a=inactive'], 'inactive', false, false],
  ];
  for (const [lines, answered, sending, receiving] of directions) {
    it(`answers ${lines.join(' ')} with ${answered} (RFC 3264 section 6.1)`, () => {
      const { sdp: answer, audio } = session().answer(offer(...AUDIO, ...lines));
      assert.ok(has(answer, `a=${answered}`));
      assert.deepEqual([audio.sending, audio.receiving], [sending, receiving]);
    });
  }

  it('takes the direction of the session when the media names none', () => {
    const { sdp: answer } = session().answer(sdp(...HEAD, 'a=sendonly', ...AUDIO));
    assert.ok(has(answer, 'a=recvonly'));
  });

  it('raises the version of o= when something changed, and only then', () => {
    const dialog = session();
    const version = (text: string): string => {
      const negotiation = dialog.answer(text);
      negotiation.commit();
      return /^o=- 42 (\d+)/m.exec(negotiation.sdp)?.[1] ?? '';
    };
    assert.equal(version(offer(...AUDIO)), '1');
    assert.equal(version(offer(...AUDIO)), '1');
    assert.equal(version(offer(...AUDIO, 'a=sendonly')), '2');
    assert.equal(version(offer('m=audio 4000 RTP/AVP 8')), '3');
  });

  it('changes nothing when a negotiation is not committed', () => {
    const dialog = session();
    dialog.answer(offer(...AUDIO)).commit();
    dialog.answer(offer('m=audio 4000 RTP/AVP 8'));
    assert.ok(has(dialog.answer(offer(...AUDIO)).sdp, 'o=- 42 1 IN IP4 10.9.9.9'));
  });

  it('refuses what has no usable audio as no-common-codec', () => {
    refused(offer('m=audio 4000 RTP/AVP 18 9'), 'no-common-codec');
    refused(offer('m=audio 0 RTP/AVP 0'), 'no-common-codec');
    refused(offer('m=video 4000 RTP/AVP 96'), 'no-common-codec');
    refused(offer('m=audio 4000 RTP/AVP 101', 'a=rtpmap:101 telephone-event/8000'), 'no-common-codec');
    const v6 = ['v=0', 'o=- 1 1 IN IP6 ::1', 's=-', 'c=IN IP6 2001:db8::1', 't=0 0'];
    refused(sdp(...v6, ...AUDIO), 'no-common-codec', /IPv4/);
  });

  it('refuses what is no SDP, too long, or points where RTP must not go, as bad-sdp', () => {
    refused('', 'bad-sdp');
    refused('INVITE sip:x SIP/2.0\r\n', 'bad-sdp');
    refused(sdp(...HEAD), 'bad-sdp', /media section/);
    refused(sdp('v=0', 's=-', 't=0 0', ...AUDIO), 'bad-sdp', /c=/);
    refused(offer('m=audio port RTP/AVP 0'), 'bad-sdp');
    refused(offer('m=audio 70000 RTP/AVP 0'), 'bad-sdp');
    refused(offer(`m=audio 4000 RTP/AVP ${Array.from({ length: 70 }, (_, i) => i).join(' ')}`), 'bad-sdp');
    refused(offer(...AUDIO, ...Array.from({ length: 20 }, () => 'm=video 0 RTP/AVP 96')), 'bad-sdp');
    refused(offer(...AUDIO, ...Array.from({ length: 500 }, () => 'a=x')), 'bad-sdp', /lines/);
    refused(offer(...AUDIO, `a=${'x'.repeat(20_000)}`), 'bad-sdp', /longer/);
    for (const address of [
      '239.1.1.1',
      '255.255.255.255',
      '0.1.2.3',
      'example.com',
      '10.0.0',
      '1.2.3.4/127',
    ]) {
      refused(offer(...AUDIO, `c=IN IP4 ${address}`), 'bad-sdp', /c=/);
    }
  });

  it('throws nothing but MediaError, whatever is cut out of or put into an offer', () => {
    const whole = offer(...AUDIO, 'a=fmtp:101 0-16', 'a=ptime:30', 'm=video 5000 RTP/AVP 96');
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let i = 0; i < 5000; i += 1) {
      const at = random(whole.length);
      const text = whole.slice(0, at) + String.fromCharCode(random(128)) + whole.slice(at + random(12));
      try {
        const { audio, sdp: answer } = session().answer(text);
        assert.ok(audio.port > 0 && audio.port < 65_536 && audio.payloadType < 128);
        assert.match(answer, /^v=0\r\n/);
      } catch (error) {
        assert.ok(error instanceof MediaError, String(error));
      }
    }
  });
});

describe('SDP offers', () => {
  it('offers everything and takes the answer', () => {
    const dialog = session();
    const ours = dialog.offer();
    assert.ok(has(ours, 'm=audio 40000 RTP/AVP 0 8 101'));
    assert.ok(has(ours, 'a=sendrecv'));
    const { audio } = dialog.acceptAnswer(
      offer('m=audio 4000 RTP/AVP 8 96', 'a=rtpmap:96 telephone-event/8000'),
    );
    assert.deepEqual([audio.codec, audio.payloadType, audio.eventPayloadType], ['PCMA', 8, 96]);
    // What we listed arrives in our type; the far end's own is taken as well.
    assert.deepEqual(Object.fromEntries(audio.receive), {
      8: 'PCMA',
      96: 'telephone-event',
      101: 'telephone-event',
    });
  });

  it('keeps types and rejected sections of the dialog in a later offer (RFC 3264 section 8)', () => {
    const dialog = session();
    dialog
      .answer(
        offer('m=video 5000 RTP/AVP 96', 'm=audio 4000 RTP/AVP 8 97', 'a=rtpmap:97 telephone-event/8000'),
      )
      .commit();
    const again = dialog.offer();
    assert.deepEqual(
      again.split('\r\n').filter((line) => line.startsWith('m=')),
      ['m=video 0 RTP/AVP 96', 'm=audio 40000 RTP/AVP 8 97 0'],
    );
    assert.ok(has(again, 'a=rtpmap:97 telephone-event/8000'));
    assert.ok(has(again, 'o=- 42 2 IN IP4 10.9.9.9'));
  });

  it('refuses an answer without an offer, with another number of sections, or without our codecs', () => {
    const fails = (dialog: SdpSession, text: string, code: string): void =>
      assert.throws(
        () => dialog.acceptAnswer(text),
        (error: unknown) => error instanceof MediaError && error.code === code,
      );
    fails(session(), offer(...AUDIO), 'bad-sdp');
    const dialog = session();
    dialog.offer();
    fails(dialog, offer(...AUDIO, 'm=video 0 RTP/AVP 96'), 'bad-sdp');
    fails(dialog, offer('m=audio 0 RTP/AVP 0'), 'no-common-codec');
    fails(dialog, offer('m=audio 4000 RTP/AVP 18'), 'no-common-codec');
    dialog.acceptAnswer(offer(...AUDIO)).commit();
    fails(dialog, offer(...AUDIO), 'bad-sdp');
  });
});
