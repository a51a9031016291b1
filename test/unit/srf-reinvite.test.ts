import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DrachtioSignalling } from '../../server/sip/drachtio-signalling.js';
import { type SipServer, startSipServer } from '../../server/sip/embedded/server.js';
import {
  type DialogHandlers,
  type IncomingCall,
  type SipDialog,
  SipFailure,
} from '../../server/sip/signalling.js';
import { within } from '../kit/deadline.js';
import { INVITE } from './sip-calls.js';
import { type Heard, Mailbox, SDP, UdpPeer } from './sip-peer.js';

const OFFER = `${SDP}a=ptime:20\r\n`;
const LONG = 5000;

let server: SipServer;
let peer: UdpPeer;
let signalling: DrachtioSignalling;
let dialog: SipDialog;
let to: string;
let offered: Mailbox<string | null>;
let late: Mailbox<true>;

const failsWith = (status: number) => (error: unknown) =>
  error instanceof SipFailure && error.status === status;

const reinvite = (deadlineMs = LONG) => dialog.reinvite(OFFER, { deadlineMs, late: () => late.put(true) });

/** The re-INVITE as the far end has it. */
async function reached(): Promise<Heard> {
  const heard = await peer.next('the re-INVITE');
  assert.equal(heard.method, 'INVITE');
  assert.equal(heard.body, OFFER);
  return heard;
}

describe('a re-INVITE of ours', () => {
  beforeEach(async () => {
    server = await startSipServer();
    peer = await UdpPeer.open(server.sipPort);
    offered = new Mailbox();
    late = new Mailbox();
    const calls = new Mailbox<IncomingCall>();
    const handlers: DialogHandlers = {
      hungUp: () => {},
      lost: () => {},
      offered: async (sdp) => {
        offered.put(sdp);
        return SDP;
      },
      answered: async () => {},
      info: () => true,
    };
    signalling = new DrachtioSignalling({
      servers: [{ host: '127.0.0.1', port: server.adminPort, secret: server.secret }],
      localHost: '127.0.0.1',
    });
    await signalling.start({ incoming: (call) => calls.put(call), register: () => {} });
    peer.send(INVITE);
    dialog = await (await calls.take('the call')).answer(SDP, handlers);
    to = (await peer.final()).get('To');
    peer.send({ method: 'ACK', seq: 1, to });
    // The server refuses a re-INVITE as long as the ACK has not come.
    await peer.silence();
  });

  afterEach(async () => {
    const closing = signalling.close();
    if (signalling.dialogs > 0) {
      let heard = await peer.next();
      while (heard.method !== 'BYE') heard = await peer.next();
      peer.answer(heard, '200 OK');
    }
    await within(closing, 10_000, 'signalling to close');
    peer.close();
    await server.close();
  });

  it('resolves with the answer, and acknowledges it', async () => {
    const answer = reinvite();
    peer.accept(await reached());
    assert.equal(await answer, SDP);
    assert.equal((await peer.next()).method, 'ACK');
  });

  for (const [status, reason] of [
    [488, '488 Not Acceptable Here'],
    [491, '491 Request Pending'],
    [500, '500 Server Internal Error'],
  ] as const) {
    it(`rejects with ${status} when it is refused so, and another one can follow`, async () => {
      const answer = assert.rejects(reinvite(), failsWith(status));
      peer.answer(await reached(), reason);
      await answer;
      assert.equal((await peer.next()).method, 'ACK');
      const next = reinvite();
      peer.accept(await reached());
      assert.equal(await next, SDP);
      assert.equal(late.size, 0);
    });
  }

  it('is not sent while another one of ours is under way', async () => {
    const first = reinvite();
    const heard = await reached();
    await assert.rejects(reinvite(), failsWith(491));
    peer.accept(heard);
    assert.equal(await first, SDP);
  });

  it('crosses one of the far end: that one is answered 491 and changes nothing', async () => {
    const answer = reinvite();
    const heard = await reached();
    peer.send({ ...INVITE, seq: 2, to, branch: 'z9hG4bKglare' });
    assert.equal((await peer.final()).status, 491);
    peer.send({ method: 'ACK', seq: 2, to, branch: 'z9hG4bKglare' });
    peer.accept(heard);
    assert.equal(await answer, SDP);
    assert.equal(offered.size, 0);
  });

  it('crosses an UPDATE: with an offer 491, without one 200; after it both are answered as ever', async () => {
    const answer = reinvite();
    const heard = await reached();
    const sdp = { headers: ['Content-Type: application/sdp'], body: SDP };
    peer.send({ method: 'UPDATE', seq: 2, to, branch: 'z9hG4bKupdate2', ...sdp });
    assert.equal((await peer.final()).status, 491);
    peer.send({ method: 'UPDATE', seq: 3, to, branch: 'z9hG4bKupdate3' });
    assert.equal((await peer.final()).status, 200);
    assert.equal(offered.size, 0);
    peer.accept(heard);
    assert.equal(await answer, SDP);
    assert.equal((await peer.next()).method, 'ACK');
    peer.send({ method: 'UPDATE', seq: 4, to, branch: 'z9hG4bKupdate4', ...sdp });
    assert.equal((await peer.final()).status, 200);
    assert.equal(offered.size, 1);
  });

  it('that is not answered in time is cancelled, and may be refused then', async () => {
    const answer = assert.rejects(reinvite(50), failsWith(408));
    const heard = await reached();
    peer.answer(heard, '100 Trying');
    await answer;
    const cancel = await peer.next('CANCEL');
    assert.equal(cancel.method, 'CANCEL');
    peer.answer(cancel, '200 OK');
    peer.answer(heard, '487 Request Terminated');
    assert.equal((await peer.next()).method, 'ACK');
    // Answered by the application, so that it has heard of the 487 by then.
    peer.send({ method: 'INFO', seq: 2, to, branch: 'z9hG4bKinfo' });
    assert.equal((await peer.final()).status, 200);
    const next = reinvite();
    peer.accept(await reached());
    assert.equal(await next, SDP);
    assert.equal(late.size, 0);
  });

  it('that is answered too late is acknowledged, and said to be late', async () => {
    const answer = assert.rejects(reinvite(50), failsWith(408));
    const heard = await reached();
    peer.answer(heard, '100 Trying');
    await answer;
    const cancel = await peer.next('CANCEL');
    peer.answer(cancel, '200 OK');
    peer.accept(heard);
    assert.equal(await late.take('late'), true);
    assert.equal((await peer.next()).method, 'ACK');
  });

  it('ends with the dialog', async () => {
    const answer = assert.rejects(reinvite(), failsWith(481));
    await reached();
    peer.send({ method: 'BYE', seq: 2, to, branch: 'z9hG4bKbye' });
    await answer;
    await assert.rejects(reinvite(), failsWith(481));
  });
});
