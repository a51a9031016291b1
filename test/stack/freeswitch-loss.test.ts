import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { CALLER_HZ, type Talk } from '../calls/scene.js';
import { readiness } from './readiness.js';
import { CAPTURES, emptied, missingStack as skip, WholeStack } from './whole-stack.js';

const CANARY = { card: '378282246310005', securityCode: '9731' };
/** Half the card before the fault, half after. */
const HALVES = ['37828224', '6310005'] as const;

let stack: WholeStack;
const ready = (wanted: 200 | 503) => readiness(stack.scene.tacet.listening.httpUrl, wanted);

/** Leaves the customer in a secure session with half a card keyed in; `deaf` is from when on the agent hears nothing. */
async function halfway(): Promise<{ talk: Talk; deaf: number }> {
  const { scene } = stack;
  const talk = await scene.talk();
  const sessionId = await scene.secure(talk);
  const deaf = await scene.deafFrom(talk, 'agent');
  await scene.key(sessionId, talk.caller, 'cardNumber', HALVES[0]);
  return { talk, deaf };
}

/** What the agent may have of the customer, and anybody of the card: nothing. */
async function nothingHeard({ talk, deaf }: { talk: Talk; deaf: number }): Promise<void> {
  assert.equal(talk.agent.heardTone(CALLER_HZ, deaf), 0);
  assert.deepEqual(talk.agent.heardDigits(deaf), []);
  assert.deepEqual(await stack.leaks(talk, CANARY), []);
}

async function backAgain(talk: Talk): Promise<void> {
  await stack.freeswitch.start();
  await ready(200);
  await stack.leaveNothing(talk);
  await stack.callAgain();
}

describe('FreeSWITCH is lost while two talk', { skip, timeout: 180_000 }, () => {
  beforeEach(async () => {
    stack = await WholeStack.start();
  });
  afterEach(() => stack.close());

  it('killed: both phones get BYE, /readyz says so, the next call works', async () => {
    const talk = await stack.scene.talk();
    await stack.freeswitch.kill();
    assert.equal(await stack.end(talk), 'media-failed');
    const { checks } = await ready(503);
    assert.equal(checks.media?.ok, false);
    assert.match(checks.media?.detail ?? '', /^0 of 1 FreeSWITCH servers connected/);
    assert.equal(checks.sip?.ok, true);
    const ends = await Promise.all([talk.caller.ended, talk.agent.ended]);
    assert.deepEqual(
      ends.map(({ by }) => by),
      ['them', 'them'],
    );
    assert.match(stack.scene.tacet.logLines.join(''), /FreeSWITCH lost; its calls end/);
    await backAgain(talk);
  });

  it('killed: a call that comes meanwhile is refused, and rings nobody', async () => {
    await stack.freeswitch.kill();
    await ready(503);
    await assert.rejects(stack.scene.dial('support'), /503|500|480/);
    await stack.freeswitch.start();
    await ready(200);
    await stack.callAgain();
  });

  it('stands still: is given up at the ping, and what it holds is ended when it goes on', async () => {
    const talk = await stack.scene.talk();
    stack.freeswitch.freeze();
    assert.equal(await stack.end(talk), 'media-failed');
    const { checks } = await ready(503);
    assert.equal(checks.media?.ok, false);
    assert.match(stack.scene.tacet.logLines.join(''), /FreeSWITCH does not answer/);
    stack.freeswitch.resume();
    await ready(200);
    await emptied(stack.freeswitch);
    await stack.leaveNothing(talk);
    await stack.callAgain();
  });

  for (const role of ['customer', 'agent'] as const) {
    it(`the channel of the ${role} is killed by hand: its call ends, and no other`, async () => {
      const talk = await stack.scene.talk();
      const other = await stack.scene.dial('pay');
      await other.waitForAudio({ minMs: 200 });
      await stack.freeswitch.api(`uuid_kill ${await channelOf(talk, role)}`);
      assert.equal(await stack.end(talk), 'media-failed');
      await Promise.all([talk.caller.ended, talk.agent.ended]);
      await other.waitForAudio({ minMs: 200, deadlineMs: 10_000 });
      await other.hangUp();
      await stack.leaveNothing(talk);
      await stack.callAgain();
    });
  }
});

/** FreeSWITCH's name for the channel of one of the two, found by where it sends. */
async function channelOf(talk: Talk, role: 'customer' | 'agent'): Promise<string> {
  const port = (role === 'customer' ? talk.caller : talk.agent).audioPort;
  const esl = await stack.freeswitch.esl();
  try {
    for (;;) {
      const listed = (await esl.api('show channels')).matchAll(/^[0-9a-f-]{36}(?=,)/gm);
      for (const [uuid] of listed) {
        if ((await esl.api(`uuid_getvar ${uuid} remote_media_port`)) === String(port)) return uuid;
      }
    }
  } finally {
    esl.close();
  }
}

