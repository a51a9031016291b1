import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CallEvent } from '../../server/call/events.js';
import { within } from '../kit/deadline.js';
import type { LoadNews, LoadOrder } from './load.child.js';
import { CARD, Scene } from './scene.js';

const CALLS = 60;
const CHILD = fileURLToPath(new URL('./load.child.js', import.meta.url));

/** What each caller keys in, by the name of what is asked. */
const KEYS: Readonly<Record<string, string>> = {
  askReference: '4711#',
  askAmount: '1950#',
  cardNumber: CARD.cardNumber,
  expiry: CARD.expiry,
  securityCode: CARD.securityCode,
  postalCode: CARD.postalCode,
};

describe(`${CALLS} payments at once`, () => {
  let scene: Scene;
  let callers: ChildProcess;
  const news: LoadNews[] = [];
  before(async () => {
    scene = await Scene.start();
    callers = fork(CHILD);
    callers.on('message', (one: LoadNews) => news.push(one));
  });
  after(async () => {
    const exit = once(callers, 'exit');
    callers.disconnect();
    await within(exit, 10_000, 'the exit of the callers').finally(() => callers.kill('SIGKILL'));
    await scene.close();
  });

  const order = (what: LoadOrder) => callers.send(what);

  /** Has the callers key in what their conversations ask for. */
  function answerPrompts(): () => void {
    const indexOf = new Map<string, number>();
    return scene.tacet.app.events.subscribe((event) => {
      if (event.type === 'conversation.started') {
        indexOf.set(event.conversationId, Number(/caller-(\d+)@/.exec(event.from)?.[1]));
      }
      const keys = KEYS[askedBy(event)];
      const index = indexOf.get(event.conversationId ?? '');
      if (keys !== undefined && index !== undefined) order({ do: 'press', index, keys });
    });
  }

  it('are each approved and end clean', async () => {
    const stop = answerPrompts();
    const { sipPort } = scene.tacet.listening;
    for (let index = 0; index < CALLS; index += 1) order({ do: 'call', index, sipPort, user: 'pay' });
    const ended = () => scene.tacet.events.filter(({ type }) => type === 'conversation.ended');
    await scene.tacet.until(() => ended().length === CALLS, `the end of ${CALLS} calls`, 120_000);
    stop();

    const { events } = scene.tacet;
    const results = events.flatMap((event) => (event.type === 'agent.data' ? [event.data.status] : []));
    assert.deepEqual(results, Array(CALLS).fill('approved'));
    const ends = ended().map((event) => (event.type === 'conversation.ended' ? event.end : ''));
    assert.deepEqual(ends, Array(CALLS).fill('flow-disconnected'));
    const keyedIn = events.filter(
      (event) => event.type === 'secure.progress' && event.progress.state === 'rejected',
    );
    assert.deepEqual(keyedIn, [], 'no key was lost or doubled');
    assert.ok(mostAtOnce(events) >= CALLS * 0.9, `at once: ${mostAtOnce(events)}`);
    assert.deepEqual(
      news.filter(({ news: what }) => what === 'failed'),
      [],
    );
    await scene.leaveNothing();
  });
});

/** What a conversation asks for just now, or nothing. */
function askedBy(event: CallEvent): string {
  if (event.type === 'flow.action') return event.name;
  return event.type === 'secure.progress' && event.progress.state === 'asked' ? event.progress.field : '';
}

/** How many secure sessions stood at the same time. */
function mostAtOnce(events: readonly CallEvent[]): number {
  let now = 0;
  let most = 0;
  for (const event of events) {
    if (event.type !== 'secure.state') continue;
    if (event.state === 'active') now += 1;
    if (event.state === 'ended') now -= 1;
    most = Math.max(most, now);
  }
  return most;
}
