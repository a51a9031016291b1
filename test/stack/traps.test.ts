import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DrachtioSignalling } from '../../server/sip/drachtio-signalling.js';
import { type DialogHandlers, type IncomingCall, SipFailure } from '../../server/sip/signalling.js';
import { within } from '../kit/deadline.js';
import { Drachtio, drachtioInstalled } from '../kit/drachtio.js';
import { INVITE } from '../unit/sip-calls.js';
import { Mailbox, SDP, UdpPeer, until } from '../unit/sip-peer.js';

const skip = drachtioInstalled() ? false : 'drachtio is not on the PATH';

/** What test/unit/srf-link.test.ts cannot show, since the embedded server does not let it come so far. */
describe('drachtio-srf on drachtio-server', { skip }, () => {
  let drachtio: Drachtio;
  let peer: UdpPeer;
  let signalling: DrachtioSignalling;
  let calls: Mailbox<IncomingCall>;
  let ended: Mailbox<'hungUp' | 'lost'>;
  const handlers: DialogHandlers = {
    hungUp: () => ended.put('hungUp'),
    lost: () => ended.put('lost'),
    offered: async () => SDP,
    answered: async () => {},
    info: () => false,
  };

  beforeEach(async () => {
    drachtio = await Drachtio.start();
    peer = await UdpPeer.open(drachtio.sipPort);
    calls = new Mailbox();
    ended = new Mailbox();
    signalling = new DrachtioSignalling({ servers: [drachtio.entry], localHost: 'localhost', pingMs: 50 });
    await signalling.start({ incoming: (call) => calls.put(call), register: () => {} });
  });
  afterEach(async () => {
    peer.close();
    await within(signalling.close(), 10_000, 'signalling to close');
    await drachtio.stop();
  });

  const call = () => {
    const { signal } = new AbortController();
    const uri = `sip:b@127.0.0.1:${peer.port}`;
    return signalling.call({ uri, offer: SDP, from: { user: 'a' }, signal }, handlers);
  };

  it('an INVITE without Contact is refused once, and is no call', async () => {
    peer.sendRaw(peer.request(INVITE).replace(/^Contact: .*\r\n/m, ''));
    assert.equal((await peer.final()).status, 400);
    assert.deepEqual([calls.size, signalling.dialogs], [0, 0]);
  });

  it('a call whose 200 has no Contact fails, and leaves nothing', async () => {
    const calling = call();
    calling.catch(() => {});
    const invite = await peer.next();
    peer.answer(invite, '200 OK', { headers: ['Content-Type: application/sdp'], body: SDP });
    await assert.rejects(calling, SipFailure);
    assert.equal(signalling.dialogs, 0);
  });

  it('a call that is cancelled before its 200 leaves nothing', async () => {
    peer.send(INVITE);
    const incoming = await calls.take('the call');
    peer.send({ ...INVITE, method: 'CANCEL', headers: [], body: '' });
    await until(() => incoming.cancelled, 'the cancel');
    await assert.rejects(incoming.answer(SDP, handlers), SipFailure);
    assert.equal(signalling.dialogs, 0);
  });

  for (const [how, answer] of [
    ['is refused', '488 Not Acceptable Here'],
    ['rings', '180 Ringing'],
  ] as const) {
    it(`a re-INVITE that ${how} gets an ACK of ours too: without it drachtio-server uses freed memory at the BYE`, async () => {
      peer.send(INVITE);
      const dialog = await (await calls.take('the call')).answer(SDP, handlers);
      peer.send({ method: 'ACK', seq: 1, to: (await peer.final()).get('To') });
      await peer.silence();
      const refused = assert.rejects(dialog.reinvite(SDP, { deadlineMs: 1000, late: () => {} }), SipFailure);
      const invite = await peer.next();
      peer.answer(invite, answer);
      for (;;) {
        const ack = await peer.next('an ACK that is not of the transaction');
        assert.equal(ack.method, 'ACK');
        if (ack.branch !== invite.branch) break;
      }
      await refused;
    });
  }

  it('From names drachtio-server, not this machine by a name of its own', async () => {
    const calling = call();
    const invite = await peer.next();
    assert.match(invite.get('From'), /^<sip:a@127\.0\.0\.1(:\d+)?>;tag=/);
    peer.answer(invite, '486 Busy Here');
    await assert.rejects(calling, (error) => error instanceof SipFailure && error.status === 486);
  });

  it('a drachtio-server that stands still is given up, and taken again when it goes on', async () => {
    drachtio.freeze();
    try {
      await until(() => !signalling.ready, 'the loss');
    } finally {
      drachtio.resume();
    }
    await within(
      (async () => {
        while (!signalling.ready) await new Promise((resolve) => setImmediate(resolve));
      })(),
      20_000,
      'the connection',
    );
  });
});
