import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { INVITE, ring } from './sip-calls.js';
import { Mailbox, onBench, SDP } from './sip-peer.js';
import { connectApp, settled } from './sip-srf.js';

describe('requests outside a dialog', () => {
  for (const method of ['OPTIONS', 'REGISTER', 'MESSAGE'] as const) {
    it(`${method} goes to the application, and is replayed until timer J`, () =>
      onBench(async ({ peer, app, clock, server }) => {
        const verb = method.toLowerCase() as 'options' | 'register' | 'message';
        app[verb]((_request, reply) => reply.send(200));
        await settled(app);
        const request = peer.request({ method, seq: 1, branch: 'z9hG4bKplain' });
        peer.sendRaw(request);
        const ok = await peer.next();
        assert.equal(ok.status, 200);
        if (method === 'OPTIONS') assert.match(ok.get('Allow'), /INVITE/);
        clock.advance(31_999);
        peer.sendRaw(request);
        assert.equal((await peer.next()).text, ok.text);
        clock.advance(1);
        assert.equal(server.stats().transactions, 0);
      }));
  }

  it('BYE and UPDATE without a dialog are answered 481, a stray ACK nothing', () =>
    onBench(async ({ peer, server }) => {
      peer.send({ method: 'BYE', seq: 1 });
      assert.equal((await peer.next()).status, 481);
      peer.send({ method: 'UPDATE', seq: 1 });
      assert.equal((await peer.next()).status, 481);
      peer.send({ method: 'ACK', seq: 1 });
      await peer.silence();
      assert.equal(server.stats().dropped.stray, 1);
    }));

  it('an unknown method is answered 501 with Allow, an unsupported extension 420 with Unsupported', () =>
    onBench(async ({ peer }) => {
      peer.send({ method: 'DANCE', seq: 1 });
      const unknown = await peer.next();
      assert.equal(unknown.status, 501);
      assert.match(unknown.get('Allow'), /INVITE/);
      peer.send({ ...INVITE, headers: ['Require: 100rel, timer'] });
      const extension = await peer.next();
      assert.equal(extension.status, 420);
      assert.equal(extension.get('Unsupported'), '100rel, timer');
    }));

  it('the same stateless refusal is given to every copy', () =>
    onBench(async ({ peer }) => {
      const request = peer.request({ ...INVITE, uri: 'http://example.com/' });
      peer.sendRaw(request);
      const first = await peer.next();
      assert.equal(first.status, 416);
      peer.sendRaw(request);
      assert.equal((await peer.next()).text, first.text);
    }));

  it('takes applications in turn', () =>
    onBench(async (bench) => {
      const { peer, app, server } = bench;
      const second = await connectApp(server);
      const seen: string[] = [];
      app.message((_request, reply) => {
        seen.push('first');
        reply.send(200);
      });
      second.message((_request, reply) => {
        seen.push('second');
        reply.send(200);
      });
      await settled(app);
      await settled(second);
      for (let seq = 100; seq < 106; seq++) {
        peer.send({ method: 'MESSAGE', seq, callId: `turn-${seq}` });
        await peer.next();
      }
      assert.deepEqual(new Set(seen), new Set(['first', 'second']));
      second.disconnect();
    }));

  it('what a lost application has not answered is answered 503, and its calls end in BYE', () =>
    onBench(async (bench) => {
      const { peer, clock, server } = bench;
      const other = await connectApp(server);
      const held = new Mailbox<true>();
      other.invite((request, reply) => {
        if (request.uri.includes('hold')) held.put(true);
        else void other.createUAS(request, reply, { localSdp: SDP });
      });
      await settled(other);
      peer.send({ ...INVITE, callId: 'up', branch: 'z9hG4bKup' });
      const ok = await peer.final();
      peer.send({ method: 'ACK', seq: 1, callId: 'up', to: ok.get('To') });
      peer.send({ ...INVITE, callId: 'held', branch: 'z9hG4bKheld', uri: 'sip:hold@127.0.0.1' });
      await held.take('the INVITE');
      other.disconnect();
      const refused = await peer.final();
      assert.equal(refused.status, 503);
      peer.send({
        ...INVITE,
        method: 'ACK',
        callId: 'held',
        branch: 'z9hG4bKheld',
        uri: 'sip:hold@127.0.0.1',
        to: refused.get('To'),
        body: '',
      });
      peer.send({ method: 'INFO', seq: 2, callId: 'up', to: ok.get('To') });
      assert.equal((await peer.next()).status, 481);
      clock.advance(32_000);
      assert.equal((await peer.next()).method, 'BYE');
      assert.equal(server.stats().dialogs, 0);
    }));

  it('keeps the tag an application chooses', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const rung = await ring(bench);
      peer.send(INVITE);
      (await rung.take('the INVITE')).reply.send(200, {
        headers: { To: '<sip:x@y>;tag=chosen-tag' },
        body: SDP,
      });
      const ok = await peer.final();
      assert.equal(ok.toTag, 'chosen-tag');
      peer.send({ method: 'ACK', seq: 1, to: ok.get('To') });
      await peer.silence();
      assert.equal(bench.server.stats().dropped.stray, 0);
    }));
});
