import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { dtmfTone } from '../../media/codec/dtmf-tones.js';
import { encodePcma, encodePcmu } from '../../media/codec/g711.js';
import type { EmbeddedMediaServer } from '../../media/embedded/embedded-media-server.js';
import type { DigitEvent, MediaEndpoint } from '../../media/endpoint.js';
import { within } from '../kit/deadline.js';
import { FarEnd, PCMU_SILENCE, type SdpOptions, startEngine } from './media-far-end.js';

const KEYS = '0123456789*#ABCD';
const ascii = (keys: string): number[] => Array.from(keys, (key) => key.charCodeAt(0));

describe('embedded engine: keys in', { timeout: 60_000 }, () => {
  let server: EmbeddedMediaServer;
  const open: FarEnd[] = [];

  before(async () => {
    server = await startEngine({ from: 31_600, to: 31_699 });
  });
  after(async () => {
    for (const far of open) far.close();
    await server.close();
  });

  interface Leg {
    readonly endpoint: MediaEndpoint;
    readonly far: FarEnd;
    readonly digits: DigitEvent[];
    count(n: number): Promise<number[]>;
  }

  async function call(options?: SdpOptions): Promise<Leg> {
    const endpoint = await server.createEndpoint();
    const far = await FarEnd.open();
    open.push(far);
    far.aim(await endpoint.answer(far.sdp(options)));
    const digits: DigitEvent[] = [];
    let check = (): void => {};
    endpoint.onDigit((digit) => {
      digits.push(digit);
      check();
    });
    const count = (n: number): Promise<number[]> =>
      within(
        new Promise((resolve) => {
          check = () => {
            if (digits.length >= n) resolve(digits.map((digit) => digit.code));
          };
          check();
        }),
        6000,
        `${n} digits`,
      );
    return { endpoint, far, digits, count };
  }

  /** Keys as tones, `onMs` long with `offMs` of silence after each, sent in real time. */
  async function tones(leg: Leg, keys: string, onMs: number, offMs: number, alaw = false): Promise<void> {
    const encode = alaw ? encodePcma : encodePcmu;
    const pcm = new Int16Array(ascii(keys).length * (onMs + offMs) * 8);
    for (const [index, code] of ascii(keys).entries()) {
      pcm.set(dtmfTone(code, onMs), index * (onMs + offMs) * 8);
    }
    const bytes = encode(pcm);
    let at = 0;
    await within(
      new Promise<void>((resolve) => {
        leg.far.talk(
          () => {
            const frame = bytes.subarray(at, at + 160);
            at += 160;
            if (frame.length < 160) resolve();
            return frame.length < 160 ? (alaw ? 0xd5 : PCMU_SILENCE) : frame;
          },
          alaw ? 8 : 0,
        );
      }),
      10_000,
      'tones sent',
    );
  }

  it('hears every key as an event, whatever payload type was offered', async () => {
    const leg = await call({ events: 113 });
    for (let event = 0; event < 16; event += 1) leg.far.press(event, 113);
    assert.deepEqual(await leg.count(16), ascii(KEYS));
    assert.ok(leg.digits.every((digit) => digit.method === 'rfc4733' && digit.durationMs === 80));
  });

  it('hears tones when no telephone-event was agreed, 60 ms on and 40 ms off, equal neighbours too', async () => {
    const leg = await call({ events: null });
    assert.deepEqual((await leg.endpoint.state()).dtmf, ['in-band', 'sip-info']);
    await tones(leg, '4400#12', 60, 40);
    assert.deepEqual(await leg.count(7), ascii('4400#12'));
    assert.ok(leg.digits.every((digit) => digit.method === 'in-band'));
    leg.far.hush();
  });

  it('ignores tones when telephone-event was agreed, and changes over with a re-INVITE, both ways', async () => {
    const leg = await call({ formats: '8' });
    await tones(leg, '1', 80, 60, true);
    assert.deepEqual(leg.digits, []);
    await leg.endpoint.answer(leg.far.sdp({ formats: '8', events: null }));
    await tones(leg, '2', 80, 60, true);
    assert.deepEqual(await leg.count(1), ascii('2'));
    await leg.endpoint.answer(leg.far.sdp({ formats: '8', events: 96 }));
    await tones(leg, '3', 80, 60, true);
    leg.far.press(4, 96);
    assert.deepEqual(await leg.count(2), ascii('24'));
    leg.far.hush();
  });

  it('goes on hearing the old payload type until the far end knows the new one', async () => {
    const leg = await call({ events: 101 });
    await leg.endpoint.answer(leg.far.sdp({ events: 96 }));
    leg.far.press(1, 101);
    leg.far.press(2, 96);
    assert.deepEqual(await leg.count(2), ascii('12'));
  });

  it('counts one press that comes by two methods once', async () => {
    const leg = await call();
    leg.far.press(7);
    await leg.count(1);
    leg.endpoint.sipInfo('application/dtmf-relay', 'Signal=7\r\nDuration=100');
    leg.endpoint.sipInfo('application/dtmf-relay', 'Signal=8\r\nDuration=100');
    assert.deepEqual(await leg.count(2), ascii('78'));
    assert.equal(leg.endpoint.sipInfo('application/sdp', 'v=0'), false);
  });

  it('lets the echo of a key not end the next prompt', async () => {
    const leg = await call();
    leg.far.press(7);
    await leg.count(1);
    const played = leg.endpoint.play([{ text: '5' }], { bargeIn: true });
    await leg.far.next((packet) => packet.payload[0] === 1, 'prompt');
    leg.endpoint.sipInfo('application/dtmf', '7');
    assert.equal(await within(played, 2000, 'play'), 'finished');
    const second = leg.endpoint.play([{ text: '50' }], { bargeIn: true });
    await leg.far.next((packet) => packet.payload[0] === 1, 'prompt');
    leg.endpoint.sipInfo('application/dtmf', '8');
    assert.equal(await within(second, 1000, 'barge-in'), 'interrupted');
  });

  it('ends a key whose end was lost, and says so in its state', async () => {
    const leg = await call();
    leg.far.event(3, 160, false, 101, true);
    leg.far.event(3, 320, false);
    assert.deepEqual(await leg.count(1), ascii('3'));
    assert.equal((await leg.endpoint.state()).keyDown, false);
  });

  it('hears a key of a new SSRC from the same source', async () => {
    const leg = await call();
    leg.far.press(1);
    leg.far.ssrc = 0x55667788;
    leg.far.sequence = 3;
    leg.far.timestamp = 99;
    leg.far.press(1);
    assert.deepEqual(await leg.count(2), ascii('11'));
  });

  it('prompts soon after a key: the next 20 ms tick', async () => {
    const leg = await call();
    await leg.far.listen(1);
    const delays: number[] = [];
    for (let i = 0; i < 20; i += 1) {
      const prompt = leg.far.next((packet) => packet.payload[0] === 1, 'prompt');
      const stop = leg.endpoint.onDigit(() => void leg.endpoint.play([{ text: '2' }]));
      leg.far.event(1, 640, true);
      leg.far.timestamp += 1600;
      const sent = performance.now();
      delays.push((await prompt).at - sent);
      stop();
    }
    delays.sort((a, b) => a - b);
    assert.ok((delays[9] ?? 99) < 25, `median ${delays[9]} ms`);
  });
});
