import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { missing } from './program.js';
import { ClientServer } from './server.js';
import { runSipp, type SippCaller } from './sipp.js';
import {
  answered,
  call,
  expect,
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

/** The offer of a phone that is held or comes back, with the given version and attribute. */
const changed = (version: number, attribute: string) =>
  sdp({ formats: '0 96', lines: ['a=rtpmap:96 telephone-event/8000', attribute], version });

describe('SIPp calls', { skip: missing('sipp') }, () => {
  let server: ClientServer;
  before(async () => {
    server = await ClientServer.start();
  });
  afterEach(() => server.leaveNothing());
  after(() => server.close());

  async function plays(parts: readonly string[], options: Partial<SippCaller> = {}): Promise<void> {
    const result = await runSipp({
      scenario: 'script',
      xml: scenario(...parts),
      target: server.target('talk'),
      deadlineMs: 45_000,
      ...options,
    });
    // What came at the wrong moment is told as an error, also when the call went on.
    assert.deepEqual(options.goesOn ? { ...result, errors: '' } : result, OK);
  }

  it('404 for an unknown number, with a reason', async () => {
    const target = server.target('nobody');
    await plays([invite(), expect(404, { matching: 'no route for this number' }), refusalAck()], { target });
  });

  it('488 without a codec in common, and for a profile that is not spoken', async () => {
    const codecs = ['a=rtpmap:96 opus/48000/2', 'a=rtpmap:101 telephone-event/8000', 'a=rtpmap:9 G722/8000'];
    const body = sdp({ formats: '96 9 18 101', lines: codecs });
    await plays([invite({ body }), expect(488, { matching: 'PCMU' }), refusalAck()]);
    const srtp = sdp({ formats: '0', profile: 'RTP/SAVP' });
    await plays([invite({ body: srtp }), expect(488), refusalAck()]);
  });

  it('400 for a body that is no SDP', async () => {
    await plays([invite({ body: 'v=1\nthis is no SDP' }), expect(400), refusalAck()]);
  });

  it('200 for OPTIONS, outside a dialog and in one', async () => {
    await plays([request('OPTIONS', { cseq: 1 }), expect(200)]);
    await plays([call(), inDialog('OPTIONS', { cseq: 2 }), expect(200), hangUp(3)]);
  });

  it('481 for requests of a dialog that does not stand', async () => {
    for (const method of ['BYE', 'INFO', 'UPDATE', 'NOTIFY', 'REFER']) {
      const to = 'To: <sip:talk@[remote_ip]:[remote_port]>;tag=of-no-dialog';
      const headers = method === 'REFER' ? ['Refer-To: <sip:elsewhere@192.0.2.1>'] : ['Event: refer'];
      await plays([request(method, { cseq: 7, headers, replaces: { to } }), expect(481)]);
    }
  });

  it('a call by TCP, with keys, hold and hang-up', async () => {
    const relay = { headers: ['Content-Type: application/dtmf-relay'], body: 'Signal=5\nDuration=160' };
    const parts = [
      call(),
      inDialog('INFO', { cseq: 2, ...relay }),
      expect(200),
      inDialog('INVITE', { cseq: 3, body: changed(2, 'a=sendonly') }),
      expect(200, { matching: 'a=recvonly' }),
      inDialog('ACK', { cseq: 3 }),
      hangUp(4),
    ];
    await plays(parts, { transport: 'tcp' });
  });

  it('an INFO that is no key: 415, and the call goes on', async () => {
    const odd = { headers: ['Content-Type: application/octet-stream'], body: 'x' };
    await plays([call(), inDialog('INFO', { cseq: 2, ...odd }), expect(415), hangUp(3)]);
  });

  it('hold by sendonly, by inactive and by 0.0.0.0, and back each time', async () => {
    const again = (cseq: number, body: string, matching: string) => [
      inDialog('INVITE', { cseq, body }),
      expect(200, { matching }),
      inDialog('ACK', { cseq }),
    ];
    const old = sdp({
      formats: '0 96',
      lines: ['a=rtpmap:96 telephone-event/8000'],
      version: 6,
      address: '0.0.0.0',
    });
    await plays([
      call(),
      ...again(2, changed(2, 'a=sendonly'), 'a=recvonly'),
      ...again(3, changed(3, 'a=sendrecv'), 'a=sendrecv'),
      ...again(4, changed(4, 'a=inactive'), 'a=inactive'),
      ...again(5, changed(5, 'a=sendrecv'), 'a=sendrecv'),
      ...again(6, old, 'm=audio [1-9]'),
      ...again(7, changed(7, 'a=sendrecv'), 'a=sendrecv'),
      hangUp(8),
    ]);
  });

  it('a re-INVITE without a codec in common: 488, and the call goes on as before', async () => {
    await plays([
      call(),
      inDialog('INVITE', { cseq: 2, body: sdp({ formats: '18', version: 2 }), branch: 'second' }),
      expect(488),
      inDialog('ACK', { cseq: 2, branch: 'second' }),
      inDialog('OPTIONS', { cseq: 3 }),
      expect(200),
      hangUp(4),
    ]);
  });

  it('INVITE without SDP: the offer comes in the 200, the answer in the ACK', async () => {
    await plays([
      invite({ body: '' }),
      answered({ matching: 'm=audio [1-9][0-9]+ RTP/AVP' }),
      inDialog('ACK', { cseq: 1, body: OFFER }),
      pause(200),
      hangUp(2),
    ]);
  });

  it('the same INVITE twice is one call', async () => {
    const { mark } = server;
    await plays(
      [invite({ retransmits: false }), invite(), answered(), inDialog('ACK', { cseq: 1 }), hangUp(2)],
      { goesOn: true },
    );
    assert.equal(started(mark), 1);
  });

  it('a lost ACK: the 200 comes again until one arrives', async () => {
    // RFC 3261 section 13.3.1.4: again after 500 ms and 1 s, so at 2 s two copies must have come.
    const again = answered({ timeoutMs: 1500 });
    const { mark } = server;
    const rest = [inDialog('ACK', { cseq: 1 }), pause(700), hangUp(2)];
    await plays([invite(), again, again, again, ...rest], { seesCopies: true });
    assert.equal(started(mark), 1);
  });

  it('BYE twice: the retransmission gets the same answer, another one 481', async () => {
    await plays(
      [
        call(),
        inDialog('BYE', { cseq: 2, branch: 'bye', retransmits: false }),
        expect(200),
        inDialog('BYE', { cseq: 2, branch: 'bye', retransmits: false }),
        expect(200),
        inDialog('BYE', { cseq: 3 }),
        expect(481),
      ],
      { seesCopies: true },
    );
  });

  it('BYE right behind ACK, and right behind a re-INVITE', async () => {
    await plays([call(), hangUp(2)]);
    await plays(
      [
        call(),
        inDialog('INVITE', { cseq: 2, body: changed(2, 'a=sendonly'), branch: 'second', retransmits: false }),
        inDialog('BYE', { cseq: 3, retransmits: false }),
        pause(1000),
      ],
      { goesOn: true },
    );
  });

  it('BYE before ACK', async () => {
    await plays([
      invite(),
      answered(),
      inDialog('BYE', { cseq: 2 }),
      expect(200),
      inDialog('ACK', { cseq: 1 }),
    ]);
  });

  function started(mark: number): number {
    return server.tacet.events.filter(({ seq, type }) => seq > mark && type === 'conversation.started')
      .length;
  }
});
