import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { STOP_KEY } from '../../media/freeswitch/player.js';
import { tells } from '../calls/leaks.js';
import { CARD, type Talk } from '../calls/scene.js';
import type { Esl } from '../kit/esl.js';
import type { PressMethod } from '../kit/keypad.js';
import { CAPTURES, missingStack as skip, WholeStack } from './whole-stack.js';

const CANARY = { card: '378282246310005', securityCode: '9731' };

let stack: WholeStack;
let witness: Esl;
/** `uuid_dump` of every channel, taken again and again. */
let dumps: string[];

/** The channels that FreeSWITCH has, by its events: it fills the table of `show channels` later. */
function channels(): string[] {
  const named = (event: string) =>
    witness.events.flatMap((text) =>
      text.includes(`Event-Name: ${event}\n`) ? (/^Unique-ID: (\S+)/m.exec(text)?.[1] ?? []) : [],
    );
  const gone = new Set(named('CHANNEL_DESTROY'));
  return named('CHANNEL_CREATE').filter((uuid) => !gone.has(uuid));
}

/** Takes the variables of every channel that FreeSWITCH has. */
async function dump(): Promise<void> {
  for (const uuid of channels()) dumps.push(await witness.api(`uuid_dump ${uuid}`));
}

/** Turns up core, console and the witness's own log. */
async function turnUp(level: 'warning' | 'debug'): Promise<void> {
  await witness.api(`fsctl loglevel ${level}`);
  await witness.api(`console loglevel ${level}`);
  await witness.command(`log ${level}`);
}

async function turnDown(): Promise<void> {
  await witness.command('nolog');
  await witness.api('console loglevel err');
  await witness.api('fsctl loglevel err');
}

/** Keys FreeSWITCH had from a phone, as it says in its events, from this one on. */
function keysSeen(from: number): string[] {
  const digits = witness.events.slice(from).flatMap((event) => /^DTMF-Digit: (\S+)/m.exec(event)?.[1] ?? []);
  return digits.map(decodeURIComponent).filter((digit) => digit !== STOP_KEY);
}

/** Where FreeSWITCH tells of the card: more than one key of it in one place. */
function telling(from: { events: number; log: number }): string[] {
  const places = {
    events: witness.events.slice(from.events),
    log: witness.log.slice(from.log),
    dumps,
    output: [stack.freeswitch.output],
  };
  return Object.entries(places)
    .filter(([, texts]) =>
      texts.some((text) => tells(decodeURIComponent(text.replaceAll(/%(?![0-9A-F]{2})/gi, '')), CANARY)),
    )
    .map(([place]) => place);
}

async function pay(talk: Talk, method: PressMethod): Promise<void> {
  const { scene } = stack;
  const sessionId = await scene.secure(talk);
  await turnUp('warning');
  const card = { ...CARD, cardNumber: CANARY.card, securityCode: CANARY.securityCode };
  for (const field of ['cardNumber', 'expiry', 'securityCode', 'postalCode'] as const) {
    await scene.asked(sessionId, field);
    await talk.caller.waitForAudio({ minMs: 400 });
    const keying = talk.caller.press(card[field], { method, onMs: 80, offMs: 60 });
    await dump();
    await keying;
    await dump();
  }
  const { data } = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
  assert.equal(data.status, 'approved', 'the canary was really keyed in and charged');
  await scene.state(sessionId, 'ended');
  await dump();
}

for (const capture of CAPTURES) {
  for (const method of ['rfc4733', 'sip-info', 'in-band'] as const) {
    describe(`canary card keyed by ${method}, captured by ${capture}`, { skip, timeout: 120_000 }, () => {
      before(async () => {
        stack = await WholeStack.start({ capture, caller: { telephoneEvent: method !== 'in-band' } });
        witness = await stack.freeswitch.esl();
        dumps = [];
        await witness.recordEvents();
      });
      after(async () => {
        witness.close();
        await stack.close();
      });

      it('is found nowhere', async () => {
        const talk = await stack.scene.talk();
        const from = { events: witness.events.length, log: witness.log.length };
        await pay(talk, method);
        await turnDown();
        const seen = keysSeen(from.events);
        // INFO goes to Tacet, and phones without telephone-events are vaulted always; what FreeSWITCH collects it tells key by key.
        if (capture === 'vault' || method !== 'rfc4733') assert.deepEqual(seen, []);
        else
          assert.ok(
            seen.length >= CANARY.card.length && seen.every((key) => key.length === 1),
            String(seen.length),
          );
        await Promise.all([talk.caller.hangUp(), talk.agent.hangUp()]);
        await witness.event(/Event-Name: CHANNEL_DESTROY/);
        assert.deepEqual(telling(from), []);
        assert.deepEqual(await stack.leaks(talk, CANARY), []);
        await stack.leaveNothing(talk);
      });
    });
  }
}

describe('what the witness sees, and what it refuses', { skip, timeout: 120_000 }, () => {
  before(async () => {
    stack = await WholeStack.start();
    witness = await stack.freeswitch.esl();
    dumps = [];
    await witness.recordEvents();
  });
  afterEach(() => stack.scene.hangUp());
  after(async () => {
    witness.close();
    await stack.close();
  });

  it('keys outside a secure session are in its events and in the log at debug', async () => {
    const talk = await stack.scene.talk();
    const from = { events: witness.events.length, log: witness.log.length };
    await turnUp('debug');
    await talk.caller.press('4711', { onMs: 80, offMs: 60 });
    await witness.logged(/RECV DTMF 7:|DTMF.*7/);
    await witness.event(/^DTMF-Digit: 7/m);
    await turnDown();
    assert.deepEqual(keysSeen(from.events).slice(0, 2), ['4', '7']);
    await stack.leaveNothing(talk);
  });

  it('a card in a variable of a channel is found in dump and events', async () => {
    const talk = await stack.scene.talk();
    const from = { events: witness.events.length, log: witness.log.length };
    const set = await witness.api(`uuid_setvar ${channels().at(-1)} keyed ${CANARY.card}`);
    assert.match(set, /^\+OK/);
    await dump();
    await Promise.all([talk.caller.hangUp(), talk.agent.hangUp()]);
    await witness.event(new RegExp(`CHANNEL_HANGUP_COMPLETE[^]*variable_keyed: ${CANARY.card}`));
    assert.deepEqual(telling(from), ['events', 'dumps']);
    await stack.leaveNothing(talk);
  });

  for (const level of ['debug', 'info'] as const) {
    it(`its log at ${level}: the next secure session is refused, the call goes on, and at err it works`, async () => {
      const { scene } = stack;
      const talk = await scene.talk();
      await witness.api(`fsctl loglevel ${level}`);
      const refused = await scene.request(talk);
      assert.equal(refused.status, 202);
      const { id } = refused.body;
      const { end, reason } = await scene.state(id, 'ended');
      assert.equal(end, 'shield-failed');
      assert.match(reason ?? '', new RegExp(`logs at ${level}: fsctl loglevel err`));
      await talk.agent.waitForAudio({ hz: 1900 });
      await witness.api('fsctl loglevel err');
      await scene.secure(talk);
      await stack.leaveNothing(talk);
    });
  }
});
