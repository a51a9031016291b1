import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MOST_EXTRA_MS, SURPLUS_GAP_MS } from '../../flows/collector.js';
import type { CaptureCommand } from '../../flows/commands.js';
import { Bench, CARD, digits } from './flow-bench.js';

const PIN = digits(4, 6);
const EXTEND: CaptureCommand = { do: 'extendTime', ms: 20_000 };
const FOCUS: CaptureCommand = { do: 'focus', field: 'expiry' };

/** The moments in the life of a field at which a command can come, nobody having pressed a key in the last second. */
const PHASES = {
  'while the prompt plays': () => new Bench({ ...PIN, focusable: ['expiry'] }).wait(1000),
  'before the first digit': () => new Bench({ ...PIN, focusable: ['expiry'] }).audioEnds().wait(1000),
  'between digits': () => new Bench({ ...PIN, focusable: ['expiry'] }).audioEnds().press('123').wait(1000),
} as const;

for (const [phase, bench] of Object.entries(PHASES)) {
  const keyed = phase === 'between digits' ? 3 : 0;
  const isPrompt = phase === 'while the prompt plays';

  describe(phase, () => {
    test('clear empties the field and waits for the first digit anew, without a prompt', () => {
      const cleared = bench().command({ do: 'clear' });
      assert.deepEqual([cleared.refusal, cleared.replay, cleared.sink.text], [null, false, '']);
      assert.equal(cleared.last.entered, 0);
      // A prompt plays on, and its end begins the wait as ever.
      assert.equal(cleared.last.change, isPrompt ? null : 'cleared');
      assert.equal(cleared.last.timerAt, isPrompt ? null : cleared.at + 5000);
      assert.equal(cleared.wait(500).press('9876#').verdict, 'ok 9876');
    });

    test('askAgain empties the field and has the prompt played as at first', () => {
      const asked = bench().command({ do: 'askAgain' });
      assert.deepEqual([asked.refusal, asked.replay, asked.sink.text], [null, true, '']);
      // What is dropped must not stop the prompt that is about to begin.
      assert.deepEqual([asked.last.change, asked.last.timerAt], [null, null]);
      assert.equal(asked.wait(10_000).audioEnds().last.timerAt, asked.at + 5000);
      assert.equal(asked.press('9876#', 500).verdict, 'ok 9876');
    });

    test('complete takes what is keyed as the terminator would, and nothing is nothing', () => {
      const completed = bench().command({ do: 'complete' });
      assert.equal(completed.refusal, keyed === 0 ? 'nothing-keyed' : null);
      assert.equal(completed.verdict, keyed === 0 ? 'open' : 'invalid-input');
      const enough = bench()
        .press('45')
        .press(keyed === 0 ? '67' : '')
        .command({ do: 'complete' });
      assert.equal(enough.verdict, keyed === 0 ? 'ok 4567' : 'ok 12345');
    });

    test('cancel ends the field as cancelled-by-agent and keeps nothing', () => {
      const cancelled = bench().command({ do: 'cancel' });
      assert.deepEqual([cancelled.verdict, cancelled.sink.text], ['cancelled-by-agent', '']);
      assert.equal(cancelled.last.timerAt, null);
    });

    test('focus ends the field for another one that the command names, and keeps nothing', () => {
      const left = bench().command(FOCUS);
      assert.deepEqual(left.last.result, { ok: false, error: 'focus', field: 'expiry' });
      assert.equal(left.sink.text, '');
      const refused = bench().command({ do: 'focus', field: 'card' });
      assert.deepEqual([refused.refusal, refused.verdict], ['not-focusable', 'open']);
      assert.equal(refused.last.entered, keyed);
    });

    test('extendTime moves the time-out that runs, and those that follow', () => {
      const plain = bench();
      const more = bench().command(EXTEND);
      assert.deepEqual([more.refusal, more.last.change, more.last.entered], [null, null, keyed]);
      if (isPrompt) assert.equal(more.audioEnds().last.timerAt, more.at + 25_000);
      else assert.equal(more.last.timerAt, (plain.last.timerAt ?? 0) + 20_000);
      assert.equal(more.press('9').last.timerAt, more.at + 23_000);
    });
  });
}

