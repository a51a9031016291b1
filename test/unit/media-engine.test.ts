import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EmbeddedMediaServer } from '../../media/embedded/embedded-media-server.js';
import type { MediaEndpoint } from '../../media/endpoint.js';
import { within } from '../kit/deadline.js';
import { FarEnd, type Packet, PCMU_SILENCE, type SdpOptions, startEngine } from './media-far-end.js';

describe('embedded engine: one leg', { timeout: 30_000 }, () => {
  let server: EmbeddedMediaServer;
  const extra: FarEnd[] = [];
  const open: { endpoint: MediaEndpoint; far: FarEnd }[] = [];

  before(async () => {
    server = await startEngine({ from: 31_000, to: 31_199 });
  });
  after(async () => {
    for (const far of [...open.map((leg) => leg.far), ...extra]) far.close();
    await server.close();
  });

  async function call(options?: SdpOptions): Promise<{ endpoint: MediaEndpoint; far: FarEnd }> {
    const leg = { endpoint: await server.createEndpoint(), far: await FarEnd.open() };
    open.push(leg);
    leg.far.aim(await leg.endpoint.answer(leg.far.sdp(options)));
    return leg;
  }

  const isSound = (packet: Packet): boolean => packet.payload[0] !== PCMU_SILENCE;
  const frames = (packets: readonly Packet[]): number[] => packets.map((packet) => packet.payload[0] ?? 0);

  function assertContinuous(packets: readonly Packet[]): void {
    for (const [index, packet] of packets.slice(1).entries()) {
      const before = packets[index];
      assert.equal(packet.sequence, ((before?.sequence ?? 0) + 1) & 0xffff);
      assert.equal(packet.timestamp, ((before?.timestamp ?? 0) + 160) >>> 0);
      assert.equal(packet.ssrc, before?.ssrc);
    }
  }

  it('sends silence, then each frame of a prompt once, then silence', async () => {
    const { endpoint, far } = await call();
    await far.listen(3);
    assert.equal(await within(endpoint.play([{ text: '10' }, { text: '5' }]), 2000, 'play'), 'finished');
    await far.listen(3);
    assertContinuous(far.heard);
    const sound = far.heard.filter(isSound);
    assert.deepEqual(frames(sound), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5]);
    assert.deepEqual(
      far.heard.filter((packet) => packet.marker).map((packet) => packet.sequence),
      [far.heard[0]?.sequence, sound[0]?.sequence],
    );
  });

  it('goes on in another codec, payload type and with another port in the middle of a prompt', async () => {
    const { endpoint, far } = await call({ formats: '0' });
    const other = await FarEnd.open();
    extra.push(other);
    const played = endpoint.play([{ text: '80' }]);
    await far.next((packet) => packet.payload[0] === 8, 'frame 8');
    await endpoint.answer(other.sdp({ formats: '8', events: 96 }));
    assert.equal(await within(played, 8000, 'play'), 'finished');
    await other.listen(2);
    const all = [...far.heard, ...other.heard].filter(
      (packet) => isSound(packet) || packet.payloadType === 8,
    );
    const sound = all.filter((packet) => packet.payload[0] !== 0xd5);
    assert.deepEqual(
      sound.map((packet) => (packet.payload[0] ?? 0) & 0x7f),
      Array.from({ length: 80 }, (_, i) => i + 1),
    );
    assert.ok(other.heard.length >= 15);
    assert.ok(other.heard.every((packet) => packet.payloadType === 8));
    assertContinuous([...far.heard, ...other.heard]);
  });

  it('ends a prompt on barge-in at key start, and only when asked to', async () => {
    const { endpoint, far } = await call();
    const kept = endpoint.play([{ text: '10' }]);
    await far.next(isSound, 'sound');
    far.press(5);
    assert.equal(await within(kept, 2000, 'play'), 'finished');
    const ended = endpoint.play([{ text: '100' }], { bargeIn: true });
    await far.next(isSound, 'sound');
    far.event(6, 160, false, 101, true);
    assert.equal(await within(ended, 500, 'barge-in'), 'interrupted');
    assert.equal((await endpoint.state()).keyDown, true);
  });

  it('replaces a prompt, stops one, and plays the loop in between', async () => {
    const { endpoint, far } = await call();
    await endpoint.setLoop('comfort-tone');
    await far.next((packet) => packet.payload[0] === 0x70, 'loop');
    const first = endpoint.play([{ text: '100' }]);
    await far.next((packet) => packet.payload[0] === 2, 'prompt');
    const second = endpoint.play([{ text: '100' }]);
    assert.equal(await within(first, 1000, 'first'), 'interrupted');
    await far.next((packet) => packet.payload[0] === 3, 'second prompt');
    await endpoint.stopPlaying();
    assert.equal(await within(second, 1000, 'second'), 'interrupted');
    assert.equal((await endpoint.state()).playing, false);
    await far.next((packet) => packet.payload[0] === 0x70, 'loop again');
    assert.deepEqual(
      { ...(await endpoint.state()), lastPacketAgeMs: 0, nextSequence: 0 },
      {
        peer: null,
        loop: 'comfort-tone',
        playing: false,
        keyDown: false,
        held: false,
        codec: 'PCMU',
        dtmf: ['rfc4733', 'sip-info'],
        lastPacketAgeMs: 0,
        nextSequence: 0,
      },
    );
    await endpoint.setLoop(null);
    await far.next((packet) => !isSound(packet), 'silence');
  });

  it('sends on while the main thread stands still', async () => {
    const { endpoint, far } = await call();
    await far.listen(1);
    await server.stats();
    const played = endpoint.play([{ text: '40' }]);
    await far.next((packet) => packet.payload[0] === 1, 'prompt');
    const standstillMs = 500;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, standstillMs);
    assert.equal(await within(played, 2000, 'play'), 'finished');
    assert.ok((await server.stats()).latenessMs.max < standstillMs / 2);
  });

  it('sends nothing while held and resumes where the clock is', async () => {
    const { endpoint, far } = await call();
    await far.listen(2);
    const answer = await endpoint.answer(far.sdp({ direction: 'sendonly' }));
    assert.match(answer, /a=recvonly/);
    assert.equal((await endpoint.state()).held, true);
    const count = far.heard.length;
    // The prompt's clock runs on: a flow must not hang on a caller who put us on hold.
    assert.equal(await within(endpoint.play([{ text: '10' }]), 2000, 'play while held'), 'finished');
    assert.equal(far.heard.length, count);
    await endpoint.answer(far.sdp());
    const [first] = await far.listen(1);
    const last = far.heard[count - 1];
    assert.equal(first?.marker, true);
    assert.ok((first?.timestamp ?? 0) - (last?.timestamp ?? 0) >= 1600);
  });

  it('sends keys as events with three ends, and as tones when the far end takes none', async () => {
    const { endpoint, far } = await call({ events: 96 });
    await far.listen(1);
    await within(endpoint.sendDigits([0x35, 0x23], { durationMs: 60, gapMs: 60 }), 2000, 'keys');
    await far.listen(1);
    const events = far.heard.filter((packet) => packet.payloadType === 96);
    const seen = events.map(({ payload, marker, timestamp }) => ({
      event: payload[0],
      end: (payload[1] ?? 0) > 127,
      duration: payload.readUInt16BE(2),
      marker,
      at: timestamp - (events[0]?.timestamp ?? 0),
    }));
    const key = (event: number, at: number) => [
      { event, end: false, duration: 160, marker: true, at },
      { event, end: false, duration: 320, marker: false, at },
      { event, end: true, duration: 480, marker: false, at },
      { event, end: true, duration: 480, marker: false, at },
      { event, end: true, duration: 480, marker: false, at },
    ];
    assert.deepEqual(seen, [...key(5, 0), ...key(11, 5 * 160)]);

    const plain = await call({ events: null });
    await within(plain.endpoint.sendDigits([0x35]), 2000, 'tone');
    await plain.far.listen(1);
    assert.equal(plain.far.heard.filter((packet) => !packet.payload.every((b) => b === 0xff)).length, 5);
  });
});
