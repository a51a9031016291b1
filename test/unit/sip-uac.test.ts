import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bench, Heard, Mailbox, onBench, SDP, UdpPeer } from './sip-peer.js';
import type { AppDialog, AppRequest, AppResponse, UacOptions } from './sip-srf.js';

interface Calling {
  readonly outcome: Promise<AppDialog>;
  readonly invite: Heard;
  readonly request: AppRequest;
  readonly provisional: Mailbox<AppResponse>;
}

/** An INVITE the application sends to the peer. */
async function calling({ app, peer }: Bench, options: UacOptions = {}, uri?: string): Promise<Calling> {
  const requests = new Mailbox<AppRequest>();
  const provisional = new Mailbox<AppResponse>();
  const outcome = app.createUAC(
    uri ?? `sip:callee@127.0.0.1:${peer.port}`,
    { localSdp: SDP, ...options },
    {
      cbRequest: (error, request) => {
        if (!error) requests.put(request);
      },
      cbProvisional: (response) => provisional.put(response),
    },
  );
  outcome.catch(() => {});
  const request = await requests.take('the INVITE as sent');
  return { outcome, request, provisional, invite: await peer.next('the INVITE') };
}

/** A call the peer has answered and the application acknowledged. */
async function connected(bench: Bench): Promise<{ dialog: AppDialog; invite: Heard }> {
  const { outcome, invite } = await calling(bench);
  bench.peer.accept(invite);
  const dialog = await outcome;
  assert.equal((await bench.peer.next()).method, 'ACK');
  return { dialog, invite };
}

/** A request of the peer inside a dialog that the application opened. */
function inside(invite: Heard, tag = 'answertag'): { callId: string; to: string; from: string } {
  return { callId: invite.get('Call-ID'), to: invite.get('From'), from: `${invite.get('To')};tag=${tag}` };
}

const failsWith = (status: number) => (error: { status?: number }) => error.status === status;

