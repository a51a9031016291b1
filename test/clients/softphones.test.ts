import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { freePorts } from '../kit/ports.js';
import { dtmf } from '../kit/sounds.js';
import { CALLER_HZ, openAudio } from './audio.js';
import { OddStream } from './odd-stream.js';
import { missing } from './program.js';
import { ClientServer, PASSWORD } from './server.js';
import { runSipp, type SippCaller, startSipp } from './sipp.js';
import {
  answer,
  answered,
  call,
  expect,
  expectAck,
  expectCall,
  expectRequest,
  hangUp,
  inDialog,
  invite,
  OFFER,
  pause,
  refusalAck,
  request,
  scenario,
  sdp,
} from './sipp-script.js';

const OK = { ok: true, successful: 1, failed: 0, errors: '' };
const INVOICE = '4711#';
const KEY = { onMs: 80, offMs: 60, endCopies: 3 };
const HOLD_MS = 1200;
/** Waits for the test to hang up. */
const UNTIL_BYE = [expectRequest('BYE', { timeoutMs: 20_000 }), answer('200 OK')];

/** Opus and Speex first, events at three clock rates, feedback, RTCP on a port of its own, and video. */
const LINPHONE = sdp({
  profile: 'RTP/AVPF',
  formats: '96 97 98 0 8 18 101 99 100',
  lines: [
    'a=rtcp:65000',
    'a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics',
    'a=rtpmap:96 opus/48000/2',
    'a=fmtp:96 useinbandfec=1',
    'a=rtpmap:97 speex/16000',
    'a=fmtp:97 vbr=on',
    'a=rtpmap:98 speex/8000',
    'a=fmtp:98 vbr=on',
    'a=fmtp:18 annexb=yes',
    'a=rtpmap:101 telephone-event/48000',
    'a=rtpmap:99 telephone-event/16000',
    'a=rtpmap:100 telephone-event/8000',
    'a=rtcp-fb:* trr-int 5000',
    'a=rtcp-fb:* ccm tmmbr',
    'm=video 65002 RTP/AVPF 96',
    'a=rtpmap:96 VP8/90000',
  ],
});

/** Comfort noise, a bandwidth, an SSRC, and a packet time that we do not send. */
const PJSIP = sdp({
  formats: '8 0 13 120 101',
  lines: [
    'b=TIAS:64000',
    'a=rtcp:65001 IN IP4 [media_ip]',
    'a=ptime:30',
    'a=maxptime:240',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:13 CN/8000',
    'a=rtpmap:120 telephone-event/16000',
    'a=fmtp:120 0-16',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    'a=ssrc:1843233651 cname:5f6e3b7d',
    'a=sendrecv',
  ],
});

