import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answered, INVITE, ring } from './sip-calls.js';
import { Mailbox, onBench, SDP } from './sip-peer.js';

describe('CANCEL from the network', () => {
  const CANCEL = { ...INVITE, method: 'CANCEL', headers: [], body: '' };

  it('of a ringing call is answered 200, the INVITE 487, and the application hears of it', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const rung = await ring(bench);
      peer.send(INVITE);
      const { request, reply } = await rung.take('the INVITE');
      const cancelled = new Mailbox<true>();
      request.on('cancel', () => cancelled.put(true));
      reply.send(180);
      await peer.next();
      const ringing = await peer.next();
      peer.send(CANCEL);
      const ok = await peer.next();
      assert.equal(ok.status, 200);
      assert.equal(ok.get('CSeq'), '1 CANCEL');
      const terminated = await peer.next();
      assert.equal(terminated.status, 487);
      assert.equal(terminated.toTag, ringing.toTag);
      assert.equal(ok.toTag, ringing.toTag);
      await cancelled.take('the cancel event');
      assert.equal(server.stats().dialogs, 0);
      const refused = new Mailbox<unknown>();
      reply.send(200, { body: SDP }, (error) => refused.put(error));
      assert.equal(await refused.take('the refusal'), 'Response not sent due to unknown transaction');
      peer.send(CANCEL);
      assert.equal((await peer.next()).text, ok.text);
    }));

  it('before the application answered anything has the same effect', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const rung = await ring(bench);
      peer.send(INVITE);
      peer.send(CANCEL);
      const seen = [await peer.next(), await peer.next(), await peer.next()].map(({ status }) => status);
      assert.deepEqual(seen, [100, 200, 487]);
      await rung.take('the INVITE');
    }));

  it('after 200 is answered 200 and changes nothing', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      await answered(bench);
      peer.send(CANCEL);
      assert.equal((await peer.next()).status, 200);
      await peer.silence();
      assert.equal(server.stats().dialogs, 1);
    }));

  it('after a refusal is answered 200 and changes nothing', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const rung = await ring(bench);
      peer.send(INVITE);
      (await rung.take('the INVITE')).reply.send(486);
      await peer.final();
      peer.send(CANCEL);
      assert.equal((await peer.next()).status, 200);
      await peer.silence();
    }));

  it('of nothing is answered 481', () =>
    onBench(async ({ peer }) => {
      peer.send(CANCEL);
      assert.equal((await peer.next()).status, 481);
    }));

  it('of a re-INVITE leaves the call up', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const { dialog, to } = await answered(bench);
      const offered = new Mailbox<true>();
      dialog.on('modify', () => offered.put(true));
      const again = { ...INVITE, seq: 2, branch: 'z9hG4bKagain', to };
      peer.send(again);
      await offered.take('the offer');
      peer.send({ ...again, method: 'CANCEL', headers: [], body: '' });
      const seen = [await peer.next(), await peer.next(), await peer.next()].map(({ status }) => status);
      assert.deepEqual(seen, [100, 200, 487]);
      assert.equal(server.stats().dialogs, 1);
    }));

  it('is what the application sees when the caller sends BYE before the answer', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const rung = await ring(bench);
      peer.send(INVITE);
      const { request, reply } = await rung.take('the INVITE');
      const cancelled = new Mailbox<true>();
      request.on('cancel', () => cancelled.put(true));
      reply.send(180);
      await peer.next();
      const ringing = await peer.next();
      peer.send({ method: 'BYE', seq: 2, to: ringing.get('To') });
      const answers = [await peer.next(), await peer.next()];
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 487]);
      await cancelled.take('the cancel event');
    }));
});