describe('INVITE from the application', () => {
  it('is complete, and becomes a dialog when answered; BYE ends it', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const { outcome, invite, provisional } = await calling(bench, { callingNumber: '1234' });
      assert.equal(invite.startLine, `INVITE sip:callee@127.0.0.1:${peer.port} SIP/2.0`);
      assert.match(
        invite.get('Via'),
        new RegExp(`^SIP/2.0/UDP 127.0.0.1:${server.sipPort};rport;branch=z9hG4bK`),
      );
      assert.equal(invite.get('Max-Forwards'), '70');
      assert.match(invite.get('From'), new RegExp(`^sip:1234@127.0.0.1:${server.sipPort};tag=`));
      assert.equal(invite.get('Contact'), `sip:1234@127.0.0.1:${server.sipPort}`);
      assert.equal(invite.get('Content-Type'), 'application/sdp');
      assert.equal(invite.body, SDP);
      peer.answer(invite, '100 Trying', { tag: '' });
      peer.answer(invite, '180 Ringing');
      assert.equal((await provisional.take('180')).status, 180);
      peer.accept(invite);
      const dialog = await outcome;
      assert.equal(dialog.remote.sdp, SDP);
      const ack = await peer.next();
      assert.equal(ack.startLine, `ACK sip:peer@127.0.0.1:${peer.port} SIP/2.0`);
      assert.equal(ack.get('CSeq'), '1 ACK');
      assert.equal(ack.toTag, 'answertag');
      assert.notEqual(ack.branch, invite.branch);
      const destroyed = dialog.destroy();
      const bye = await peer.next();
      assert.equal(bye.get('CSeq'), '2 BYE');
      peer.answer(bye, '200 OK');
      await destroyed;
      assert.equal(server.stats().dialogs, 0);
    }));

  it('is repeated by timer A, and given up as 408 by timer B', () =>
    onBench(async (bench) => {
      const { peer, clock, server } = bench;
      const { outcome, invite } = await calling(bench);
      for (const wait of [500, 1000, 2000, 4000, 8000, 16_000]) {
        clock.advance(wait - 1);
        await peer.silence();
        clock.advance(1);
        assert.equal((await peer.next()).text, invite.text);
      }
      clock.advance(500);
      await assert.rejects(outcome, failsWith(408));
      assert.equal(server.stats().transactions, 0);
      assert.equal(server.stats().dialogs, 0);
    }));

  it('is not repeated after a provisional answer, however long it rings', () =>
    onBench(async (bench) => {
      const { peer, clock } = bench;
      const { outcome, invite, provisional } = await calling(bench);
      peer.answer(invite, '183 Session Progress');
      await provisional.take('183');
      clock.advance(120_000);
      await peer.silence();
      peer.accept(invite);
      await outcome;
    }));

  it('refused is acknowledged hop by hop, as often as the refusal comes, until timer D', () =>
    onBench(async (bench) => {
      const { peer, clock, server } = bench;
      const { outcome, invite } = await calling(bench);
      peer.answer(invite, '486 Busy Here');
      await assert.rejects(outcome, failsWith(486));
      const ack = await peer.next();
      assert.equal(ack.method, 'ACK');
      assert.equal(ack.branch, invite.branch);
      assert.equal(ack.toTag, 'answertag');
      assert.equal(ack.startLine, invite.startLine.replace('INVITE', 'ACK'));
      peer.answer(invite, '486 Busy Here');
      assert.equal((await peer.next()).text, ack.text);
      clock.advance(32_000);
      assert.equal(server.stats().transactions, 0);
      peer.answer(invite, '486 Busy Here');
      await peer.silence();
    }));

  it('answered is acknowledged again whenever the 200 comes again', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const { outcome, invite } = await calling(bench);
      peer.accept(invite);
      await outcome;
      const ack = await peer.next();
      peer.accept(invite);
      assert.equal((await peer.next()).text, ack.text);
    }));

  it('answered by two forks keeps the first and ends the second', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const { outcome, invite } = await calling(bench);
      peer.accept(invite, { tag: 'first' });
      await outcome;
      assert.equal((await peer.next()).toTag, 'first');
      peer.accept(invite, { tag: 'second' });
      const ack = await peer.next();
      const bye = await peer.next();
      assert.deepEqual([ack.method, ack.toTag, bye.method, bye.toTag], ['ACK', 'second', 'BYE', 'second']);
      peer.answer(bye, '200 OK');
      assert.equal(server.stats().dialogs, 1);
    }));

  it('answered without Contact is acknowledged and ended', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const { outcome, invite } = await calling(bench);
      peer.answer(invite, '200 OK', { headers: ['Content-Type: application/sdp'], body: SDP });
      await assert.rejects(outcome, failsWith(500));
      assert.equal((await peer.next()).method, 'ACK');
      const bye = await peer.next();
      assert.equal(bye.method, 'BYE');
      peer.answer(bye, '200 OK');
      assert.equal(server.stats().dialogs, 0);
    }));

  it('follows the Record-Route of the answer in reverse', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const near = await UdpPeer.open(server.sipPort);
      const route = `<sip:127.0.0.1:${near.port};lr>`;
      const { outcome, invite } = await calling(bench);
      peer.accept(invite, { headers: ['Record-Route: <sip:far.example.com;lr>', `Record-Route: ${route}`] });
      const dialog = await outcome;
      const ack = await near.next('the ACK at the proxy');
      assert.deepEqual(ack.all('Route'), [route, '<sip:far.example.com;lr>']);
      const destroyed = dialog.destroy();
      near.answer(await near.next('the BYE at the proxy'), '200 OK');
      await destroyed;
      near.close();
    }));

  it('goes to the proxy it is given, with the Request-URI unchanged', () =>
    onBench(async (bench) => {
      const proxy = `sip:127.0.0.1:${bench.peer.port}`;
      const { invite, outcome } = await calling(bench, { proxy }, 'sip:someone@far.example.com');
      assert.equal(invite.startLine, 'INVITE sip:someone@far.example.com SIP/2.0');
      bench.peer.answer(invite, '404 Not Found');
      await assert.rejects(outcome, failsWith(404));
    }));

  it('finds a name by the resolver', () =>
    onBench(async (bench) => {
      const { invite, outcome } = await calling(bench, {}, `sip:callee@localhost:${bench.peer.port}`);
      bench.peer.answer(invite, '404 Not Found');
      await assert.rejects(outcome, failsWith(404));
    }));

  it('to a name that does not exist fails as 503', () =>
    onBench(async ({ app }) => {
      await assert.rejects(app.createUAC('sip:x@name.invalid', { localSdp: SDP }), failsWith(503));
    }));

  it('over TCP where nothing listens fails as 503', () =>
    onBench(async ({ app }) => {
      await assert.rejects(
        app.createUAC('sip:x@127.0.0.1:1;transport=tcp', { localSdp: SDP }),
        failsWith(503),
      );
    }));

  it('to the server itself, or by a transport it lacks, is refused', () =>
    onBench(
      async ({ app, server }) => {
        const self = app.createUAC(`sip:x@127.0.0.1:${server.sipPort}`, { localSdp: SDP });
        await assert.rejects(self, /can not send request to myself/);
        const tcp = app.createUAC('sip:x@127.0.0.1:5999;transport=tcp', { localSdp: SDP });
        await assert.rejects(tcp, /requested protocol\/transport not available/);
      },
      { transports: ['udp'] },
    ));

  it('challenged is sent again by drachtio-srf with credentials', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const { outcome, invite } = await calling(bench, { auth: { username: 'me', password: 'secret' } });
      const challenge = 'Digest realm="test", nonce="abc", algorithm=MD5, qop="auth"';
      peer.answer(invite, '401 Unauthorized', { headers: [`WWW-Authenticate: ${challenge}`] });
      assert.equal((await peer.next()).method, 'ACK');
      const again = await peer.next();
      assert.equal(again.get('Call-ID'), invite.get('Call-ID'));
      assert.equal(again.get('CSeq'), '2 INVITE');
      assert.match(again.get('Authorization'), /^Digest username="me"/);
      peer.accept(again);
      const dialog = await outcome;
      assert.equal((await peer.next()).get('CSeq'), '2 ACK');
      const destroyed = dialog.destroy();
      const bye = await peer.next();
      assert.equal(bye.get('CSeq'), '3 BYE');
      peer.answer(bye, '200 OK');
      await destroyed;
    }));
});