test('every command is refused once the field is done', () => {
  for (const command of [
    { do: 'clear' },
    { do: 'askAgain' },
    { do: 'complete' },
    { do: 'cancel' },
    EXTEND,
    FOCUS,
  ] as const) {
    const done = new Bench({ ...PIN, focusable: ['expiry'] }).press('1234#').command(command);
    assert.deepEqual([done.refusal, done.replay, done.verdict], ['no-field', false, 'ok 1234'], command.do);
  }
});

test('no field can be gone to where the command names none', () => {
  assert.equal(new Bench(PIN).command(FOCUS).refusal, 'not-focusable');
});

for (const command of [{ do: 'clear' }, { do: 'askAgain' }] as const) {
  test(`the rest of the burst that ${command.do} came into is thrown away with it`, () => {
    const bench = new Bench(PIN).press('12').command(command);
    bench.press('345', SURPLUS_GAP_MS - 1);
    assert.deepEqual([bench.sink.text, bench.last.change], ['', null]);
    assert.equal(bench.press('6', SURPLUS_GAP_MS).sink.text, '6');
    const ended = new Bench(PIN).press('12').command(command).press('3#', 100);
    assert.deepEqual([ended.verdict, ended.sink.text], ['open', '']);
    assert.equal(ended.press('4567#').verdict, 'ok 4567');
  });

  test(`after ${command.do} without anything keyed the next key counts at once`, () => {
    assert.equal(new Bench(PIN).command(command).press('1', 1).sink.text, '1');
  });
}

test('what follows a field that the agent ended is surplus, but not its terminator alone', () => {
  for (const command of [{ do: 'complete' }, { do: 'cancel' }, FOCUS] as const) {
    const first = new Bench({ ...PIN, focusable: ['expiry'] }).press('1234').command(command);
    const { surplusSince } = first.collector;
    const next = new Bench(PIN, { surplusSince, at: first.at });
    assert.equal(next.press('56').sink.text, '', command.do);
    assert.equal(next.press('#9').sink.text, '9', command.do);
  }
});

test('complete judges a field as ever', () => {
  assert.equal(
    new Bench(CARD).press('4242424242424242').command({ do: 'complete' }).verdict,
    'ok 4242424242424242',
  );
  assert.equal(new Bench(CARD).press('424242').command({ do: 'complete' }).verdict, 'invalid-card-number');
});

test('keys during a prompt that is played again stop it, or are dropped where the flow says so', () => {
  const again = new Bench(PIN).press('12').command({ do: 'askAgain' });
  assert.equal(again.press('3', SURPLUS_GAP_MS).last.change, 'key');
  const closed = new Bench({ ...PIN, bargeIn: false }).audioEnds().press('12').command({ do: 'askAgain' });
  assert.equal(closed.press('3', SURPLUS_GAP_MS).last.change, null);
  assert.equal(closed.audioEnds().press('4567#').verdict, 'ok 4567');
});

test('clear leaves the total time-out where it is; askAgain begins a new one', () => {
  const command = digits(4, 6, { totalTimeoutMs: 8000 });
  const cleared = new Bench(command).audioEnds().wait(4000).press('1').command({ do: 'clear' });
  assert.equal(cleared.last.timerAt, 8000);
  const asked = new Bench(command).audioEnds().wait(4000).press('1').command({ do: 'askAgain' }).audioEnds();
  assert.equal(asked.last.timerAt, asked.at + 5000);
});

test('extendTime moves the total time-out too, up to a bound for each entry', () => {
  const bench = new Bench(digits(4, 6, { totalTimeoutMs: 4000 })).audioEnds();
  assert.equal(bench.last.timerAt, 4000);
  assert.equal(bench.command({ do: 'extendTime', ms: 1000 }).last.timerAt, 5000);
  assert.equal(
    bench.command({ do: 'extendTime', ms: MOST_EXTRA_MS - 1000 }).last.timerAt,
    4000 + MOST_EXTRA_MS,
  );
  const over = bench.command({ do: 'extendTime', ms: 1 });
  assert.deepEqual([over.refusal, over.last.timerAt], ['no-more-time', 4000 + MOST_EXTRA_MS]);
  assert.equal(over.wait(3999 + MOST_EXTRA_MS).verdict, 'open');
  assert.equal(over.wait(1).verdict, 'timeout');
});
