import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { EmbeddedMediaServer } from '../../media/embedded/embedded-media-server.js';
import type { MediaEndpoint } from '../../media/endpoint.js';
import { within } from '../kit/deadline.js';
import { FarEnd, startEngine } from './media-far-end.js';

/** More packets than it takes until the engine connects the socket of a far end that stays where it is. */
const LASTING = 60;

describe('embedded engine: a call that lasts', { timeout: 30_000 }, () => {
  let server: EmbeddedMediaServer;
  const open: FarEnd[] = [];

  before(async () => {
    server = await startEngine({ from: 31_600, to: 31_619 });
  });
  afterEach(() => {
    for (const far of open.splice(0)) far.close();
  });
  after(() => server.close());

  async function farEnd(): Promise<FarEnd> {
    const far = await FarEnd.open();
    open.push(far);
    return far;
  }

  async function lasting(): Promise<{ endpoint: MediaEndpoint; far: FarEnd; answer: string }> {
    const [endpoint, far] = [await server.createEndpoint(), await farEnd()];
    const answer = await endpoint.answer(far.sdp());
    far.aim(answer);
    far.audio();
    await far.listen(LASTING);
    return { endpoint, far, answer };
  }

  const nextKey = (endpoint: MediaEndpoint): Promise<number> =>
    within(new Promise((resolve) => endpoint.onDigit(({ code }) => resolve(code))), 2000, 'a key');

  it('hears its own far end and no stranger', async () => {
    const { endpoint, far, answer } = await lasting();
    const evil = await farEnd();
    evil.aim(answer);
    const key = nextKey(endpoint);
    evil.press(9);
    far.press(1);
    assert.equal(await key, 0x31);
    const before = far.heard.at(-1)?.sequence ?? 0;
    const [next] = await far.listen(1);
    assert.equal(next?.sequence, (before + 1) & 0xffff);
    await endpoint.close();
  });

  for (const direction of ['sendrecv', 'sendonly'] as const) {
    it(`follows a far end to another address, and hears it there (${direction})`, async () => {
      const { endpoint, far, answer } = await lasting();
      const other = await farEnd();
      await endpoint.answer(other.sdp({ direction }));
      other.aim(answer);
      const key = nextKey(endpoint);
      far.press(9);
      other.press(2);
      assert.equal(await key, 0x32);
      if (direction === 'sendrecv') await other.listen(LASTING);
      await endpoint.answer(far.sdp());
      const again = nextKey(endpoint);
      far.press(3);
      assert.equal(await again, 0x33);
      await far.listen(LASTING);
      await endpoint.close();
    });
  }

  it('survives a far end that is gone, and finds it elsewhere', async () => {
    const { endpoint, far, answer } = await lasting();
    far.close();
    open.length = 0;
    assert.equal(await within(endpoint.play([{ text: '20' }]), 2000, 'play'), 'finished');
    const { socketErrors } = await server.stats();
    assert.ok(socketErrors > 0);
    const other = await farEnd();
    await endpoint.answer(other.sdp());
    other.aim(answer);
    const key = nextKey(endpoint);
    other.press(4);
    assert.equal(await key, 0x34);
    await other.listen(LASTING);
    await endpoint.close();
  });
});
