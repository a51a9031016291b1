import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judge, type Moments } from '../../demo/judge.js';
import { Heard, type HeardPacket } from '../kit/heard.js';
import { dtmf, FRAME, type Sound, silence, tones } from '../kit/sounds.js';

const CUSTOMER_HZ = 1900;
const customer = () => tones([CUSTOMER_HZ], -16);

/** A call of two seconds: asked for at 400 ms, active at 600, the shield of the agent up until 1600. */
const MOMENTS: Moments = { requestedAt: 400, activeAt: 600, shieldedUntil: 1600 };

/** One packet each 20 ms; the customer is heard before 500 ms and from 1620 on, between them what `plant` says. */
function call(plant: (ms: number) => Sound | null = () => null): HeardPacket[] {
  const voice = customer();
  return Array.from({ length: 100 }, (_, index) => {
    const pcm = new Int16Array(FRAME);
    const ms = index * 20;
    const sound = plant(ms) ?? (ms < 500 || ms >= 1620 ? voice : silence);
    sound(pcm);
    return packet(index, { pcm });
  });
}

function packet(index: number, changes: Partial<HeardPacket>): HeardPacket {
  return {
    at: index * 20 + 1,
    source: '127.0.0.1:20000',
    payloadType: 0,
    marker: false,
    sequence: (65_500 + index) & 0xffff,
    timestamp: (2 ** 32 - 4000 + index * FRAME) >>> 0,
    ssrc: 7,
    pcm: null,
    event: null,
    ...changes,
  };
}

function verdict(packets: readonly HeardPacket[], moments = MOMENTS, infoDigit?: string) {
  const heard = new Heard();
  for (const each of packets) heard.add(each);
  if (infoDigit) heard.addInfoDigit(infoDigit, 900);
  return judge({ packets: heard.packets, digits: () => heard.digits() }, CUSTOMER_HZ, moments);
}

const during = (from: number, to: number, sound: Sound) => (ms: number) =>
  ms >= from && ms < to ? sound : null;

describe('judgement of what the agent heard', () => {
  it('finds nothing in a session that held, and how soon it was silent', () => {
    const clean = { agentDigitsHeard: 0, agentCustomerAudioMs: 0, silentAfterMs: 101 };
    assert.deepEqual(verdict(call()), clean);
  });

  it('counts one leaked packet as 20 ms', () => {
    const { agentCustomerAudioMs, silentAfterMs } = verdict(call(during(1000, 1020, customer())));
    assert.deepEqual([agentCustomerAudioMs, silentAfterMs], [20, null]);
  });

  it('counts everything when the agent was never parted from the customer', () => {
    const { agentCustomerAudioMs, silentAfterMs } = verdict(call(during(0, 2000, customer())));
    assert.deepEqual([agentCustomerAudioMs, silentAfterMs], [1000, null]);
  });

  it('hears the customer beside a louder comfort tone', () => {
    const both = tones([CUSTOMER_HZ], -40);
    const comfort = tones([425], -20);
    const mixed: Sound = (out) => {
      const other = new Int16Array(out.length);
      both(out);
      comfort(other);
      for (let at = 0; at < out.length; at += 1) out[at] = (out[at] ?? 0) + (other[at] ?? 0);
    };
    assert.equal(verdict(call(during(1000, 1100, mixed))).agentCustomerAudioMs, 100);
  });

  it('does not blame packets that were sent before the session and read late', () => {
    const stalled = call().map((each) => (each.at > 300 && each.at < 900 ? { ...each, at: 900 } : each));
    assert.deepEqual(verdict(stalled), verdict(call()));
  });

  it('counts a leak in packets that were read late', () => {
    const stalled = call(during(700, 800, customer())).map((each) =>
      each.at > 300 && each.at < 900 ? { ...each, at: 900 } : each,
    );
    assert.equal(verdict(stalled).agentCustomerAudioMs, 100);
  });

  it('counts what is heard to the end when the shield never came down', () => {
    const open = { ...MOMENTS, shieldedUntil: null };
    assert.equal(verdict(call(), open).agentCustomerAudioMs, 380);
  });

  it('counts keys in each form, at any time of the call', () => {
    const key = during(1700, 1760, dtmf('5'));
    assert.equal(verdict(call(key)).agentDigitsHeard, 1);
    const event = packet(100, {
      event: { code: 5, end: false, volume: 10, duration: 160 },
      payloadType: 101,
    });
    assert.equal(verdict([...call(), event, { ...event, sequence: 1 }]).agentDigitsHeard, 1);
    assert.equal(verdict(call(), MOMENTS, '5').agentDigitsHeard, 1);
    assert.equal(verdict([...call(key), event], MOMENTS, '5').agentDigitsHeard, 3);
  });

  it('believes either of the two tone detectors', () => {
    const inBand = { key: '5', method: 'in-band', at: 1700 } as const;
    const silent = { packets: call(), digits: () => [inBand] };
    assert.equal(judge(silent, CUSTOMER_HZ, MOMENTS).agentDigitsHeard, 1);
    const sounding = { packets: call(during(1700, 1760, dtmf('5'))), digits: () => [] };
    assert.equal(judge(sounding, CUSTOMER_HZ, MOMENTS).agentDigitsHeard, 1);
  });

  it('counts a key that still sounds when the recording ends', () => {
    const held = { packets: call(during(1940, 2000, dtmf('9'))), digits: () => [] };
    assert.equal(judge(held, CUSTOMER_HZ, MOMENTS).agentDigitsHeard, 1);
  });

  it('has no silence to tell without a session', () => {
    const none = { requestedAt: null, activeAt: null, shieldedUntil: null };
    const nothing = { agentDigitsHeard: 0, agentCustomerAudioMs: 0, silentAfterMs: null };
    assert.deepEqual(verdict(call(), none), nothing);
  });
});
