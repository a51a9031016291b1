import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { ConfigError } from '../../config/problems.js';
import { writeWav } from '../../media/codec/wav.js';
import type { AudioItem } from '../../media/endpoint.js';
import { buildApp } from '../../server/app.js';
import type { ConversationView } from '../../server/call/views.js';
import type { PhoneCall } from '../kit/phone-call.js';
import { Scene } from './scene.js';

const OLD_HZ = 1900;
const NEW_HZ = 2200;

/** Asks for a key, plays a tone of its own, and hands over to whichever secure flow `pay` is then. */
const desk = (tone: string, choice: string) => `name: desk
type: inbound
tasks:
  main:
    - do: menu
      name: choice
      prompt: Press a key. Press a key. Press a key. Press a key. Press a key. Press a key. Press a key.
      choices:
        '${choice}':
          - { do: playAudio, name: tone, prompt: { file: ${tone}.wav } }
          - { do: transferToSecureFlow, flow: pay, onFailure: [{ do: disconnect }] }
`;

const pay = (name: string) => `name: pay
type: secure
variables: { pin: { type: secure } }
tasks:
  main:
    - { do: collectInput, name: ${name}, field: digits, length: 2, into: secure.pin, prompt: Key it in. }
    - { do: playAudio, name: thanks_${name}, prompt: Thank you for the ${name} time. }
    - do: disconnect
onError:
  - do: disconnect
`;

const FILE = 'name: desk\ntype: inbound\ntasks:\n  main:\n    - do: disconnect\n';

interface Caller {
  readonly id: string;
  readonly call: PhoneCall;
}

describe('flows published while calls go on', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start({
      flows: { desk: FILE },
      config: { routes: [{ user: 'desk', flow: 'desk' }] },
    });
    for (const [name, hz] of [
      ['old', OLD_HZ],
      ['new', NEW_HZ],
    ] as const) {
      const pcm = Int16Array.from({ length: 8000 }, (_, i) => 8000 * Math.sin((2 * Math.PI * hz * i) / 8000));
      writeFileSync(join(scene.tacet.dataDirectory, '..', 'flows', `${name}.wav`), writeWav(pcm));
    }
    await create('desk', desk('old', '1'));
    await create('pay', pay('first'));
    await publish('pay', 1);
    await publish('desk', 1);
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  const change = async (method: string, path: string, body: object) => {
    const answer = await scene.tacet.api<{ revision: number; published: number }>(
      method,
      `/api/v1/${path}`,
      body,
    );
    assert.ok(answer.status < 300, JSON.stringify(answer.body));
    return answer.body;
  };
  const create = (name: string, document: string) => change('POST', 'flows', { name, document });
  const publish = (name: string, revision: number) => change('POST', `flows/${name}/publish`, { revision });
  const replace = async (name: string, revision: number, document: string) => {
    await change('PUT', `flows/${name}`, { revision, document });
    return publish(name, revision + 1);
  };

  const action = (id: string, name: string) =>
    scene.tacet.event('flow.action', (event) => event.conversationId === id && event.name === name);

  /** Calls, and waits until the menu is heard. */
  async function atMenu(): Promise<Caller> {
    const { mark } = scene.tacet;
    const call = await scene.dial('desk');
    const { conversationId: id } = await scene.tacet.event('conversation.started', ({ seq }) => seq > mark);
    await action(id, 'choice');
    await call.waitForAudio({ minMs: 200 });
    return { id, call };
  }

  const view = async (id: string) =>
    (await scene.tacet.api<ConversationView>('GET', `/api/v1/conversations/${id}`)).body;
  const versions = async (id: string) => {
    const { flowVersion, secureSessions } = await view(id);
    return [flowVersion, ...secureSessions.map((session) => session.flowVersion)];
  };

  it('take the calls that come after; calls and sessions in progress finish on theirs', async (t) => {
    const released = new Set<string>();
    const { media } = scene.tacet.app;
    const release = media.release.bind(media);
    t.mock.method(media, 'release', (items: readonly AudioItem[]) => {
      for (const item of items) released.add('text' in item ? item.text : item.file);
      release(items);
    });
    const first = await atMenu();
    assert.equal((await replace('desk', 1, desk('new', '2'))).published, 2);
    await replace('pay', 1, pay('second'));

    const second = await atMenu();
    assert.deepEqual([await versions(first.id), await versions(second.id)], [[1], [2]]);
    await first.call.press('1');
    await first.call.waitForAudio({ hz: OLD_HZ, minMs: 300 });
    // The transfer finds the secure flow that is published when it comes to it.
    await action(first.id, 'second');
    assert.deepEqual(await versions(first.id), [1, 2]);

    await replace('pay', 2, pay('third'));
    assert.deepEqual([...released], ['Thank you for the first time.']);
    await second.call.press('2');
    await second.call.waitForAudio({ hz: NEW_HZ, minMs: 300 });
    await action(second.id, 'third');
    assert.deepEqual(await versions(second.id), [2, 3]);

    await first.call.waitForAudio({ minMs: 200 });
    await first.call.press('12#');
    await action(first.id, 'thanks_second');
    await first.call.ended;
    assert.deepEqual(await versions(first.id), [1, 2]);
    // The new tone lasts a second; speech has a packet like it now and then.
    assert.ok(first.call.heardTone(NEW_HZ) < 200);
    await scene.leaveNothing(first.call, second.call);
    assert.ok(released.has('Thank you for the second time.'));
    assert.ok(!released.has('Thank you for the third time.'));
  });

  it('go back to an older version for the calls that come after', async () => {
    const before = await atMenu();
    await change('POST', 'flows/desk/rollback', { version: 1, comment: 'the menu was wrong' });
    const then = await atMenu();
    assert.deepEqual([await versions(before.id), await versions(then.id)], [[2], [1]]);
    await Promise.all([before.call.press('2'), then.call.press('1')]);
    await Promise.all([
      before.call.waitForAudio({ hz: NEW_HZ, minMs: 300 }),
      then.call.waitForAudio({ hz: OLD_HZ, minMs: 300 }),
    ]);
    const refused = await scene.tacet.api<{ error: { neededBy: string[] } }>('DELETE', '/api/v1/flows/pay');
    assert.equal(refused.status, 409);
    assert.ok(refused.body.error.neededBy.includes(`conversation ${then.id}`), JSON.stringify(refused.body));
    await scene.leaveNothing(before.call, then.call);
  });

  it('are there after a restart; one that is not valid any more stops the start and is named', async () => {
    const { tacet } = scene;
    const { config } = tacet.app;
    await change('PUT', 'flows/desk', {
      revision: 2,
      document:
        'name: desk\ntype: inbound\ntasks:\n  main:\n    - { do: transferToAgent, agent: anna, onFailure: [{ do: wait, duration: 1s }] }\n    - do: disconnect\n',
    });
    assert.equal((await publish('desk', 3)).published, 3);
    await tacet.app.close();
    await assert.rejects(buildApp({ ...config, agents: [] }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /flow desk version 3 \(tasks\.main\[0\]\) calls an agent/);
      return true;
    });
    const lines: string[] = [];
    const app = await buildApp(config, { logDestination: { write: (line) => lines.push(line) } });
    try {
      const { httpUrl } = await app.start();
      const answer = await fetch(`${httpUrl}/api/v1/flows/desk`, {
        headers: { authorization: `Bearer ${tacet.token}` },
      });
      assert.equal(((await answer.json()) as { version: number }).version, 3);
    } finally {
      await app.close();
    }
  });
});
