import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answered, INVITE, ring } from './sip-calls.js';
import { Mailbox, onBench, SDP, UdpPeer } from './sip-peer.js';
import { type AppDialog, settled } from './sip-srf.js';

describe('INVITE from the network', () => {
  it('is answered 100 at once, then as the application answers; a dialog with its ACK, INFO and BYE follows', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const { dialog, ok, to } = await answered(bench);
      assert.equal(dialog.id, 'call-1;from-tag=peertag');
      assert.equal(ok.body, SDP);
      assert.equal(ok.get('Contact'), `<sip:127.0.0.1:${server.sipPort}>`);
      assert.match(ok.get('Allow'), /INVITE, ACK, CANCEL, BYE/);
      assert.match(ok.get('Via'), new RegExp(`;rport=${peer.port};received=127.0.0.1$`));
      const infos = new Mailbox<string>();
      dialog.on('info', (request, reply) => {
        infos.put(request.body);
        reply.send(200);
      });
      const headers = ['Content-Type: application/dtmf-relay'];
      peer.send({ method: 'INFO', seq: 2, to, headers, body: 'Signal=5\r\nDuration=160\r\n' });
      assert.equal(await infos.take('the digit'), 'Signal=5\r\nDuration=160\r\n');
      assert.equal((await peer.final()).status, 200);
      const ended = new Mailbox<string | undefined>();
      dialog.on('destroy', (_request, reason) => ended.put(reason));
      peer.send({ method: 'BYE', seq: 3, to });
      assert.equal((await peer.final()).status, 200);
      assert.equal(await ended.take('the end'), 'normal release');
      assert.equal(server.stats().dialogs, 0);
    }));

  it('gets 100 before the application has answered anything', () =>
    onBench(async (bench) => {
      const rung = await ring(bench);
      bench.peer.send(INVITE);
      assert.equal((await bench.peer.next()).startLine, 'SIP/2.0 100 Trying');
      const { request } = await rung.take('the INVITE');
      assert.equal(request.get('Contact'), bench.peer.contact);
      assert.equal(request.source_address, '127.0.0.1');
    }));

  it('gets 100 only after a while where that is wanted, or at its first copy', () =>
    onBench(
      async (bench) => {
        const { peer, clock } = bench;
        const rung = await ring(bench);
        peer.send(INVITE);
        await rung.take('the INVITE');
        clock.advance(99);
        await peer.silence();
        clock.advance(1);
        assert.equal((await peer.next()).status, 100);
        peer.send({ ...INVITE, callId: 'another', branch: 'z9hG4bKanother' });
        const { reply } = await rung.take('the second INVITE');
        peer.send({ ...INVITE, callId: 'another', branch: 'z9hG4bKanother' });
        assert.equal((await peer.next()).status, 100);
        reply.send(180);
        assert.equal((await peer.next()).status, 180);
        clock.advance(1000);
        await peer.silence();
      },
      { tryingAfterMs: 100 },
    ));

  it('gets no 100 where that is wanted late and the answer comes before', () =>
    onBench(
      async (bench) => {
        const { peer, clock } = bench;
        const rung = await ring(bench);
        peer.send(INVITE);
        const { reply } = await rung.take('the INVITE');
        reply.send(180);
        assert.equal((await peer.next()).status, 180);
        clock.advance(200);
        await peer.silence();
        reply.send(486);
        assert.equal((await peer.next()).status, 486);
      },
      { tryingAfterMs: 100 },
    ));

  it('retransmitted is absorbed, and the last answer is sent again', () =>
    onBench(async (bench) => {
      const { peer } = bench;
      const rung = await ring(bench);
      peer.send(INVITE);
      peer.send(INVITE);
      assert.equal((await peer.next()).status, 100);
      assert.equal((await peer.next()).status, 100);
      const { reply } = await rung.take('the INVITE');
      reply.send(180);
      const ringing = await peer.next();
      assert.equal(ringing.status, 180);
      peer.send(INVITE);
      assert.equal((await peer.next()).text, ringing.text);
      assert.equal(rung.size, 0);
      reply.send(486);
      const busy = await peer.next();
      assert.equal(busy.status, 486);
      assert.equal(busy.toTag, ringing.toTag);
      peer.send(INVITE);
      assert.equal((await peer.next()).text, busy.text);
      peer.send({ ...INVITE, method: 'ACK', to: busy.get('To'), body: '' });
      peer.send(INVITE);
      await peer.silence();
    }));

  it('keeps sending a refusal by timer G until the ACK, which the application does not see', () =>
    onBench(async (bench) => {
      const { peer, clock, server } = bench;
      const rung = await ring(bench);
      peer.send(INVITE);
      (await rung.take('the INVITE')).reply.send(404);
      const first = await peer.final();
      for (const wait of [500, 1000, 2000, 4000, 4000]) {
        clock.advance(wait - 1);
        await peer.silence();
        clock.advance(1);
        assert.equal((await peer.next()).text, first.text);
      }
      peer.send({ ...INVITE, method: 'ACK', to: first.get('To'), body: '' });
      await peer.silence();
      clock.advance(4000);
      await peer.silence();
      clock.advance(64 * 500);
      assert.equal(server.stats().transactions, 0);
    }));

  it('stops sending a refusal after timer H when no ACK comes', () =>
    onBench(async (bench) => {
      const { peer, clock, server } = bench;
      const rung = await ring(bench);
      peer.send(INVITE);
      (await rung.take('the INVITE')).reply.send(404);
      await peer.final();
      clock.advance(32_000);
      let copies = 0;
      for (; peer.inbox.size > 0 || copies < 10; copies++) await peer.next();
      assert.equal(copies, 10);
      assert.equal(server.stats().transactions, 0);
      await peer.silence();
    }));

  it('keeps sending 200 until the ACK', () =>
    onBench(async (bench) => {
      const { peer, app, clock } = bench;
      app.invite((request, reply) => void app.createUAS(request, reply, { localSdp: SDP }));
      await settled(app);
      peer.send(INVITE);
      const ok = await peer.final();
      for (const wait of [500, 1000, 2000, 4000]) {
        clock.advance(wait);
        assert.equal((await peer.next()).text, ok.text);
      }
      peer.send(INVITE);
      assert.equal((await peer.next()).text, ok.text);
      peer.send({ method: 'ACK', seq: 1, to: ok.get('To') });
      peer.send(INVITE);
      await peer.silence();
      clock.advance(8000);
      await peer.silence();
    }));

  it('answered 200 but never acknowledged ends in BYE, and the application is told', () =>
    onBench(async (bench) => {
      const { peer, app, clock, server } = bench;
      const dialogs = new Mailbox<AppDialog>();
      app.invite((request, reply) => {
        app.createUAS(request, reply, { localSdp: SDP }).then((dialog) => dialogs.put(dialog));
      });
      await settled(app);
      peer.send(INVITE);
      await peer.final();
      const dialog = await dialogs.take('the dialog');
      const ended = new Mailbox<string | undefined>();
      dialog.on('destroy', (_request, reason) => ended.put(reason));
      clock.advance(32_000);
      let heard = await peer.next();
      while (heard.status === 200) heard = await peer.next();
      assert.equal(heard.method, 'BYE');
      assert.match(heard.get('Reason'), /ACK timeout/);
      assert.equal(await ended.take('the end'), 'ACK timeout');
      peer.answer(heard, '200 OK');
      assert.equal(server.stats().dialogs, 0);
    }));

  it('without listener is answered 503, as drachtio does', () =>
    onBench(async ({ peer, server }) => {
      peer.send(INVITE);
      assert.equal((await peer.next()).status, 503);
      assert.equal(server.stats().transactions, 0);
    }));

  it('arriving twice by different paths is answered 482 the second time', () =>
    onBench(async (bench) => {
      await ring(bench);
      bench.peer.send(INVITE);
      assert.equal((await bench.peer.next()).status, 100);
      bench.peer.send({ ...INVITE, branch: 'z9hG4bKotherpath' });
      assert.equal((await bench.peer.next()).status, 482);
    }));

  it('with an unknown To tag is answered 481', () =>
    onBench(async (bench) => {
      await ring(bench);
      bench.peer.send({ ...INVITE, to: '<sip:service@example.com>;tag=gone' });
      assert.equal((await bench.peer.next()).status, 481);
    }));

  it('copies Record-Route into what makes the dialog, and routes by it', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const proxy = await UdpPeer.open(server.sipPort);
      const route = `<sip:127.0.0.1:${proxy.port};lr>`;
      const headers = [...INVITE.headers, `Record-Route: ${route}, <sip:far.example.com;lr>`];
      const { dialog, ok } = await answered(bench, { headers });
      assert.deepEqual(ok.all('Record-Route'), [`${route}, <sip:far.example.com;lr>`]);
      const destroyed = dialog.destroy();
      const bye = await proxy.next('the BYE at the proxy');
      assert.equal(bye.startLine, `BYE sip:peer@127.0.0.1:${peer.port} SIP/2.0`);
      assert.deepEqual(bye.all('Route'), [route, '<sip:far.example.com;lr>']);
      proxy.answer(bye, '200 OK');
      await destroyed;
      proxy.close();
    }));

  it('through a strict router puts the target at the end of Route', () =>
    onBench(async (bench) => {
      const { peer, server } = bench;
      const proxy = await UdpPeer.open(server.sipPort);
      const headers = [...INVITE.headers, `Record-Route: <sip:127.0.0.1:${proxy.port}>`];
      const { dialog } = await answered(bench, { headers });
      const destroyed = dialog.destroy();
      const bye = await proxy.next('the BYE at the proxy');
      assert.equal(bye.startLine, `BYE sip:127.0.0.1:${proxy.port} SIP/2.0`);
      assert.deepEqual(bye.all('Route'), [`<sip:peer@127.0.0.1:${peer.port}>`]);
      proxy.answer(bye, '200 OK');
      await destroyed;
      proxy.close();
    }));

  it('from behind NAT is followed where it came from, not to its Contact', () =>
    onBench(async (bench) => {
      const { dialog } = await answered(bench, { contact: '<sip:peer@192.0.2.77:5060>' });
      const destroyed = dialog.destroy();
      const bye = await bench.peer.next('the BYE');
      assert.equal(bye.startLine, 'BYE sip:peer@192.0.2.77:5060 SIP/2.0');
      bench.peer.answer(bye, '200 OK');
      await destroyed;
    }));
});