describe('CANCEL from the application', () => {
  it('waits for a provisional answer, then cancels; 487 ends the INVITE', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const { outcome, invite, request } = await calling(bench);
      request.cancel();
      await peer.silence();
      peer.answer(invite, '180 Ringing');
      const cancel = await peer.next();
      assert.equal(cancel.startLine, invite.startLine.replace('INVITE', 'CANCEL'));
      assert.equal(cancel.get('Via'), invite.get('Via'));
      assert.equal(cancel.get('CSeq'), '1 CANCEL');
      peer.answer(cancel, '200 OK');
      peer.answer(invite, '487 Request Terminated');
      await assert.rejects(outcome, failsWith(487));
      assert.equal((await peer.next()).method, 'ACK');
      assert.equal(server.stats().dialogs, 0);
    }));

  it('crossed by 200 ends the call by ACK and BYE, and tells the application', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const { outcome, invite, request, provisional } = await calling(bench);
      peer.answer(invite, '180 Ringing');
      await provisional.take('180');
      request.cancel();
      peer.answer(await peer.next(), '200 OK');
      peer.accept(invite);
      const dialog = await outcome;
      const ended = new Mailbox<string | undefined>();
      dialog.on('destroy', (_request, reason) => ended.put(reason));
      assert.equal((await peer.next()).method, 'ACK');
      const bye = await peer.next();
      assert.equal(bye.method, 'BYE');
      peer.answer(bye, '200 OK');
      assert.equal(await ended.take('the end'), 'ACK-BYE due to cancel race condition');
      assert.equal(server.stats().dialogs, 0);
    }));

  it('that brings no final answer gives the INVITE up after 64*T1', () =>
    onBench(async (bench) => {
      const { peer, clock, server } = bench;
      const { outcome, invite, request, provisional } = await calling(bench);
      peer.answer(invite, '180 Ringing');
      await provisional.take('180');
      request.cancel();
      peer.answer(await peer.next(), '200 OK');
      await peer.silence();
      clock.advance(32_000);
      await assert.rejects(outcome, failsWith(408));
      clock.advance(5000);
      assert.equal(server.stats().transactions, 0);
    }));

  it('of an answered INVITE is refused', () =>
    onBench(async (bench) => {
      const { outcome, invite, request } = await calling(bench);
      bench.peer.answer(invite, '486 Busy Here');
      await assert.rejects(outcome, failsWith(486));
      const refused = new Mailbox<Error | null>();
      request.cancel((error) => refused.put(error));
      assert.match(String(await refused.take('the refusal')), /unable to cancel unknown transaction id/);
    }));
});

