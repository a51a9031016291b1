import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RateLimiter } from '../../server/sip/embedded/rate-limiter.js';
import { onBench, SDP, until, VirtualClock } from './sip-peer.js';
import { settled } from './sip-srf.js';

const INVITE = { method: 'INVITE', seq: 1, headers: ['Content-Type: application/sdp'], body: SDP };

describe('flood limit', () => {
  it('drops requests beyond the burst in silence, counts them, and lets time refill it', () =>
    onBench(
      async ({ peer, app, clock, server }) => {
        app.options((_request, reply) => reply.send(200));
        await settled(app);
        for (let at = 0; at < 20; at++) peer.send({ method: 'OPTIONS', seq: 1, callId: `flood-${at}` });
        for (let at = 0; at < 5; at++) assert.equal((await peer.next()).status, 200);
        clock.advance(100);
        await peer.silence();
        assert.equal(server.stats().dropped.flood, 15);
      },
      { flood: { requestsPerSecond: 10, burst: 5 } },
    ));

  it('counts neither calls that are up, nor retransmissions, nor answers', () =>
    onBench(
      async ({ peer, app, server }) => {
        app.invite((request, reply) => {
          app.createUAS(request, reply, { localSdp: SDP }).then((dialog) => {
            dialog.on('info', (_request, answer) => answer.send(200));
          });
        });
        await settled(app);
        const invite = peer.request(INVITE);
        peer.sendRaw(invite);
        const ok = await peer.final();
        peer.sendRaw(invite);
        assert.equal((await peer.next()).text, ok.text);
        const to = ok.get('To');
        peer.send({ method: 'ACK', seq: 1, to });
        for (let seq = 2; seq < 30; seq++) {
          peer.send({ method: 'INFO', seq, to });
          assert.equal((await peer.next()).status, 200);
        }
        assert.equal(server.stats().dropped.flood, 0);
      },
      { flood: { requestsPerSecond: 1, burst: 1 } },
    ));

  it('counts broken requests and requests in no dialog', () =>
    onBench(
      async ({ peer, server }) => {
        for (let at = 0; at < 10; at++) peer.send({ method: 'DANCE', seq: 1, callId: `a${at}` });
        for (let at = 0; at < 10; at++) peer.sendRaw(peer.request(INVITE).replace('CSeq: 1', 'CSeq: x'));
        for (let at = 0; at < 10; at++) peer.send({ ...INVITE, to: '<sip:a@b>;tag=none', callId: `b${at}` });
        await until(() => server.stats().dropped.flood === 27, '27 dropped');
        for (let at = 0; at < 3; at++) await peer.next();
        assert.equal(peer.inbox.size, 0);
      },
      { flood: { requestsPerSecond: 1, burst: 3 } },
    ));

  it('lets a trunk send two hundred calls at once by default', () =>
    onBench(async ({ peer, app, server }) => {
      app.invite((_request, reply) => reply.send(486));
      await settled(app);
      for (let at = 0; at < 200; at++) {
        peer.send({ ...INVITE, callId: `trunk-${at}` });
        // The sockets' buffers hold fewer than 200; nothing is sent again in virtual time.
        if (at % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
      }
      const refused = new Set<string>();
      while (refused.size < 200) {
        const heard = await peer.final();
        assert.equal(heard.status, 486);
        refused.add(heard.get('Call-ID'));
      }
      assert.equal(server.stats().dropped.flood, 0);
    }));

  it('off at 0', () => {
    const limiter = new RateLimiter({ requestsPerSecond: 0, burst: 1 }, new VirtualClock());
    for (let at = 0; at < 100; at++) assert.equal(limiter.admits('192.0.2.1'), true);
  });

  it('gives each address its own bucket, and forgets the oldest beyond its memory', () => {
    const limiter = new RateLimiter({ requestsPerSecond: 1, burst: 1 }, new VirtualClock());
    assert.equal(limiter.admits('a'), true);
    assert.equal(limiter.admits('a'), false);
    assert.equal(limiter.admits('b'), true);
    for (let at = 0; at < 20_000; at++) limiter.admits(`spoofed-${at}`);
    assert.equal(limiter.admits('a'), true);
  });

  it('drops new transactions beyond the most alive', () =>
    onBench(
      async ({ peer, app, server }) => {
        app.options(() => {});
        await settled(app);
        for (let at = 0; at < 10; at++) peer.send({ method: 'OPTIONS', seq: 1, callId: `held-${at}` });
        for (;;) {
          await settled(app);
          if (server.stats().dropped.overload > 0) break;
        }
        assert.equal(server.stats().transactions, 4);
      },
      { limits: { transactions: 4 } },
    ));
});
