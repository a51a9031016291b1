import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SipServerEvent } from '../../server/sip/embedded/log.js';
import { startSipServer } from '../../server/sip/embedded/server.js';
import { within } from '../kit/deadline.js';
import { Mailbox, onBench, SDP, UdpPeer } from './sip-peer.js';
import { connectApp, settled } from './sip-srf.js';

describe('SIP server', () => {
  it('leaves no socket and no timer behind, in the middle of calls too', async () => {
    const child = fork(fileURLToPath(new URL('./sip-server.child.js', import.meta.url)), { stdio: 'pipe' });
    const complaints: string[] = [];
    child.stderr?.on('data', (text: Buffer) => complaints.push(text.toString()));
    const [code] = await within(once(child, 'exit'), 20_000, 'the process to end by itself').finally(() =>
      child.kill(),
    );
    assert.equal(complaints.join(''), '');
    assert.equal(code, 0);
  });

  it('uses one port for both transports, and says where it is', async () => {
    const server = await startSipServer({ advertisedAddress: '203.0.113.9' });
    assert.equal(server.contact(), `sip:203.0.113.9:${server.sipPort}`);
    assert.match(server.secret, /^[0-9a-f]{32}$/);
    const socket = connect(server.sipPort, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    await server.close();
  });

  it('writes the advertised address into Via and Contact, and for localhost', () =>
    onBench(
      async ({ app, peer, server }) => {
        const outcome = app.createUAC(`sip:a@127.0.0.1:${peer.port}`, { localSdp: SDP, callingNumber: '1' });
        outcome.catch(() => {});
        const invite = await peer.next();
        assert.match(invite.get('Via'), new RegExp(`^SIP/2.0/UDP 203.0.113.9:${server.sipPort};`));
        assert.equal(invite.get('Contact'), `sip:1@203.0.113.9:${server.sipPort}`);
        assert.match(invite.get('From'), /^sip:1@203\.0\.113\.9:/);
      },
      { advertisedAddress: '203.0.113.9' },
    ));

  it('on every interface answers loopback as loopback', async () => {
    const server = await startSipServer({ address: '0.0.0.0' });
    const app = await connectApp(server);
    app.invite((request, reply) => void app.createUAS(request, reply, { localSdp: SDP }));
    await settled(app);
    const peer = await UdpPeer.open(server.sipPort);
    peer.send({ method: 'INVITE', seq: 1 });
    const ok = await peer.final();
    assert.equal(ok.get('Contact'), `<sip:127.0.0.1:${server.sipPort}>`);
    app.disconnect();
    peer.close();
    await server.close();
  });

  it('rejects with the error of the system when a port is taken', async () => {
    const first = await startSipServer();
    await assert.rejects(startSipServer({ port: first.sipPort }), { code: 'EADDRINUSE' });
    await assert.rejects(startSipServer({ adminPort: first.adminPort }), { code: 'EADDRINUSE' });
    await first.close();
  });

  it('tells its log neither bodies, nor header fields, nor URIs', async () => {
    const events: SipServerEvent[] = [];
    await onBench(
      async ({ app, peer, clock }) => {
        const digits = new Mailbox<string>();
        app.invite((request, reply) => {
          app.createUAS(request, reply, { localSdp: SDP }).then((dialog) => {
            dialog.on('info', (info, answer) => {
              digits.put(info.body);
              answer.send(200);
            });
          });
        });
        await settled(app);
        const secret = '4242424242424242';
        const info = {
          method: 'INFO',
          seq: 2,
          headers: ['Content-Type: application/dtmf', `X-Card: ${secret}`],
          body: secret,
        };
        peer.send({ method: 'INVITE', seq: 1, uri: `sip:${secret}@127.0.0.1` });
        const to = (await peer.final()).get('To');
        peer.send({ ...info, to });
        assert.equal(await digits.take('the digits'), secret);
        peer.send({ ...info, to: '<sip:a@b>;tag=none' });
        peer.sendRaw(peer.request(info).replace('CSeq: 2', `CSeq: ${secret}${secret}`));
        peer.sendRaw(`INFO ${secret} SIP/2.0\r\n${secret}\r\n\r\n${secret}`);
        peer.sendRaw(secret.repeat(3));
        await peer.silence().catch(() => {});
        clock.advance(32_000);
      },
      { log: (event) => events.push(event) },
    );
    const names = new Set(events.map(({ event }) => event));
    for (const name of [
      'listening',
      'client-joined',
      'rejected',
      'malformed',
      'ack-timeout',
      'client-left',
    ] as const) {
      assert.ok(names.has(name), name);
    }
    assert.doesNotMatch(JSON.stringify(events), /4242/);
  });
});