describe('requests of the application inside a dialog', () => {
  it('re-INVITE: answered, acknowledged with its own sequence number, target moved', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const { dialog } = await connected(bench);
      const moved = await UdpPeer.open(server.sipPort);
      const modified = dialog.modify(SDP);
      const offer = await peer.next();
      assert.equal(offer.get('CSeq'), '2 INVITE');
      peer.accept(offer, { contact: moved.contact });
      assert.equal(await modified, SDP);
      const ack = await moved.next('the ACK at the new target');
      assert.equal(ack.get('CSeq'), '2 ACK');
      moved.close();
    }));

  it('re-INVITE while the peer offers is answered 491 without being sent', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const { dialog, invite } = await connected(bench);
      const offered = new Mailbox<true>();
      dialog.on('modify', () => offered.put(true));
      const body = { headers: ['Content-Type: application/sdp'], body: SDP };
      peer.send({ ...inside(invite), method: 'INVITE', seq: 1, ...body });
      await offered.take('the offer');
      assert.equal((await peer.next()).status, 100);
      await assert.rejects(dialog.modify(SDP), failsWith(491));
      await peer.silence();
    }));

  it('BYE while a re-INVITE is pending cancels it', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const { dialog } = await connected(bench);
      dialog.modify(SDP).catch(() => {});
      const offer = await peer.next();
      peer.answer(offer, '100 Trying', { tag: '' });
      const destroyed = dialog.destroy();
      const sent = [await peer.next(), await peer.next()];
      assert.deepEqual(sent.map(({ method }) => method).sort(), ['BYE', 'CANCEL']);
      for (const request of sent) peer.answer(request, '200 OK');
      await destroyed;
    }));

  it('INFO is repeated by timer E and given up as 408 by timer F', () =>
    onBench(async (bench) => {
      const { peer, clock } = bench;
      const { dialog } = await connected(bench);
      const headers = { 'Content-Type': 'text/plain' };
      const outcome = dialog.request({ method: 'INFO', headers, body: 'x' });
      const info = await peer.next();
      for (const wait of [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000]) {
        clock.advance(wait);
        assert.equal((await peer.next()).text, info.text);
      }
      clock.advance(500);
      assert.equal((await outcome).status, 408);
    }));

  it('INFO answered 100 is repeated every T2, answered 200 is over after timer K', () =>
    onBench(async (bench) => {
      const { peer, clock, server } = bench;
      const { dialog } = await connected(bench);
      clock.advance(32_000);
      assert.equal(server.stats().transactions, 0);
      const outcome = dialog.request({ method: 'INFO' });
      const info = await peer.next();
      peer.answer(info, '100 Trying', { tag: '' });
      await peer.silence();
      clock.advance(3999);
      await peer.silence();
      clock.advance(1);
      assert.equal((await peer.next()).text, info.text);
      peer.answer(info, '200 OK');
      assert.equal((await outcome).status, 200);
      peer.answer(info, '200 OK');
      await peer.silence();
      assert.equal(server.stats().transactions, 1);
      clock.advance(5000);
      assert.equal(server.stats().transactions, 0);
    }));

  it('REFER goes out with Contact, and NOTIFY comes back into the dialog', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const { dialog, invite } = await connected(bench);
      const notes = new Mailbox<string>();
      dialog.on('notify', (request, reply) => {
        notes.put(request.body);
        reply.send(200);
      });
      const outcome = dialog.request({ method: 'REFER', headers: { 'Refer-To': 'sip:other@example.com' } });
      const refer = await peer.next();
      assert.equal(refer.get('Refer-To'), 'sip:other@example.com');
      assert.notEqual(refer.get('Contact'), '');
      peer.answer(refer, '202 Accepted');
      assert.equal((await outcome).status, 202);
      const headers = ['Event: refer', 'Subscription-State: active', 'Content-Type: message/sipfrag'];
      peer.send({ ...inside(invite), method: 'NOTIFY', seq: 1, headers, body: 'SIP/2.0 100 Trying' });
      assert.equal(await notes.take('the NOTIFY'), 'SIP/2.0 100 Trying');
      assert.equal((await peer.next()).status, 200);
    }));

  it('BYE refused by a challenge leaves the dialog until it is answered', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const { dialog } = await connected(bench);
      const destroyed = dialog.destroy();
      peer.answer(await peer.next(), '401 Unauthorized');
      await destroyed;
      assert.equal(server.stats().dialogs, 1);
      const again = dialog.request({ method: 'BYE' });
      peer.answer(await peer.next(), '200 OK');
      await again;
      assert.equal(server.stats().dialogs, 0);
    }));

  it('of an ended dialog is refused in the words drachtio-srf understands', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const { dialog, invite } = await connected(bench);
      peer.send({ ...inside(invite), method: 'BYE', seq: 1 });
      assert.equal((await peer.next()).status, 200);
      await assert.rejects(dialog.request({ method: 'INFO' }), { code: 'ENODIALOG' });
    }));

  it('UPDATE of the peer before the answer finds the dialog', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const { outcome, invite, provisional } = await calling(bench);
      peer.answer(invite, '183 Session Progress');
      await provisional.take('183');
      const body = { headers: ['Content-Type: application/sdp'], body: SDP };
      peer.send({ ...inside(invite), method: 'UPDATE', seq: 1, ...body });
      const answer = await peer.next();
      assert.equal(answer.status, 200);
      assert.equal(answer.body, SDP);
      peer.accept(invite);
      await outcome;
    }));

  it('answers with several Via, or to no request, are dropped', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const { invite } = await calling(bench);
      const doubled = invite.text.replace(
        /^Via: (.*)\r$/m,
        'Via: $1\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r',
      );
      peer.answer(new Heard(doubled), '486 Busy Here');
      peer.answer(new Heard(invite.text.replaceAll(invite.branch, 'z9hG4bKforged')), '486 Busy Here');
      await peer.silence();
      assert.equal(server.stats().dropped.malformed, 1);
      assert.equal(server.stats().dropped.stray, 1);
    }));
});
