import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectCommand } from '../../flows/commands.js';
import type { FieldProgress } from '../../server/call/events.js';
import { fieldProgress } from '../../server/call/field-progress.js';

const COLLECT: CollectCommand = {
  do: 'collect',
  field: { kind: 'digits', min: 4, max: 4, brands: [], cardVariable: null },
  into: { scope: 'secure', name: 'member' },
  audio: [],
  again: null,
  bargeIn: true,
  firstDigitTimeoutMs: 1,
  interDigitTimeoutMs: 1,
  totalTimeoutMs: 1,
  terminator: '#',
  clearKey: '*',
  attempt: 2,
  attempts: 3,
};

/** What is told of a field that is asked for, keyed with two digits, refused, and then taken. */
function told(more: Partial<CollectCommand>): FieldProgress[] {
  const events: FieldProgress[] = [];
  const tell = fieldProgress({ ...COLLECT, ...more }, (progress) => events.push(progress));
  tell('asked', 0, null);
  tell('entering', 1, null);
  tell('entering', 2, null);
  tell('rejected', 2, 'invalid-input');
  tell('accepted', 4, null);
  return events;
}

test('progress is a dot a key, and the fields that are still to be keyed', () => {
  const events = told({ required: ['member', 'card', 'code'] });
  assert.deepEqual(
    events.map(({ state, entered, masked }) => [state, entered, masked]),
    [
      ['asked', 0, ''],
      ['entering', 1, '•'],
      ['entering', 2, '••'],
      ['rejected', 2, '••'],
      ['accepted', 4, '••••'],
    ],
  );
  assert.deepEqual(events.at(-2)?.required, ['member', 'card', 'code']);
  assert.deepEqual(events.at(-1), {
    field: 'digits',
    name: 'member',
    state: 'accepted',
    entered: 4,
    masked: '••••',
    min: 4,
    max: 4,
    attempt: 2,
    error: null,
    required: ['card', 'code'],
  });
  assert.deepEqual(told({}).at(0)?.required, ['member']);
  assert.deepEqual(told({}).at(-1)?.required, []);
});

test('of a hidden field not even the number of keys is told, nor by how many events', () => {
  assert.deepEqual(
    told({ mask: 'hidden' }).map(({ state, entered, masked }) => [state, entered, masked]),
    [
      ['asked', 0, ''],
      ['rejected', 0, ''],
      ['accepted', 0, ''],
    ],
  );
});
