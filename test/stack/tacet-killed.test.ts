import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { tells } from '../calls/leaks.js';
import { CALLER_HZ, type Talk } from '../calls/scene.js';
import { within } from '../kit/deadline.js';
import { KilledScene } from './killed-scene.js';
import { CAPTURES, emptied, missingStack as skip, written } from './whole-stack.js';

const CANARY = { card: '378282246310005', securityCode: '9731' };
const HALVES = ['37828224', '6310005'] as const;

/** From the death of Tacet to the end of its channels: what FreeSWITCH was told (dead-man.ts), and its own clock of seconds. */
const CHANNELS_END_MS = 32_000;
/** From the start of Tacet to the BYE that the phones wait for. */
const FAREWELL_MS = 10_000;

let scene: KilledScene;

/** What Tacet, FreeSWITCH and drachtio-server wrote that tells of the card. */
function telling(): string[] {
  const places = {
    tacet: written(scene.tacet.directory),
    freeswitch: [scene.freeswitch.output, ...written(scene.freeswitch.directory)],
    drachtio: [scene.drachtio.output],
  };
  return Object.entries(places)
    .filter(([, texts]) => texts.some((text) => tells(text, CANARY)))
    .map(([place]) => place);
}

/** The agent's next packets are those that were sent after now. */
async function fromNow({ agent }: Talk): Promise<number> {
  const already = agent.heard.packets.length;
  await agent.waitUntil(() => agent.heard.packets.length > already + 2, 'more packets');
  return agent.heard.packets[already + 1]?.at ?? 0;
}

/** Starts Tacet once more: the phones that drachtio-server still holds get BYE, and the next call works. */
async function comeBack({ caller, agent }: Talk): Promise<void> {
  await scene.restart();
  const ends = await within(Promise.all([caller.ended, agent.ended]), FAREWELL_MS, 'BYE to both phones');
  assert.deepEqual(
    ends.map(({ by }) => by),
    ['them', 'them'],
  );
  const next = await scene.talk();
  await Promise.all([next.caller.hangUp(), next.agent.hangUp()]);
  await scene.tacet.event('conversation.ended');
  await emptied(scene.freeswitch);
}

describe('Tacet is killed while two talk', { skip, timeout: 120_000 }, () => {
  beforeEach(async () => {
    scene = await KilledScene.start('vault');
  });
  afterEach(() => scene.close());

  it('they are parted at once, and FreeSWITCH ends its channels by itself', async () => {
    const talk = await scene.talk();
    await scene.tacet.kill();
    await talk.agent.waitForSilence({ quietMs: 300, deadlineMs: 1000 });
    const parted = performance.now();
    await talk.caller.press('12', { method: 'in-band' });
    await emptied(scene.freeswitch, CHANNELS_END_MS);
    assert.equal(talk.agent.heardTone(CALLER_HZ, parted), 0);
    assert.deepEqual(talk.agent.heardDigits(parted), []);
    await comeBack(talk);
  });

  it('and is back at once: the phones get BYE from the next Tacet, and the next call works', async () => {
    const talk = await scene.talk();
    await scene.tacet.kill();
    await comeBack(talk);
  });

  it('the search of the files would find a card', async () => {
    const talk = await scene.talk();
    assert.deepEqual(telling(), []);
    appendFileSync(join(scene.tacet.directory, 'data', 'trace'), CANARY.card.slice(3, 12));
    appendFileSync(join(scene.freeswitch.directory, 'db', 'trace'), CANARY.card.slice(0, 8));
    assert.deepEqual(telling(), ['tacet', 'freeswitch']);
    await talk.caller.hangUp();
  });
});

for (const capture of CAPTURES) {
  describe(`Tacet is killed in a secure session, captured by ${capture}`, { skip, timeout: 120_000 }, () => {
    beforeEach(async () => {
      scene = await KilledScene.start(capture);
    });
    afterEach(() => scene.close());

    it('nothing reaches the agent, no digit is left, and the next call works', async () => {
      const talk = await scene.talk();
      await scene.secure(talk);
      const deaf = await fromNow(talk);
      await talk.caller.waitForAudio({ minMs: 400 });
      await talk.caller.press(HALVES[0]);
      const rest = talk.caller.press(HALVES[1], { method: 'in-band' });
      await scene.tacet.kill();
      await rest;
      await emptied(scene.freeswitch, CHANNELS_END_MS);
      assert.deepEqual(telling(), []);
      await comeBack(talk);
      assert.equal(talk.agent.heardTone(CALLER_HZ, deaf), 0);
      assert.deepEqual(talk.agent.heardDigits(deaf), []);
      assert.deepEqual(telling(), []);
    });
  });
}
