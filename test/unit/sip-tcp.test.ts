import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { within } from '../kit/deadline.js';
import { type Bench, Mailbox, onBench, PATIENCE_MS, SDP, TcpPeer, UdpPeer } from './sip-peer.js';
import { type AppDialog, settled } from './sip-srf.js';

const INVITE = {
  method: 'INVITE',
  seq: 1,
  branch: 'z9hG4bKinvite',
  headers: ['Content-Type: application/sdp'],
  body: SDP,
};

async function overTcp(bench: Bench, test: (peer: TcpPeer) => Promise<void>): Promise<void> {
  const peer = await TcpPeer.open(bench.server.sipPort);
  try {
    await test(peer);
  } finally {
    peer.close();
  }
}

const closing = (peer: TcpPeer) => within(peer.closed, PATIENCE_MS, 'the connection to close');

describe('SIP over TCP', () => {
  it('carries a whole call on the connection the caller opened', () =>
    onBench((bench) =>
      overTcp(bench, async (peer) => {
        const { app, server } = bench;
        const dialogs = new Mailbox<AppDialog>();
        app.invite((request, reply) => {
          app.createUAS(request, reply, { localSdp: SDP }).then((dialog) => dialogs.put(dialog));
        });
        await settled(app);
        peer.send(INVITE);
        const ok = await peer.final();
        assert.equal(ok.status, 200);
        assert.equal(ok.get('Contact'), `<sip:127.0.0.1:${server.sipPort};transport=tcp>`);
        peer.send({ method: 'ACK', seq: 1, to: ok.get('To') });
        const dialog = await dialogs.take('the dialog');
        await peer.silence();
        const destroyed = dialog.destroy();
        const bye = await peer.next();
        assert.equal(bye.method, 'BYE');
        assert.match(bye.get('Via'), /^SIP\/2.0\/TCP /);
        peer.answer(bye, '200 OK');
        await destroyed;
        assert.equal(server.stats().connections, 1);
      }),
    ));

  it('repeats 200 without ACK on TCP too, and nothing else', () =>
    onBench((bench) =>
      overTcp(bench, async (peer) => {
        const { app, clock } = bench;
        app.invite((request, reply) => {
          if (request.uri.includes('busy')) reply.send(486);
          else void app.createUAS(request, reply, { localSdp: SDP });
        });
        await settled(app);
        peer.send({ ...INVITE, callId: 'busy', uri: 'sip:busy@127.0.0.1' });
        assert.equal((await peer.final()).status, 486);
        clock.advance(10_000);
        await peer.silence();
        peer.send({ ...INVITE, callId: 'answered', branch: 'z9hG4bKanswered' });
        const ok = await peer.final();
        clock.advance(500);
        assert.equal((await peer.next()).text, ok.text);
      }),
    ));

  it('reads messages split anywhere and several at once', () =>
    onBench((bench) =>
      overTcp(bench, async (peer) => {
        bench.app.options((_request, reply) => reply.send(200));
        await settled(bench.app);
        const first = peer.request({ method: 'OPTIONS', seq: 1, callId: 'one', body: 'body\r\n\r\n' });
        const second = peer.request({ method: 'OPTIONS', seq: 1, callId: 'two' });
        for (const cut of [1, 10, first.length - 3, first.length + 20]) {
          const both = `${first}${second}`.replaceAll('z9hG4bK', `z9hG4bKcut${cut}`);
          peer.sendRaw(both.slice(0, cut));
          await new Promise((resolve) => setImmediate(resolve));
          peer.sendRaw(both.slice(cut));
          const answers = [await peer.next(), await peer.next()];
          assert.deepEqual(
            answers.map((heard) => heard.get('Call-ID')),
            ['one', 'two'],
          );
        }
      }),
    ));

  it('answers a double CRLF by one, and ignores line ends between messages', () =>
    onBench((bench) =>
      overTcp(bench, async (peer) => {
        peer.sendRaw('\r\n\r\n');
        assert.equal(await peer.pongs.take('the pong'), '\r\n');
        peer.sendRaw(`\r\n${peer.request({ method: 'BYE', seq: 1 })}`);
        assert.equal((await peer.next()).status, 481);
      }),
    ));

  it('closes the connection when the length of a message is missing, doubled or too large', () =>
    onBench(
      async (bench) => {
        const edits: ((text: string) => string)[] = [
          (text) => text.replace(/Content-Length.*\r\n/, ''),
          (text) => text.replace('Content-Length: 0', 'Content-Length: 0\r\nl: 0'),
          (text) => text.replace('Content-Length: 0', 'Content-Length: -1'),
          (text) => text.replace('Content-Length: 0', 'Content-Length: 99999'),
        ];
        for (const edit of edits) {
          await overTcp(bench, async (peer) => {
            peer.sendRaw(edit(peer.request({ method: 'OPTIONS', seq: 1 })));
            assert.equal((await peer.next()).status, 400);
            await closing(peer);
          });
        }
        await overTcp(bench, async (peer) => {
          peer.sendRaw(`OPTIONS sip:x SIP/2.0\r\nX: ${'x'.repeat(5000)}`);
          await closing(peer);
        });
      },
      { limits: { messageBytes: 4000 } },
    ));

  it('closes a silent connection, but not one with a call', () =>
    onBench(
      async (bench) => {
        const { app, clock, server } = bench;
        app.invite((request, reply) => void app.createUAS(request, reply, { localSdp: SDP }));
        await settled(app);
        const busy = await TcpPeer.open(server.sipPort);
        const idle = await TcpPeer.open(server.sipPort);
        busy.send(INVITE);
        const ok = await busy.final();
        busy.send({ method: 'ACK', seq: 1, to: ok.get('To') });
        await busy.silence();
        await idle.silence();
        clock.advance(120_000);
        await closing(idle);
        await busy.silence();
        assert.equal(server.stats().connections, 1);
        busy.send({ method: 'BYE', seq: 2, to: ok.get('To') });
        await busy.next();
        clock.advance(120_000);
        await closing(busy);
      },
      { limits: { connectionIdleMs: 60_000 } },
    ));

  it('closes a connection on which half a message waits', () =>
    onBench((bench) =>
      overTcp(bench, async (peer) => {
        await peer.silence();
        peer.sendRaw('OPTIONS sip:x SIP/2.0\r\n\r\nhalf'.slice(0, 22));
        const probe = await UdpPeer.open(bench.server.sipPort);
        for (let turn = 0; turn < 3; turn++) await probe.silence();
        bench.clock.advance(64_000);
        await closing(peer);
        probe.close();
      }),
    ));

  it('takes no more connections than its limit', () =>
    onBench(
      async (bench) => {
        const kept = await TcpPeer.open(bench.server.sipPort);
        await kept.silence();
        const refused = await TcpPeer.open(bench.server.sipPort);
        await closing(refused);
        await kept.silence();
        kept.close();
      },
      { limits: { connections: 1 } },
    ));

  it('tells the application when the connection for an answer is gone', () =>
    onBench((bench) =>
      overTcp(bench, async (peer) => {
        const { app, server } = bench;
        const rung = new Mailbox<{
          send(status: number, options: object, sent: (error: unknown) => void): void;
        }>();
        app.invite((_request, reply) => rung.put(reply));
        await settled(app);
        peer.send(INVITE);
        const reply = await rung.take('the INVITE');
        peer.close();
        await closing(peer);
        while (server.stats().connections > 0) await new Promise((resolve) => setImmediate(resolve));
        const refused = new Mailbox<unknown>();
        reply.send(200, { body: SDP }, (error) => refused.put(error));
        assert.equal(await refused.take('the refusal'), 'transport for response has been shutdown or closed');
        assert.equal(server.stats().dialogs, 0);
      }),
    ));

  it('opens a connection to a callee, and uses it again', () =>
    onBench(async ({ app, server }) => {
      const listener = createServer().unref();
      listener.listen(0, '127.0.0.1');
      await once(listener, 'listening');
      const address = listener.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      const accepted = once(listener, 'connection');
      const outcome = app.createUAC(`sip:callee@127.0.0.1:${port};transport=tcp`, { localSdp: SDP });
      const [socket] = (await accepted) as [Socket];
      const callee = new TcpPeer(socket);
      callee.accept(await callee.next(), { contact: `<sip:callee@127.0.0.1:${port};transport=tcp>` });
      const dialog = await outcome;
      assert.equal((await callee.next()).method, 'ACK');
      const destroyed = dialog.destroy();
      callee.answer(await callee.next(), '200 OK');
      await destroyed;
      assert.equal(server.stats().connections, 1);
      callee.close();
      listener.close();
    }));
});
