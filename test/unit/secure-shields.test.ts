import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CallEvent, CallEvents } from '../../server/call/events.js';
import { LogGate } from '../../server/log/log-gate.js';
import { EventsShield } from '../../server/secure/shields/events.js';
import { LogShield } from '../../server/secure/shields/log.js';
import type { Shield } from '../../server/secure/shields/shield.js';
import { ShieldError, ShieldStack } from '../../server/secure/shields/shield-stack.js';

function shields(journal: string[], failing: { engage?: string; release?: string } = {}): Shield[] {
  return ['first', 'second', 'third'].map((name) => ({
    name,
    engage: async () => {
      if (failing.engage === name) throw new Error('no');
      journal.push(`+${name}`);
    },
    release: async () => {
      if (failing.release === name) throw new Error('no');
      journal.push(`-${name}`);
    },
  }));
}

describe('ShieldStack', () => {
  it('engages in order and releases in reverse', async () => {
    const journal: string[] = [];
    const stack = new ShieldStack(shields(journal), 1000, () => {});
    await stack.engage();
    assert.deepEqual(stack.engaged, ['first', 'second', 'third']);
    await stack.release();
    assert.deepEqual(journal, ['+first', '+second', '+third', '-third', '-second', '-first']);
    assert.deepEqual(stack.engaged, []);
  });

  it('stops at a shield that fails and releases it and those before it', async () => {
    const journal: string[] = [];
    const stack = new ShieldStack(shields(journal, { engage: 'second' }), 1000, () => {});
    await assert.rejects(
      stack.engage(),
      (error) => error instanceof ShieldError && error.shield === 'second',
    );
    await stack.release();
    assert.deepEqual(journal, ['+first', '-second', '-first']);
  });

  it('treats a shield that does not confirm in time as failed', async () => {
    const changes: string[] = [];
    const never: Shield = { name: 'never', engage: () => new Promise(() => {}), release: async () => {} };
    const stack = new ShieldStack([never], 5, (shield, change) => changes.push(`${shield} ${change}`));
    await assert.rejects(stack.engage(), ShieldError);
    assert.deepEqual(changes, ['never failed']);
  });

  it('keeps every earlier shield engaged when a release fails', async () => {
    const journal: string[] = [];
    const stack = new ShieldStack(shields(journal, { release: 'second' }), 1000, () => {});
    await stack.engage();
    await assert.rejects(stack.release(), ShieldError);
    assert.deepEqual(stack.engaged, ['first', 'second']);
    assert.ok(!journal.includes('-first'));
  });
});

describe('a shield that is late', () => {
  const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

  it('does not undo its own release', async () => {
    const journal: string[] = [];
    const slow: Shield = {
      name: 'slow',
      engage: () => after(30).then(() => void journal.push('parted')),
      release: async () => void journal.push('joined'),
    };
    const stack = new ShieldStack([slow], 20, () => {});
    await assert.rejects(stack.engage(), ShieldError);
    await stack.release();
    assert.deepEqual(journal, ['parted', 'joined']);
  });

  it('is not released while its engagement may still come', async () => {
    const stuck: Shield = {
      name: 'stuck',
      engage: () => new Promise(() => {}),
      release: () => assert.fail('released'),
    };
    const stack = new ShieldStack([stuck], 5, () => {});
    await assert.rejects(stack.engage(), ShieldError);
    await assert.rejects(stack.release(), ShieldError);
    assert.deepEqual(stack.engaged, ['stuck']);
  });

  it('does not keep the others engaged once everybody is gone', async () => {
    const journal: string[] = [];
    const changes: string[] = [];
    const stack = new ShieldStack(shields(journal, { release: 'second' }), 1000, (shield, change) =>
      changes.push(`${shield} ${change}`),
    );
    await stack.engage();
    await stack.discard();
    assert.deepEqual(stack.engaged, []);
    assert.deepEqual(journal.slice(3), ['-third', '-first']);
    assert.deepEqual(changes.slice(3), ['third released', 'second failed', 'first released']);
  });
});

describe('events shield', () => {
  it('cuts events of its conversation down to allow-listed fields, and only of its own', async () => {
    const events = new CallEvents();
    const seen: CallEvent[] = [];
    events.subscribe((event) => seen.push(event));
    const shield = new EventsShield(events, 'a');
    await shield.engage();
    const leak = { type: 'conversation.state', state: 'secure', digits: '4242' } as const;
    events.publish('a', leak);
    events.publish('b', leak);
    await shield.release();
    events.publish('a', leak);
    assert.deepEqual(
      seen.map((event) => 'digits' in event),
      [false, true, true],
    );
  });

  it('cuts progress down to its known fields', async () => {
    const events = new CallEvents();
    await new EventsShield(events, 'a').engage();
    const progress = {
      field: 'cardNumber',
      name: 'card',
      state: 'entering',
      entered: 4,
      masked: '••••',
      min: 12,
      max: 19,
      attempt: 1,
      error: null,
      required: ['card', 'code'],
    };
    const leak = {
      type: 'secure.progress',
      sessionId: 's',
      progress: { ...progress, digits: '4242' },
    } as const;
    events.publish('a', leak as never);
    assert.deepEqual(events.since(0)[0], { ...events.since(0)[0], progress });
    assert.ok(!JSON.stringify(events.since(0)).includes('4242'));
  });
});

describe('a gate that only says so', () => {
  it('does not engage the events shield', async () => {
    const events = new CallEvents();
    events.enterSecure = () => {};
    await assert.rejects(new EventsShield(events, 'a').engage(), /still show/);
  });

  it('does not engage the log shield', async () => {
    const gate = new LogGate({ write: () => {} });
    gate.enter = () => {};
    await assert.rejects(new LogShield(gate, 'a').engage(), /still shows/);
  });
});

describe('log shield', () => {
  const lines: string[] = [];
  const gate = new LogGate({ write: (line) => lines.push(line) });
  const shield = new LogShield(gate, 'a');
  const line = (fields: object) => `${JSON.stringify(fields)}\n`;

  it('lets only allow-listed fields of its conversation through while engaged', async () => {
    await shield.engage();
    lines.length = 0;
    gate.write(line({ level: 'info', conversation: 'a', state: 'secure', digits: '4242', msg: 'call' }));
    gate.write(line({ conversation: 'b', digits: '77' }));
    assert.deepEqual(JSON.parse(lines[0] ?? ''), {
      level: 'info',
      conversation: 'a',
      state: 'secure',
      msg: 'call',
    });
    assert.match(lines[1] ?? '', /77/);
  });

  it('keeps the type of an error, never its words', async () => {
    lines.length = 0;
    gate.write(line({ conversation: 'a', err: { type: 'TypeError', message: 'got 4242' }, msg: 'got 4242' }));
    assert.ok(!lines[0]?.includes('4242'));
    assert.match(lines[0] ?? '', /TypeError/);
  });

  it('drops what it cannot read: a line may be of the conversation although it is not JSON', async () => {
    lines.length = 0;
    gate.write('got 4242\n');
    assert.ok(!lines[0]?.includes('4242'));
  });

  it('writes everything again after the release', async () => {
    await shield.release();
    lines.length = 0;
    gate.write(line({ conversation: 'a', anything: 1 }));
    assert.match(lines[0] ?? '', /anything/);
  });
});
