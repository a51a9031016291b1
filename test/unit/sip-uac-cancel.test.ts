import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calling, failsWith } from './sip-calls.js';
import { Mailbox, onBench } from './sip-peer.js';

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
