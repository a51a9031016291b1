import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calling, failsWith } from './sip-calls.js';
import { onBench, SDP, UdpPeer } from './sip-peer.js';

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
