import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { freePorts } from '../kit/ports.js';
import { missing } from './program.js';
import { ClientServer } from './server.js';
import { type Sipp, startSipp } from './sipp.js';
import {
  answer,
  answered,
  call,
  expectCall,
  expectRequest,
  hangUp,
  invite,
  OFFER,
  pause,
  scenario,
} from './sipp-script.js';

const OK = { ok: true, successful: 1, failed: 0, errors: '' };
const DEADLINE_MS = 60_000;

/** What only the timers of RFC 3261 section 17 can end, all at once, as each takes 64 x T1 = 32 s. */
describe('SIPp falls silent', { skip: missing('sipp') }, () => {
  let server: ClientServer;
  let ports: number[] = [];
  const running: Sipp[] = [];
  before(async () => {
    ports = await freePorts(2);
    server = await ClientServer.start(
      ports.map((port) => ({ id: `agent-${port}`, uri: `sip:agent@127.0.0.1:${port}` })),
    );
  });
  after(async () => {
    await Promise.all(running.map((sipp) => sipp.stop()));
    await server.close();
  });

  async function caller(user: string, ...parts: string[]): Promise<Sipp> {
    const target = server.target(user);
    const sipp = await startSipp({
      scenario: 'script',
      xml: scenario(...parts),
      target,
      deadlineMs: DEADLINE_MS,
    });
    running.push(sipp);
    return sipp;
  }

  async function agent(port: number | undefined, ...parts: string[]): Promise<Sipp> {
    const sipp = await startSipp({
      scenario: 'called',
      xml: scenario(...parts),
      deadlineMs: DEADLINE_MS,
      ...(port === undefined ? {} : { port }),
    });
    running.push(sipp);
    return sipp;
  }

  it('no ACK: BYE; no answer to BYE, CANCEL or INVITE: over all the same', async () => {
    const ringing = answer('180 Ringing', { tagged: true });
    const taken = [answer('200 OK', { tagged: true, body: OFFER }), expectRequest('ACK')];
    const bye = [expectRequest('BYE', { timeoutMs: 36_000 }), answer('200 OK')];
    const sipps = [
      await caller('talk', invite(), answered(), pause(31_000), ...bye),
      await agent(ports[0], expectCall(), ...taken, expectRequest('BYE')),
      await agent(ports[1], expectCall(), ringing, expectRequest('CANCEL')),
    ];
    const { mark } = server;
    // The first caller is connected to the first agent, the second rings the other.
    sipps.push(await caller('support', call(), pause(6000), hangUp(2)));
    await server.tacet.event('participant.connected', ({ seq, role }) => seq > mark && role === 'agent');
    sipps.push(await caller('support', call(), pause(6000), hangUp(2)));
    const results = await Promise.all(sipps.map(({ result }) => result));
    assert.deepEqual(
      results,
      sipps.map(() => OK),
    );
    await server.leaveNothing();
  });
});
