import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Heard, Mailbox, onBench, TcpPeer } from './sip-peer.js';
import { type AppRequest, type Handler, settled } from './sip-srf.js';
import { INVALID } from './sip-torture/invalid.js';
import type { Torture } from './sip-torture/message.js';
import { SEMANTICS } from './sip-torture/semantics.js';
import { VALID } from './sip-torture/valid.js';

const ALL = [...VALID, ...INVALID, ...SEMANTICS];

/** Over TCP a message whose length cannot be known ends the connection, after 400 where it can be answered. */
const UNMEASURED = new Set(['ncl', 'mcl01', 'inv2543']);

/** What the application answers. */
const ACCEPTED = 202;

describe('RFC 4475 torture messages', () => {
  it('are all there', () => assert.equal(new Set(ALL.map(({ name }) => name)).size, 49));

  for (const torture of ALL) {
    it(`${torture.section} ${torture.name} over UDP: ${torture.expect}`, () =>
      onBench(async ({ peer, app, server }) => {
        const given = accepting(app);
        await settled(app);
        peer.sendRaw(torture.data);
        const { dropped } = server.stats();
        assert.deepEqual(dropped, { flood: 0, malformed: 0, stray: 0, overload: 0 });
        if (torture.expect === 'stray' || torture.expect === 'malformed') {
          await peer.silence();
          assert.equal(server.stats().dropped[torture.expect], 1);
          assert.equal(server.stats().dropped.stray + server.stats().dropped.malformed, 1);
          return;
        }
        const answer = await peer.final();
        check(torture, answer);
        assert.equal(given.size, torture.expect === 'accepted' ? 1 : 0);
        await peer.silence();
      }));

    it(`${torture.section} ${torture.name} over TCP`, () =>
      onBench(async ({ app, server }) => {
        accepting(app);
        await settled(app);
        const peer = await TcpPeer.open(server.sipPort);
        peer.sendRaw(torture.data);
        if (UNMEASURED.has(torture.name)) {
          assert.equal((await peer.final()).status, 400);
          await peer.closed;
        } else if (torture.name === 'clerr') {
          // The stream may still bring the rest of the body.
          const other = await TcpPeer.open(server.sipPort);
          await other.silence();
          assert.equal(peer.inbox.size, 0);
          other.close();
        } else if (torture.name === 'dblreq') {
          // On a stream the second request is a message of its own; it lacks Contact.
          const answers = [await peer.final(), await peer.final()];
          assert.deepEqual(answers.map(({ status }) => status).sort(), [ACCEPTED, 400]);
        } else if (typeof torture.expect === 'number' || torture.expect === 'accepted') {
          check(torture, await peer.final());
        } else {
          await peer.silence();
        }
        peer.close();
      }));
  }
});

function accepting(app: Parameters<typeof settled>[0]): Mailbox<AppRequest> {
  const given = new Mailbox<AppRequest>();
  const accept: Handler = (request, reply) => {
    given.put(request);
    reply.send(ACCEPTED);
  };
  app.invite(accept);
  app.options(accept);
  app.register(accept);
  app.message(accept);
  return given;
}

function check({ expect, data }: Torture, answer: Heard): void {
  assert.equal(answer.status, expect === 'accepted' ? ACCEPTED : expect);
  const asked = new Heard(data);
  if (answer.status === 420) {
    assert.equal(answer.get('Unsupported'), 'nothingSupportsThis, nothingSupportsThisEither');
  }
  if (answer.status === 501) assert.match(answer.get('Allow'), /INVITE/);
  const [callId] = /(?<=^(?:Call-ID|I): *)\S.*(?=\r$)/im.exec(asked.text) ?? [];
  if (callId !== undefined) assert.equal(answer.get('Call-ID'), callId);
}
