import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { freePorts } from '../kit/ports.js';
import { missing } from './program.js';
import { ClientServer } from './server.js';
import { type Sipp, type SippResult, startSipp } from './sipp.js';
import {
  answer,
  call,
  calledBye,
  expect,
  expectAck,
  expectCall,
  expectRequest,
  hangUp,
  inDialog,
  OFFER,
  pause,
  scenario,
  sdp,
} from './sipp-script.js';

const OK: SippResult = { ok: true, successful: 1, failed: 0, errors: '' };

const RINGING = answer('180 Ringing', { tagged: true });
const ANSWERED = answer('200 OK', { tagged: true, body: OFFER });
/** The caller is told that nobody can take the call, and disconnected. */
const SENT_AWAY = [call(), expectRequest('BYE', { timeoutMs: 30_000 }), answer('200 OK')];

describe('a SIPp agent', { skip: missing('sipp') }, () => {
  let server: ClientServer;
  let agentPort = 0;
  before(async () => {
    [agentPort = 0] = await freePorts(1);
    server = await ClientServer.start([{ id: 'anna', uri: `sip:agent@127.0.0.1:${agentPort}` }]);
  });
  afterEach(() => server.leaveNothing());
  after(() => server.close());

  /** Lets a caller and the agent play their parts to the end. */
  async function play(caller: readonly string[], agent: readonly string[]): Promise<void> {
    const running: Sipp[] = [];
    try {
      const called = { scenario: 'called', xml: scenario(...agent), port: agentPort } as const;
      running.push(await startSipp({ ...called, deadlineMs: 45_000 }));
      const calling = { scenario: 'script', xml: scenario(...caller) } as const;
      running.push(await startSipp({ ...calling, target: server.target('support'), deadlineMs: 45_000 }));
      assert.deepEqual(await Promise.all(running.map(({ result }) => result)), [OK, OK]);
    } finally {
      await Promise.all(running.map((sipp) => sipp.stop()));
    }
  }

  it('talks, is held by nobody, and hangs up first', async () => {
    await play(
      [call(), expectRequest('BYE', { timeoutMs: 20_000 }), answer('200 OK')],
      [expectCall(), RINGING, ANSWERED, expectAck(), pause(500), calledBye()],
    );
  });

  it('rings when the caller gives up: CANCEL', async () => {
    await play(
      [call(), pause(4000), hangUp(2)],
      [
        expectCall(),
        RINGING,
        expectRequest('CANCEL'),
        answer('200 OK'),
        answer('487 Request Terminated', { toInvite: true, tagged: true }),
        expectRequest('ACK'),
      ],
    );
  });

  it('answers while it is being cancelled: the answer is acknowledged and ended', async () => {
    await play(
      [call(), pause(4000), hangUp(2)],
      [
        expectCall(),
        RINGING,
        expectRequest('CANCEL'),
        answer('200 OK'),
        answer('200 OK', { toInvite: true, tagged: true, body: OFFER }),
        expectRequest('ACK'),
        expectRequest('BYE'),
        answer('200 OK'),
      ],
    );
  });

  it('sends early media before it answers', async () => {
    const early = answer('183 Session Progress', { tagged: true, body: OFFER });
    const agent = [expectCall(), early, pause(300), early, ANSWERED, expectRequest('ACK')];
    await play([call(), pause(5000), hangUp(2)], [...agent, expectRequest('BYE'), answer('200 OK')]);
  });

  for (const status of ['486 Busy Here', '302 Moved Temporarily']) {
    it(`refuses with ${status}: the caller is told and sent away`, async () => {
      await play(SENT_AWAY, [expectCall(), answer(status, { tagged: true }), expectRequest('ACK')]);
    });
  }

  it('answers without SDP, or with a codec that was not offered: it is let go', async () => {
    for (const body of ['', sdp({ formats: '18' })]) {
      const answered = answer('200 OK', { tagged: true, body });
      await play(SENT_AWAY, [
        expectCall(),
        answered,
        expectRequest('ACK'),
        expectRequest('BYE'),
        answer('200 OK'),
      ]);
    }
  });

  it('hangs up in the moment in which the caller does', async () => {
    await play(
      [call(), pause(3500), inDialog('BYE', { cseq: 2 }), expect(200)],
      [
        expectCall(),
        ANSWERED,
        expectRequest('ACK'),
        expectRequest('BYE'),
        answer('481 Call/Transaction Does Not Exist'),
      ],
    );
  });
});
