import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bench, type Heard, Mailbox, onBench, type PeerRequest, SDP, UdpPeer } from './sip-peer.js';
import { type AppDialog, type AppReply, type AppRequest, connectApp, settled } from './sip-srf.js';

const INVITE = {
  method: 'INVITE',
  seq: 1,
  branch: 'z9hG4bKinvite',
  headers: ['Content-Type: application/sdp'],
  body: SDP,
};

/** What the application was given. */
interface Rung {
  readonly request: AppRequest;
  readonly reply: AppReply;
}

async function ring({ app }: Bench): Promise<Mailbox<Rung>> {
  const rung = new Mailbox<Rung>();
  app.invite((request, reply) => rung.put({ request, reply }));
  await settled(app);
  return rung;
}

interface Answered {
  readonly dialog: AppDialog;
  readonly ok: Heard;
  /** To with the server's tag. */
  readonly to: string;
}

/** A call from the peer that the application has answered and the peer acknowledged. */
async function answered(bench: Bench, parts: Partial<PeerRequest> = {}): Promise<Answered> {
  const { peer, app } = bench;
  const dialogs = new Mailbox<AppDialog>();
  app.invite((request, reply) => {
    app.createUAS(request, reply, { localSdp: SDP }).then((dialog) => dialogs.put(dialog));
  });
  await settled(app);
  peer.send({ ...INVITE, ...parts });
  const ok = await peer.final();
  assert.equal(ok.status, 200);
  const dialog = await dialogs.take('the dialog');
  const acked = new Mailbox<true>();
  dialog.on('ack', () => acked.put(true));
  const to = ok.get('To');
  peer.send({ method: 'ACK', seq: parts.seq ?? 1, to });
  await acked.take('the ACK');
  return { dialog, ok, to };
}

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
