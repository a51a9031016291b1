import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import type { DigitEvent } from '../../media/endpoint.js';
import { type Left, leavingGuard } from '../../server/secure/leaving-guard.js';
import { SessionState } from '../../server/secure/session-state.js';

class Keys {
  readonly listeners = new Set<(digit: DigitEvent) => void>();
  keyDown = false;
  onDigit(listener: (digit: DigitEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  whenAsked = () => {};
  async state() {
    this.whenAsked();
    return { keyDown: this.keyDown };
  }
  press(): void {
    for (const listener of this.listeners) listener({ code: 49, method: 'rfc4733', durationMs: 60 });
  }
}

/** Lets promise callbacks run without real time passing. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

describe('leaving guard', () => {
  let keys: Keys;
  let gone: AbortController;
  let left: Left | null;

  afterEach(() => mock.timers.reset());

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    keys = new Keys();
    gone = new AbortController();
    left = null;
  });

  const guard = () =>
    leavingGuard(keys, { quietMs: 800, maxMs: 30_000, gone: gone.signal }).then((how) => {
      left = how;
    });

  async function pass(ms: number): Promise<void> {
    mock.timers.tick(ms);
    await settle();
  }

  it('lets go after 800 ms without a key, not before', async () => {
    const done = guard();
    await pass(799);
    assert.equal(left, null);
    await pass(1);
    assert.equal(left, 'quiet');
    await done;
    assert.equal(keys.listeners.size, 0);
  });

  it('starts anew with every late key', async () => {
    const done = guard();
    for (let key = 0; key < 5; key += 1) {
      await pass(700);
      keys.press();
    }
    await pass(799);
    assert.equal(left, null);
    await pass(1);
    assert.equal(left, 'quiet');
    await done;
  });

  it('waits for a key that is held down', async () => {
    keys.keyDown = true;
    const done = guard();
    await pass(800);
    assert.equal(left, null);
    keys.keyDown = false;
    await pass(800);
    assert.equal(left, 'quiet');
    await done;
  });

  it('starts anew with a key that ends while the endpoint is asked', async () => {
    keys.whenAsked = () => keys.press();
    const done = guard();
    await pass(800);
    assert.equal(left, null);
    keys.whenAsked = () => {};
    await pass(800);
    assert.equal(left, 'quiet');
    await done;
  });

  it('never returns a caller when the time is over, or nobody is left, while the endpoint is asked', async () => {
    for (const [happens, how] of [
      [() => mock.timers.tick(30_000), 'restless'],
      [() => gone.abort(), 'gone'],
    ] as const) {
      keys.whenAsked = happens;
      const done = guard();
      await pass(800);
      await done;
      assert.equal(left, how);
    }
  });

  it('rejects when the endpoint does not answer, and leaves no listener', async () => {
    keys.whenAsked = () => {
      throw new Error('closed');
    };
    const rejected = assert.rejects(guard(), /closed/);
    await pass(800);
    await rejected;
    assert.equal(keys.listeners.size, 0);
  });

  it('never returns a caller who does not stop pressing keys', async () => {
    const done = guard();
    for (let ms = 0; ms < 30_000; ms += 500) {
      await pass(500);
      keys.press();
    }
    assert.equal(left, 'restless');
    await done;
  });

  it('ends at once when there is nobody left', async () => {
    const done = guard();
    gone.abort();
    await done;
    assert.equal(left, 'gone');
    assert.equal(keys.listeners.size, 0);
  });
});

describe('SessionState', () => {
  it('goes only the way the diagram shows', () => {
    const seen: string[] = [];
    const state = new SessionState((next) => seen.push(next));
    assert.throws(() => state.to('active'), /cannot go from requested to active/);
    state.to('shielding');
    assert.throws(() => state.to('ended'), /cannot go/);
    state.to('active');
    assert.throws(() => state.to('ended'), /cannot go/);
    state.to('unshielding');
    state.to('ended');
    assert.deepEqual(seen, ['shielding', 'active', 'unshielding', 'ended']);
  });
});