for (const capture of CAPTURES) {
  describe(`a server is lost in a secure session, captured by ${capture}`, { skip, timeout: 180_000 }, () => {
    beforeEach(async () => {
      stack = await WholeStack.start({ capture });
    });
    afterEach(() => stack.close());

    it('FreeSWITCH is killed', async () => {
      const half = await halfway();
      await stack.freeswitch.kill();
      const { caller } = half.talk;
      await Promise.allSettled([caller.press(HALVES[1], { onMs: 60, offMs: 40 }), stack.end(half.talk)]);
      assert.equal(await stack.end(half.talk), 'media-failed');
      assert.equal((await ready(503)).checks.media?.ok, false);
      await nothingHeard(half);
      await backAgain(half.talk);
      await nothingHeard(half);
    });

    it('FreeSWITCH stands still', async () => {
      const half = await halfway();
      stack.freeswitch.freeze();
      await half.talk.caller.press(HALVES[1], { onMs: 60, offMs: 40 });
      assert.equal(await stack.end(half.talk), 'media-failed');
      stack.freeswitch.resume();
      await ready(200);
      await emptied(stack.freeswitch);
      await nothingHeard(half);
      await stack.leaveNothing(half.talk);
      await stack.callAgain();
    });

    it('drachtio-server is killed: FreeSWITCH has no channel left', async () => {
      const half = await halfway();
      await stack.drachtio.kill();
      assert.equal(await stack.end(half.talk), 'signalling-failed');
      await half.talk.caller.press(HALVES[1], { onMs: 60, offMs: 40 });
      await emptied(stack.freeswitch);
      await nothingHeard(half);
      await stack.drachtio.start();
      await ready(200);
      await stack.leaveNothing(half.talk);
      await stack.callAgain();
    });
  });
}

describe('drachtio-server is lost while two talk over FreeSWITCH', { skip, timeout: 180_000 }, () => {
  it('FreeSWITCH has no channel left, the next call works', async () => {
    stack = await WholeStack.start();
    try {
      const talk = await stack.scene.talk();
      await stack.drachtio.kill();
      assert.equal(await stack.end(talk), 'signalling-failed');
      await emptied(stack.freeswitch);
      await stack.drachtio.start();
      await ready(200);
      await stack.leaveNothing(talk);
      await stack.callAgain();
    } finally {
      await stack.close();
    }
  });
});

describe('one of two FreeSWITCH servers is lost', { skip, timeout: 180_000 }, () => {
  it('the calls of the other go on, new ones go there, and by weight again when it is back', async () => {
    stack = await WholeStack.start({ weights: [3, 1] });
    const [one, other] = stack.freeswitches;
    const { scene } = stack;
    try {
      assert.ok(one && other);
      const dial = async () => {
        const call = await scene.dial('pay');
        await call.waitForAudio({ minMs: 200, deadlineMs: 10_000 });
        return call;
      };
      const channels = async () => [await one.channels(), await other.channels()];
      for (let calls = 0; calls < 4; calls += 1) await dial();
      assert.deepEqual(await channels(), [3, 1]);
      await one.kill();
      const failed = () =>
        scene.tacet.events.filter(
          (event) => event.type === 'conversation.ended' && event.end === 'media-failed',
        );
      await scene.tacet.until(() => failed().length === 3, 'the end of three calls');
      assert.equal(scene.tacet.app.dialogs, 2);
      const { checks } = await ready(200);
      assert.match(checks.media?.detail ?? '', /^1 of 2 FreeSWITCH servers connected/);
      await dial();
      assert.equal(await other.channels(), 2);
      await one.start();
      while ((await ready(200)).checks.media?.detail?.startsWith('1 '));
      for (let calls = 0; calls < 4; calls += 1) await dial();
      assert.deepEqual(await channels(), [4, 2]);
      assert.equal(failed().length, 3);
      await scene.hangUp();
      await scene.leaveNothing();
      await Promise.all(stack.freeswitches.map(emptied));
    } finally {
      await stack.close();
    }
  });
});

describe('the search for the canary on the whole stack', { skip, timeout: 180_000 }, () => {
  it('finds what a server would have written', async () => {
    stack = await WholeStack.start();
    try {
      const talk = await stack.scene.talk();
      assert.deepEqual(await stack.leaks(talk, CANARY), []);
      appendFileSync(join(stack.freeswitch.directory, 'log', 'trace'), `digits ${CANARY.card.slice(0, 7)}`);
      assert.deepEqual(await stack.leaks(talk, CANARY), ['freeswitch']);
      await stack.leaveNothing(talk);
    } finally {
      await stack.close();
    }
  });
});
