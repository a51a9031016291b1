import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lateness } from '../../media/embedded/lateness.js';
import { PacketClock, type Ticker } from '../../media/embedded/packet-clock.js';
import { readInfoKey } from '../../media/rtp/sip-info.js';

describe('SIP INFO keys', () => {
  const relay = (body: string) => readInfoKey('application/dtmf-relay', body);

  it('reads dtmf-relay in its variants', () => {
    assert.deepEqual(relay('Signal=5\r\nDuration=160'), { code: 0x35, durationMs: 160 });
    assert.deepEqual(relay('Signal= 5\r\nDuration= 250\r\n'), { code: 0x35, durationMs: 250 });
    assert.deepEqual(relay('signal = 9\n\nDURATION=90\n'), { code: 0x39, durationMs: 90 });
    assert.deepEqual(relay('Duration=90\r\nSignal=*'), { code: 0x2a, durationMs: 90 });
    assert.equal(relay('Signal=#')?.code, 0x23);
    assert.equal(relay('Signal=10')?.code, 0x2a);
    assert.equal(relay('Signal=11')?.code, 0x23);
    assert.equal(relay('Signal=d')?.code, 0x44);
    assert.equal(relay('Signal=15')?.code, 0x44);
    assert.equal(readInfoKey('Application/DTMF-Relay; charset=utf-8', 'Signal=0')?.code, 0x30);
  });

  it('reads a bare key', () => {
    assert.equal(readInfoKey('application/dtmf', '5')?.code, 0x35);
    assert.equal(readInfoKey('application/dtmf', ' #\r\n')?.code, 0x23);
    assert.equal(readInfoKey('application/dtmf', '10')?.code, 0x2a);
    assert.equal(readInfoKey('application/dtmf', 'Signal=7\r\nDuration=100')?.code, 0x37);
  });

  it('takes nothing else for a key', () => {
    for (const body of ['', 'Signal=', 'Signal=16', 'Signal=123', 'Signal=x', 'Duration=100', 'Signal5']) {
      assert.equal(relay(body), null, body);
    }
    for (const body of ['', '55', '99', 'x', '5 5', 'hello', `5${' '.repeat(300)}`]) {
      assert.equal(readInfoKey('application/dtmf', body), null, body);
    }
    assert.equal(readInfoKey('application/media_control+xml', 'Signal=5'), null);
    assert.equal(readInfoKey('text/plain', '5'), null);
  });
});

describe('packet clock', () => {
  class VirtualTime {
    now = 0;
    #run: (() => void) | null = null;
    #due = 0;
    readonly late: number[] = [];
    readonly clock = new PacketClock({
      now: () => this.now,
      setTimer: (run, ms) => {
        this.#run = run;
        this.#due = this.now + ms;
        return this;
      },
      clearTimer: () => {
        this.#run = null;
      },
      onLateness: (ms) => this.late.push(ms),
    });

    get armed(): boolean {
      return this.#run !== null;
    }

    /** Runs timers up to `until`, each `delay` ms late. */
    advance(until: number, delay = 0): void {
      while (this.#run && this.#due + delay <= until) {
        this.now = Math.max(this.now, this.#due + delay);
        const run = this.#run;
        this.#run = null;
        run();
      }
      this.now = Math.max(this.now, until);
    }
  }

  class Counter implements Ticker {
    ticks = 0;
    skipped = 0;
    tick(): void {
      this.ticks += 1;
    }
    skip(packets: number): void {
      this.skipped += packets;
    }
  }

  it('ticks fifty times a second whatever the timer does', () => {
    for (const delay of [0, 0.7, 1.9, 7, 19]) {
      const time = new VirtualTime();
      const counter = new Counter();
      time.clock.add(counter);
      time.advance(60_000, delay);
      assert.ok(Math.abs(counter.ticks - 3000) <= 1, `${delay}: ${counter.ticks}`);
      assert.equal(counter.skipped, 0);
    }
  });

  /** How many of `count` tickers have ticked after 4, 9, 14 and 19 ms. */
  function quarters(count: number): number[] {
    const time = new VirtualTime();
    const counters = Array.from({ length: count }, () => new Counter());
    for (const counter of counters) time.clock.add(counter);
    return [4, 9, 14, 19].map((ms) => {
      time.advance(ms);
      return counters.reduce((sum, counter) => sum + counter.ticks, 0);
    });
  }

  it('serves few tickers together and spreads many evenly over the period', () => {
    assert.deepEqual(quarters(8), [8, 8, 8, 8]);
    assert.deepEqual(quarters(129), [128, 129, 129, 129]);
    assert.deepEqual(quarters(800), [200, 400, 600, 800]);
  });

  it('sends three packets at most after a stall and skips the rest', () => {
    const time = new VirtualTime();
    const counter = new Counter();
    time.clock.add(counter);
    time.advance(100);
    const before = counter.ticks;
    time.now = 1000;
    time.advance(1001);
    assert.equal(counter.ticks - before, 3);
    const total = counter.ticks + counter.skipped;
    time.advance(2001);
    assert.equal(counter.ticks + counter.skipped - total, 50);
    assert.ok(Math.max(...time.late) >= 880);
  });

  it('has no timer when nothing ticks', () => {
    const time = new VirtualTime();
    const [a, b] = [new Counter(), new Counter()];
    time.clock.add(a);
    time.clock.add(a);
    time.clock.add(b);
    assert.equal(time.clock.size, 2);
    time.clock.remove(a);
    time.clock.remove(a);
    time.clock.remove(b);
    assert.equal(time.armed, false);
    time.now = 5000;
    time.clock.add(b);
    time.advance(5100);
    assert.ok(b.ticks >= 5 && b.ticks <= 6);
    assert.equal(b.skipped, 0);
    assert.equal(a.ticks, 0);
  });
});

describe('lateness', () => {
  it('gives percentile and maximum and starts anew', () => {
    const lateness = new Lateness();
    for (let i = 0; i < 990; i += 1) lateness.add(0.3);
    for (let i = 0; i < 10; i += 1) lateness.add(30 + i);
    assert.deepEqual(lateness.take(), { p99: 0.5, max: 39 });
    lateness.add(500);
    assert.equal(lateness.take().max, 500);
    assert.deepEqual(lateness.take(), { p99: 0, max: 0 });
  });
});
