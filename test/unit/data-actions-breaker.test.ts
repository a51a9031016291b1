import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { CircuitBreaker, type Health } from '../../server/data-actions/circuit-breaker.js';

describe('circuit breaker', () => {
  let now: number;
  let breaker: CircuitBreaker;

  beforeEach(() => {
    now = 1000;
    breaker = new CircuitBreaker(2, 500, () => now);
  });

  function call(health: Health): void {
    const leave = breaker.enter();
    assert.ok(leave, 'a call is made');
    leave(health);
  }

  it('opens after so many failures in a row, and counts anew after a success', () => {
    for (const health of ['failed', 'well', 'failed', 'unknown'] as const) call(health);
    assert.ok(breaker.enter());
    call('failed');
    assert.equal(breaker.enter(), null);
  });

  it('lets a single call try when the pause is over, and closes when that one is well', () => {
    call('failed');
    call('failed');
    now = 1499;
    assert.equal(breaker.enter(), null);
    now = 1500;
    const probe = breaker.enter();
    assert.ok(probe);
    assert.equal(breaker.enter(), null);
    probe('well');
    call('failed');
    assert.ok(breaker.enter());
  });

  it('opens again when the probe fails, and probes again at once when that caller hung up', () => {
    call('failed');
    call('failed');
    now = 1500;
    call('failed');
    now = 1999;
    assert.equal(breaker.enter(), null);
    now = 2000;
    call('unknown');
    call('well');
  });

  it('is not moved by calls that began before it opened', () => {
    const [slow, slower] = [breaker.enter(), breaker.enter()];
    call('failed');
    call('failed');
    slow?.('well');
    now = 1499;
    slower?.('failed');
    assert.equal(breaker.enter(), null);
    now = 1500;
    assert.ok(breaker.enter());
  });
});
