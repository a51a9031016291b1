import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calling, connected, failsWith, inside } from './sip-calls.js';
import { Heard, Mailbox, onBench, SDP, UdpPeer } from './sip-peer.js';

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