describe('softphones, as SIPp plays them', { skip: missing('sipp') }, () => {
  let server: ClientServer;
  let agentPort = 0;
  before(async () => {
    [agentPort = 0] = await freePorts(1);
    server = await ClientServer.start([{ id: 'anna', password: PASSWORD }]);
  });
  afterEach(() => server.leaveNothing());
  after(() => server.close());

  function script(user: string, parts: readonly string[], options: Partial<SippCaller> = {}): SippCaller {
    return {
      scenario: 'script',
      xml: scenario(...parts),
      target: server.target(user),
      deadlineMs: 40_000,
      ...options,
    };
  }

  async function plays(
    user: string,
    parts: readonly string[],
    options: Partial<SippCaller> = {},
  ): Promise<void> {
    assert.deepEqual(await runSipp(script(user, parts, options)), OK);
  }

  /** Has an invoice number pressed in a call, and says which keys came, by which way. */
  async function keysOf(
    parts: readonly string[],
    audioPort: number,
    press: () => Promise<unknown>,
  ): Promise<string[]> {
    const { mark } = server;
    const sipp = await startSipp(script('pay', [...parts, ...UNTIL_BYE], { audioPort }));
    try {
      await server.reached('askReference', mark);
      const { conversationId } = await server.tacet.event('conversation.started', ({ seq }) => seq > mark);
      const { customer } = server.tacet.app.calls.legs(conversationId);
      const keys: string[] = [];
      customer.onDigit(({ code, method }) => keys.push(`${String.fromCharCode(code)} ${method}`));
      await press();
      await server.reached('askAmount', mark);
      await customer.close();
      assert.deepEqual(await sipp.result, OK);
      return keys;
    } finally {
      await sipp.stop();
    }
  }

  async function keysWith(parts: readonly string[], eventType: number, sound?: string): Promise<string[]> {
    const audio = await openAudio(CALLER_HZ, 'PCMU', eventType);
    try {
      return await keysOf(parts, audio.port, () => {
        if (sound) audio.sound = dtmf(sound);
        return Promise.all([...INVOICE].map((key) => audio.press(key, 'rfc4733', KEY)));
      });
    } finally {
      await audio.close();
    }
  }

  const KEYS = [...INVOICE].map((key) => `${key} rfc4733`);

  it('the offer of linphone: events at 8000 Hz, video refused', async () => {
    const wanted = { matching: 'RTP/AVPF 0 8 100.*m=video 0 ' };
    const keys = await keysWith([call({ body: LINPHONE }, wanted)], 100);
    assert.deepEqual(keys, KEYS);
  });

  it('the offer of PJSIP: comfort noise, 30 ms, `;ob`, session timer', async () => {
    const headers = [
      'Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS',
      'Supported: replaces, 100rel, timer, norefersub',
      'Session-Expires: 1800',
      'Min-SE: 90',
      'User-Agent: MicroSIP/3.21.3',
    ];
    const contact = '"Caller" <sip:sipp@[local_ip]:[local_port];ob>;reg-id=1';
    const keys = await keysWith(
      [call({ body: PJSIP, headers, contact }, { matching: 'RTP/AVP 8 0 101' })],
      101,
    );
    assert.deepEqual(keys, KEYS);
  });

  it('keys by telephone-event count once, though their tones sound as well', async () => {
    assert.deepEqual(await keysWith([call()], 96, '9'), KEYS);
  });

  it('packets of 30 ms, comfort noise, one end packet, sequence and timestamp that wrap', async () => {
    const stream = await OddStream.open();
    try {
      const body = call({ body: PJSIP });
      assert.deepEqual(await keysOf([body], stream.port, () => stream.press(INVOICE, 101)), KEYS);
    } finally {
      stream.close();
    }
  });

  for (const attribute of ['a=sendonly', 'a=inactive']) {
    it(`hold by ${attribute}: no packet comes until the call is taken back`, async () => {
      const audio = await openAudio(CALLER_HZ);
      const again = (cseq: number, line: string) => [
        inDialog('INVITE', { cseq, body: sdp({ formats: '0', lines: [line], version: cseq }) }),
        answered(),
        inDialog('ACK', { cseq }),
        pause(HOLD_MS),
      ];
      try {
        const parts = [call(), pause(HOLD_MS), ...again(2, attribute), ...again(3, 'a=sendrecv'), hangUp(4)];
        await plays('talk', parts, { audioPort: audio.port });
        const times = audio.heard.packets.map(({ at }) => at);
        const gaps = times.map((at, index) => at - (times[index - 1] ?? at)).filter((ms) => ms > HOLD_MS / 2);
        assert.equal(gaps.length, 1, `gaps of ${gaps.join(' and ')} ms`);
        assert.ok((gaps[0] ?? 0) > HOLD_MS * 0.8, `${gaps[0]} ms without a packet`);
        assert.ok(audio.heard.audibleMs() > HOLD_MS, 'the prompt was heard before and after');
      } finally {
        await audio.close();
      }
    });
  }

  it('compact header fields and a body type with parameters', async () => {
    const headers = ['k: replaces', 'c: application/sdp;charset=utf-8', 's: a call'];
    await plays('talk', [call({ headers }), pause(200), hangUp(2)]);
  });

  it('UPDATE, with and without an offer', async () => {
    const held = sdp({ formats: '0', lines: ['a=sendonly'], version: 2 });
    await plays('talk', [
      call(),
      inDialog('UPDATE', { cseq: 2, headers: ['Session-Expires: 1800;refresher=uac'] }),
      expect(200),
      inDialog('UPDATE', { cseq: 3, body: held }),
      expect(200, { matching: 'a=recvonly' }),
      hangUp(4),
    ]);
  });

  it('a change of codec by re-INVITE', async () => {
    const alaw = sdp({ formats: '8', version: 2 });
    const again = [inDialog('INVITE', { cseq: 2, body: alaw }), answered({ matching: 'RTP/AVP 8' })];
    await plays('talk', [call(), ...again, inDialog('ACK', { cseq: 2 }), pause(200), hangUp(3)]);
  });

  it('an extension that is required and unknown: 420', async () => {
    const headers = ['Require: 100rel'];
    await plays('talk', [
      invite({ headers }),
      expect(420, { matching: 'Unsupported: *100rel' }),
      refusalAck(),
    ]);
  });

  it('a call transfer that the caller asks for is not carried out', async () => {
    const headers = ['Refer-To: <sip:elsewhere@192.0.2.1>'];
    await plays('talk', [call(), inDialog('REFER', { cseq: 2, headers }), expect(603), hangUp(3)]);
  });

  it('registers as phones do, is called where it is behind NAT, and signs off', async () => {
    const nat =
      '<sip:anna@192.0.2.77:5060;transport=UDP;ob>;+sip.instance="<urn:uuid:0>";reg-id=1;expires=300';
    await plays('anna', registers(nat), { port: agentPort });
    await plays('anna', registers(nat), { port: agentPort });
    const ringing = [expectCall(), answer('180 Ringing', { tagged: true })];
    const taken = [
      answer('200 OK', { tagged: true, body: OFFER }),
      expectAck(),
      expectRequest('BYE'),
      answer('200 OK'),
    ];
    const agent = await startSipp({
      scenario: 'called',
      xml: scenario(...ringing, ...taken),
      port: agentPort,
    });
    try {
      await plays('support', [call(), pause(4000), hangUp(2)]);
      assert.deepEqual(await agent.result, OK);
    } finally {
      await agent.stop();
    }
    await plays('anna', registers('*', 'Expires: 0'), { port: agentPort });
    assert.equal(server.tacet.app.agents.reachable('anna', new Set()), false);
  });

  it('does not register with a wrong password', async () => {
    const contact = '<sip:anna@[local_ip]:[local_port]>';
    const wrong = '[authentication username=anna password=wrong]';
    await plays('anna', [register(1, contact), challenged(), register(2, contact, [wrong]), expect(403)]);
    assert.equal(server.tacet.app.agents.reachable('anna', new Set()), false);
  });
});

function register(cseq: number, contact: string, headers: readonly string[] = []): string {
  const to = 'To: <sip:anna@[remote_ip]:[remote_port]>';
  const from = 'From: <sip:anna@[remote_ip]:[remote_port]>;tag=[pid]-[call_number]';
  return request('REGISTER', { cseq, contact, headers, replaces: { to, from } });
}

function challenged(): string {
  return '  <recv response="401" auth="true" timeout="5000"/>\n';
}

function registers(contact: string, ...headers: string[]): string[] {
  const login = `[authentication username=anna password=${PASSWORD}]`;
  return [
    register(1, contact, headers),
    challenged(),
    register(2, contact, [...headers, login]),
    expect(200),
  ];
}
