import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EmbeddedMediaServer } from '../../media/embedded/embedded-media-server.js';
import { EngineLink } from '../../media/embedded/engine-link.js';
import { MediaError } from '../../media/media-server.js';
import { within } from '../kit/deadline.js';
import { holdUdp } from '../kit/ports.js';
import { countingPrompts, FarEnd, startEngine } from './media-far-end.js';

const code = (expected: string) => (error: unknown) => error instanceof MediaError && error.code === expected;

/** The server has no event for it: readiness is what a health check asks for, again and again. */
async function untilReady(server: { readonly ready: boolean }): Promise<void> {
  while (!server.ready) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** There is no event for it either. */
async function untilFree(port: number): Promise<void> {
  const over = performance.now() + 5000;
  for (let release = await holdUdp(port); ; release = await holdUdp(port)) {
    if (release) return release();
    assert.ok(performance.now() < over, `port ${port} is given up`);
    await turn();
  }
}

describe('embedded engine: lifetime', { timeout: 30_000 }, () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function engine(ports: { from: number; to: number }, drainMs?: number): Promise<EmbeddedMediaServer> {
    const server = await startEngine(ports, drainMs);
    closers.push(() => server.close());
    return server;
  }
  async function farEnd(): Promise<FarEnd> {
    const far = await FarEnd.open();
    closers.push(() => far.close());
    return far;
  }

  it('leaves no endpoint, bridge or port behind', async () => {
    const server = await engine({ from: 31_400, to: 31_499 });
    const far = await farEnd();
    for (let round = 0; round < 10; round += 1) {
      const [a, b] = [await server.createEndpoint(), await server.createEndpoint()];
      await a.answer(far.sdp());
      await server.bridge(a, b);
      const { endpoints, bridges, portsInUse } = await server.stats();
      assert.deepEqual({ endpoints, bridges, portsInUse }, { endpoints: 2, bridges: 1, portsInUse: 2 });
      await Promise.all([a.close(), b.close(), a.close()]);
    }
    const { endpoints, bridges, portsInUse, portsDraining } = await server.stats();
    assert.deepEqual([endpoints, bridges, portsInUse, portsDraining], [0, 0, 0, 0]);
  });

  it('says no-port when none is free, passes over ports of other programs, drains before reuse', async () => {
    const squatter = createSocket('udp4');
    squatter.bind({ port: 31_500, address: '127.0.0.1', exclusive: true });
    await once(squatter, 'listening');
    closers.push(() => squatter.close());
    const server = await engine({ from: 31_500, to: 31_503 }, 60_000);
    const endpoint = await server.createEndpoint();
    await assert.rejects(server.createEndpoint(), code('no-port'));
    assert.equal(server.ready, true);
    await endpoint.close();
    assert.deepEqual([(await server.stats()).portsInUse, (await server.stats()).portsDraining], [0, 2]);
    await assert.rejects(server.createEndpoint(), code('no-port'));
  });

  it('frees the port for real when close() resolves', async () => {
    const server = await engine({ from: 31_504, to: 31_505 });
    for (let i = 0; i < 5; i += 1) await (await server.createEndpoint()).close();
  });

  it('closes a leg that was bridged without waiting for anything, and another within a packet', async ({
    mock,
  }) => {
    const server = await engine({ from: 31_850, to: 31_869 });
    const [near, far] = [await farEnd(), await farEnd()];
    const [bridged, peer, alone] = await Promise.all([1, 2, 3].map(() => server.createEndpoint()));
    assert.ok(bridged && peer && alone);
    near.aim(await bridged.answer(near.sdp()));
    far.aim(await alone.answer(far.sdp()));
    await server.bridge(bridged, peer);
    mock.timers.enable({ apis: ['setTimeout'] });
    await bridged.close();
    await untilFree(near.target);
    await alone.close();
    mock.timers.tick(20);
    await untilFree(far.target);
  });

  it('does not start at an address that cannot be bound', async () => {
    const server = new EmbeddedMediaServer({
      address: '203.0.113.1',
      ports: { from: 31_506, to: 31_509 },
      prompts: countingPrompts,
    });
    await assert.rejects(server.start(), code('no-port'));
    assert.equal(server.ready, false);
  });

  it('ends what is under way when an endpoint closes, and rejects from then on', async () => {
    const server = await engine({ from: 31_510, to: 31_519 });
    const far = await farEnd();
    const endpoint = await server.createEndpoint();
    await endpoint.answer(far.sdp());
    const played = endpoint.play([{ text: '100' }]);
    const pressed = assert.rejects(endpoint.sendDigits([0x31, 0x32]), code('closed'));
    await far.listen(2);
    await endpoint.close();
    assert.equal(await within(played, 1000, 'play'), 'closed');
    await within(pressed, 1000, 'keys');
    await assert.rejects(endpoint.play([{ text: '1' }]), code('closed'));
    await assert.rejects(endpoint.state(), code('closed'));
    await assert.rejects(endpoint.answer(far.sdp()), code('closed'));
    await assert.rejects(server.bridge(endpoint, await server.createEndpoint()), code('closed'));
    assert.equal(endpoint.sipInfo('application/dtmf', '5'), true);
  });

  it('survives a far end that refuses packets', async () => {
    const server = await engine({ from: 31_520, to: 31_529 });
    const far = await farEnd();
    const gone = await FarEnd.open();
    const sdp = gone.sdp();
    gone.close();
    const endpoint = await server.createEndpoint();
    far.aim(await endpoint.answer(sdp));
    assert.equal(await within(endpoint.play([{ text: '10' }]), 2000, 'play'), 'finished');
    await endpoint.answer(far.sdp());
    await far.listen(2);
    assert.equal(server.ready, true);
  });

  it('drops and counts what is malformed or foreign', async () => {
    const server = await engine({ from: 31_530, to: 31_539 });
    const [far, evil] = [await farEnd(), await farEnd()];
    const endpoint = await server.createEndpoint();
    const answer = await endpoint.answer(far.sdp());
    far.aim(answer);
    evil.aim(answer);
    const digits: number[] = [];
    endpoint.onDigit((digit) => digits.push(digit.code));
    far.audio();
    far.send(Buffer.from('not RTP at all'));
    await far.listen(2);
    for (let i = 0; i < 10; i += 1) evil.press(9);
    const own = within(new Promise((resolve) => endpoint.onDigit(resolve)), 2000, 'digit');
    far.press(1);
    await own;
    const { dropped } = await server.stats();
    assert.deepEqual(dropped, { malformed: 1, foreign: 60, unauthenticated: 0 });
    assert.deepEqual(digits, [0x31]);
  });

  it('drops a stranger who was there before the call, and hears a far end that was', async () => {
    const server = await engine({ from: 31_800, to: 31_839 });
    const [far, evil] = [await farEnd(), await farEnd()];
    const endpoint = await server.createEndpoint();
    const offer = await endpoint.offer();
    far.aim(offer);
    evil.aim(offer);
    const digits: number[] = [];
    const both = new Promise<void>((resolve) =>
      endpoint.onDigit((digit) => {
        if (digits.push(digit.code) === 2) resolve();
      }),
    );
    for (let i = 0; i < 3; i += 1) evil.press(9);
    far.press(1);
    await endpoint.acceptAnswer(far.sdp());
    far.press(2);
    await within(both, 2000, 'a key of before the call, and one of the call');
    assert.deepEqual(digits, [0x31, 0x32]);
    assert.equal((await server.stats()).dropped.foreign, 18);
  });

  it('rejects with engine-lost when the worker dies, and ends prompts', async () => {
    const server = await engine({ from: 31_540, to: 31_549 });
    const far = await farEnd();
    const endpoint = await server.createEndpoint();
    await endpoint.answer(far.sdp());
    const played = endpoint.play([{ text: '100' }]);
    await far.next((packet) => packet.payload[0] === 2, 'prompt');
    // A request that no engine knows is a fault, and a fault ends the thread.
    await assert.rejects(endpoint.sendDigits(null as never), code('engine-lost'));
    assert.equal(await within(played, 1000, 'play'), 'closed');
    assert.equal(server.ready, false);
    await assert.rejects(endpoint.state(), code('engine-lost'));
    await assert.rejects(endpoint.play([{ text: '1' }]), code('engine-lost'));
    await assert.rejects(server.createEndpoint(), code('engine-lost'));
    await assert.rejects(server.stats(), code('engine-lost'));
    await endpoint.close();
  });

  it('tells of a lost engine and takes calls again by itself', async () => {
    const server = await engine({ from: 31_560, to: 31_569 });
    const endpoint = await server.createEndpoint();
    const lost = new Promise<ReadonlySet<string>>((resolve) => server.onLost(resolve));
    await assert.rejects(endpoint.sendDigits(null as never), code('engine-lost'));
    assert.deepEqual([...(await within(lost, 1000, 'word of the loss'))], [endpoint.id]);
    assert.equal(server.ready, false);
    await within(untilReady(server), 5000, 'a new engine');
    await (await server.createEndpoint()).close();
  });

  for (const [how, expected] of [
    ['exit', 7],
    ['fault', 8],
  ] as const) {
    it(`ends in good order under load: ${how}`, async () => {
      const child = spawn(process.execPath, [
        fileURLToPath(new URL('./media-exit.child.js', import.meta.url)),
        how,
      ]);
      const [code, signal] = await within(once(child, 'exit'), 10_000, 'the end of the child');
      assert.deepEqual([code, signal], [expected, null]);
    });
  }

  it('gives a link that is closed nothing to wait for', async () => {
    const link = new EngineLink(
      { address: '127.0.0.1', ports: { from: 31_550, to: 31_551 }, drainMs: 0 },
      { onNews: () => {}, onOpenedAhead: () => {}, onLost: () => assert.fail('closed, not lost') },
    );
    const pending = assert.rejects(link.request({ op: 'stats' }), code('engine-lost'));
    await link.close();
    await pending;
    assert.equal(link.up, false);
  });
});
