import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answered, INVITE, ring } from './sip-calls.js';
import { Mailbox, onBench, SDP } from './sip-peer.js';
import { type AppDialog, settled } from './sip-srf.js';

describe('requests inside a dialog', () => {
  it('re-INVITE: answered by the application, 200 repeated until its ACK', () =>
    onBench(async (bench) => {
      const { peer, clock } = bench;
      const { dialog, to } = await answered(bench);
      dialog.on('modify', (_request, reply) => reply.send(200, { body: SDP }));
      const acked = new Mailbox<true>();
      dialog.on('ack', () => acked.put(true));
      peer.send({ ...INVITE, seq: 2, branch: 'z9hG4bKagain', to });
      const ok = await peer.final();
      assert.equal(ok.status, 200);
      clock.advance(500);
      assert.equal((await peer.next()).text, ok.text);
      peer.send({ method: 'ACK', seq: 2, to });
      await acked.take('the ACK');
      clock.advance(1000);
      await peer.silence();
    }));

  it('re-INVITE while the application sends one is answered 491', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const { dialog, to } = await answered(bench);
      const modified = dialog.modify(SDP);
      const offer = await peer.next();
      assert.equal(offer.method, 'INVITE');
      peer.send({ ...INVITE, seq: 2, branch: 'z9hG4bKglare', to });
      const glare = await peer.next();
      assert.equal(glare.status, 491);
      peer.send({ ...INVITE, method: 'ACK', seq: 2, branch: 'z9hG4bKglare', to: glare.get('To'), body: '' });
      peer.accept(offer);
      await modified;
      assert.equal((await peer.next()).method, 'ACK');
    }));

  it('re-INVITE before the first is answered gets 500 with Retry-After; after 200 without ACK 491', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const rung = await ring(bench);
      peer.send(INVITE);
      const { reply } = await rung.take('the INVITE');
      reply.send(180);
      await peer.next();
      const to = (await peer.next()).get('To');
      const second = { ...INVITE, seq: 2, branch: 'z9hG4bKsecond', to };
      peer.send(second);
      const early = await peer.next();
      assert.equal(early.status, 500);
      assert.match(early.get('Retry-After'), /^\d+$/);
      peer.send({ ...second, method: 'ACK', to: early.get('To'), body: '' });
      reply.send(200, { body: SDP });
      assert.equal((await peer.next()).status, 200);
      peer.send({ ...INVITE, seq: 3, branch: 'z9hG4bKthird', to });
      assert.equal((await peer.final()).status, 491);
    }));

  it('with an old sequence number gets 500; with a foreign tag 481', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const { to } = await answered(bench, { seq: 10 });
      peer.send({ method: 'INFO', seq: 3, to });
      assert.equal((await peer.final()).status, 500);
      peer.send({ method: 'INFO', seq: 12, to, from: '<sip:peer@example.com>;tag=stranger' });
      assert.equal((await peer.final()).status, 481);
    }));

  for (const method of ['OPTIONS', 'UPDATE', 'REFER', 'NOTIFY', 'MESSAGE']) {
    it(`${method} reaches the dialog, and its answer the peer`, () =>
      onBench(async (bench) => {
        const { peer } = bench;
        const { dialog, to } = await answered(bench);
        dialog.on(method.toLowerCase(), (_request, reply) => reply.send(202));
        const headers = method === 'REFER' ? ['Refer-To: <sip:other@example.com>'] : [];
        const request = peer.request({ method, seq: 2, to, headers });
        peer.sendRaw(request);
        const answer = await peer.final();
        assert.equal(answer.status, 202);
        peer.sendRaw(request);
        assert.equal((await peer.next()).text, answer.text);
      }));
  }

  it('an unanswered one ends with timer F of the client, in silence', () =>
    onBench(async (bench) => {
      const { peer, clock, server } = bench;
      const { dialog, to } = await answered(bench);
      const held = new Mailbox<true>();
      dialog.on('info', () => held.put(true));
      clock.advance(64 * 500);
      peer.send({ method: 'INFO', seq: 2, to });
      await held.take('the INFO');
      assert.equal(server.stats().transactions, 1);
      clock.advance(64 * 500);
      assert.equal(server.stats().transactions, 0);
      await peer.silence();
    }));

  it('BYE from the application waits for the ACK of the 200', () =>
    onBench(async (bench) => {
      const { peer, app } = bench;
      const dialogs = new Mailbox<AppDialog>();
      app.invite((request, reply) => {
        app.createUAS(request, reply, { localSdp: SDP }).then((dialog) => dialogs.put(dialog));
      });
      await settled(app);
      peer.send(INVITE);
      const ok = await peer.final();
      const dialog = await dialogs.take('the dialog');
      const destroyed = dialog.destroy();
      await peer.silence();
      peer.send({ method: 'ACK', seq: 1, to: ok.get('To') });
      const bye = await peer.next();
      assert.equal(bye.method, 'BYE');
      peer.answer(bye, '200 OK');
      await destroyed;
    }));

  it('BYE answers a pending re-INVITE 487', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const { dialog, to } = await answered(bench);
      const offered = new Mailbox<true>();
      dialog.on('modify', () => offered.put(true));
      peer.send({ ...INVITE, seq: 2, branch: 'z9hG4bKagain', to });
      await offered.take('the offer');
      assert.equal((await peer.next()).status, 100);
      peer.send({ method: 'BYE', seq: 3, to });
      const answers = [await peer.next(), await peer.next()];
      assert.deepEqual(answers.map((heard) => `${heard.status} ${heard.get('CSeq')}`).sort(), [
        '200 3 BYE',
        '487 2 INVITE',
      ]);
    }));
});
