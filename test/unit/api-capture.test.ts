import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { TacetError } from '../../server/errors.js';
import { type Fixture, fixture, SESSION, TOKEN } from './api-fake.js';

const CARD = '4111111111111111';
const CAPTURE = '/api/v1/conversations/c-1/secure-sessions/s-1/capture';

describe('commands to a capture', () => {
  let made: Fixture;
  beforeEach(async () => {
    made = await fixture();
  });
  afterEach(() => made.api.close());

  const post = (payload: object, url = CAPTURE) =>
    made.api.inject({ method: 'POST', url, payload, headers: { authorization: `Bearer ${TOKEN}` } });

  test('each reaches the session with the name of the token, and is logged by its name alone', async () => {
    const bodies = [
      { command: 'askAgain' },
      { command: 'clear' },
      { command: 'cancel' },
      { command: 'complete' },
      { command: 'extendTime', seconds: 30 },
      { command: 'focus', field: 'expiry' },
    ];
    for (const body of bodies) {
      const answer = await post(body);
      assert.deepEqual([answer.statusCode, answer.json()], [200, { ...SESSION, state: 'active' }]);
    }
    assert.deepEqual(made.conversations.commands, [
      [{ do: 'askAgain' }, 'tests'],
      [{ do: 'clear' }, 'tests'],
      [{ do: 'cancel' }, 'tests'],
      [{ do: 'complete' }, 'tests'],
      [{ do: 'extendTime', ms: 30_000 }, 'tests'],
      [{ do: 'focus', field: 'expiry' }, 'tests'],
    ]);
    const lines = made.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'capture command');
    const { level: _level, time: _time, ...last } = lines.at(-1);
    assert.deepEqual(last, {
      part: 'http',
      by: 'tests',
      conversation: 'c-1',
      session: 's-1',
      command: 'focus',
      msg: 'capture command',
    });
    assert.deepEqual(
      lines.map(({ command }) => command),
      bodies.map(({ command }) => command),
    );
  });

  test('no token, no command', async () => {
    const answer = await made.api.inject({ method: 'POST', url: CAPTURE, payload: { command: 'clear' } });
    assert.equal(answer.statusCode, 401);
    assert.deepEqual(made.conversations.commands, []);
  });

  test('what is not there, and what does not fit, keeps status and reason', async () => {
    for (const [url, code] of [
      [CAPTURE.replace('c-1', 'c-2'), 'conversation-not-found'],
      [CAPTURE.replace('s-1', 's-2'), 'session-not-found'],
    ]) {
      const answer = await post({ command: 'clear' }, url);
      assert.deepEqual([answer.statusCode, answer.json().error.code], [404, code]);
    }
    made.conversations.refusal = new TacetError('command-refused', 'nothing has been keyed');
    const answer = await post({ command: 'complete' });
    const message = 'the command does not fit now: nothing has been keyed';
    assert.deepEqual(
      [answer.statusCode, answer.json()],
      [409, { error: { code: 'command-refused', message } }],
    );
  });

  for (const [payload, field, message] of [
    [{}, 'command', /command is missing: add it/],
    [{ command: 'stop' }, 'command', /no value that is known/],
    [{ command: 5 }, 'command', /no value that is known/],
    [{ command: 'extendTime' }, 'seconds', /seconds is missing: add it/],
    [{ command: 'extendTime', seconds: 0 }, 'seconds', />= 1/],
    [{ command: 'extendTime', seconds: 301 }, 'seconds', /<= 300/],
    [{ command: 'extendTime', seconds: 1.5 }, 'seconds', /integer/],
    [{ command: 'focus' }, 'field', /field is missing: add it/],
    [{ command: 'focus', field: 'x'.repeat(101) }, 'field', /more than 100/],
    [{ command: 'clear', seconds: 5 }, 'body', /not known: remove it/],
    [{ command: 'clear', [CARD]: 5 }, 'body', /not known: remove it/],
    [{ command: CARD }, 'command', /no value that is known/],
    [[], 'body', /object/],
  ] as const) {
    test(`a body that is not valid names ${field}: ${JSON.stringify(payload).slice(0, 50)}`, async () => {
      const answer = await post(payload);
      assert.equal(answer.statusCode, 400);
      const { error } = answer.json();
      assert.deepEqual([error.code, error.field], ['bad-request', field]);
      assert.match(error.message, message);
      assert.ok(!answer.body.includes('4111'), 'nothing that came in is echoed');
      assert.deepEqual(made.conversations.commands, []);
    });
  }
});
