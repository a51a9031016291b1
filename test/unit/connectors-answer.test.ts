import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judge, type Verdict } from '../../server/connectors/answer.js';
import { maskEchoes } from '../../server/connectors/keyed-data.js';
import { plainOutputs, reasonToken } from '../../server/connectors/outputs.js';
import { retryAfterMs } from '../../server/connectors/retry-after.js';
import { KEYED, secureInputs } from '../kit/gateway-charge.js';

const NOW = Date.UTC(2026, 10, 23, 8, 0, 0);
const PAN = KEYED.cardNumber;
const secure = secureInputs();

function read(http: number, body: unknown, more: { retryAfter?: string; cardSent?: boolean } = {}): Verdict {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const { retryAfter, cardSent = true } = more;
  return judge({ http, retryAfter, body: bytes, cardSent }, 'key-1', secure, NOW);
}

/** `final approved`, `refused http-404`, `none unknown http-500`, ... */
function brief(verdict: Verdict): string {
  if (verdict.kind === 'final') return `final ${verdict.result.status} ${verdict.result.reason}`.trim();
  if (verdict.kind === 'refused') return `refused ${verdict.reason}`;
  return `none ${verdict.charged} ${verdict.reason}${verdict.again ? '' : ' last'}`;
}

const outputsOf = (answer: Record<string, unknown>) => {
  const verdict = read(200, { status: 'approved', ...answer });
  assert.equal(verdict.kind, 'final');
  return verdict.kind === 'final' ? { ...verdict.result.outputs, dropped: verdict.dropped } : {};
};

describe('answers of a gateway', () => {
  const approved = { status: 'approved', confirmation: '481516' };
  const cases: readonly [string, Verdict, string][] = [
    ['200 approved', read(200, approved), 'final approved'],
    ['201 approved', read(201, approved), 'final approved'],
    [
      '200 declined',
      read(200, { status: 'declined', reason: 'insufficient-funds' }),
      'final declined insufficient-funds',
    ],
    ['402 declined', read(402, { status: 'declined', reason: 'stolen' }), 'final declined stolen'],
    ['402 without a body', read(402, ''), 'final declined card-declined'],
    ['our own key repeated', read(200, { ...approved, idempotencyKey: 'key-1' }), 'final approved'],
    ['400', read(400, { reason: 'bad amount' }), 'refused bad-amount'],
    ['404 with a page', read(404, '<html>'), 'refused http-404'],
    ['422 declined', read(422, { status: 'declined' }), 'refused http-422'],
    ['425', read(425, ''), 'none no http-425'],
    ['429', read(429, ''), 'none no http-429'],
    ['408', read(408, ''), 'none unknown http-408'],
    ['409', read(409, ''), 'none unknown http-409'],
    ['500', read(500, { status: 'declined' }), 'none unknown http-500'],
    ['503', read(503, ''), 'none unknown http-503'],
    ['204', read(204, ''), 'none unknown http-204'],
    ['302', read(302, ''), 'none unknown http-302 last'],
    ['200 with a page', read(200, '<html>'), 'none unknown unreadable-answer'],
    ['200 without a status', read(200, { confirmation: '481516' }), 'none unknown unreadable-answer'],
    ['200 with another status', read(200, { status: 'pending' }), 'none unknown unreadable-answer'],
    ['200 with a list', read(200, [approved]), 'none unknown unreadable-answer'],
    ['200 cut short', read(200, '{"status":"approved"'), 'none unknown unreadable-answer'],
    ['402 approved', read(402, approved), 'none unknown contradictory-answer'],
    ['402 error', read(402, { status: 'error' }), 'none unknown contradictory-answer'],
    ['400 approved', read(400, approved), 'none unknown contradictory-answer'],
    ['429 approved', read(429, approved), 'none unknown contradictory-answer'],
    ['500 approved', read(500, approved), 'none unknown contradictory-answer'],
    ['another key', read(200, { ...approved, idempotencyKey: 'key-2' }), 'none unknown contradictory-answer'],
    ['503 before the card', read(503, '', { cardSent: false }), 'none no http-503'],
    ['200 before the card', read(200, approved, { cardSent: false }), 'none no http-200'],
    ['413 before the card', read(413, '', { cardSent: false }), 'refused http-413'],
  ];
  for (const [name, verdict, expected] of cases) {
    it(`${name}: ${expected}`, () => assert.equal(brief(verdict), expected));
  }

  it('is not valid UTF-8: unreadable', () => {
    const body = Buffer.from('{"status":"approved","note":"\xff"}', 'latin1');
    const verdict = judge({ http: 200, retryAfter: undefined, body, cardSent: true }, 'key-1', secure, NOW);
    assert.equal(brief(verdict), 'none unknown unreadable-answer');
  });

  it('passes Retry-After on', () => {
    const verdict = read(429, '', { retryAfter: '7' });
    assert.equal(verdict.kind === 'none' && verdict.afterMs, 7000);
  });

  it('knows its key although a part of it looks like the security code', () => {
    const body = Buffer.from(JSON.stringify({ ...approved, idempotencyKey: 'run-739-a' }));
    const verdict = judge(
      { http: 200, retryAfter: undefined, body, cardSent: true },
      'run-739-a',
      secure,
      NOW,
    );
    assert.equal(brief(verdict), 'final approved');
  });
});

describe('outputs of an answer', () => {
  const dropped = (output: string, reason: string) => [{ output, reason }];

  it('are plain values under plain names', () => {
    const outputs = { confirmation: '481516', amount: 12.5, test: true, note: null };
    assert.deepEqual(outputsOf(outputs), { ...outputs, dropped: [] });
    assert.deepEqual(outputsOf({ reason: 'ok', idempotencyKey: 'key-1' }), { dropped: [] });
  });

  it('are dropped when they are no scalar, have a bad name, or cannot be exact', () => {
    assert.deepEqual(outputsOf({ card: { last4: '1486' } }), { dropped: dropped('card', 'not-plain') });
    assert.deepEqual(outputsOf({ list: [1] }), { dropped: dropped('list', 'not-plain') });
    for (const name of ['auth-code', '1st', '', 'x'.repeat(41), `n${PAN}`]) {
      assert.deepEqual(outputsOf({ [name]: 'x' }), { dropped: dropped('(unnamed)', 'bad-name') });
    }
    assert.deepEqual(outputsOf({ id: 2 ** 60 }), { dropped: dropped('id', 'not-exact') });
  });

  it('are 20 at most', () => {
    const names = Array.from({ length: 22 }, (_, i) => `n${i}`);
    const { outputs, dropped } = plainOutputs(Object.fromEntries(names.map((name) => [name, 'x'])), {
      secure,
      codeMasked: false,
    });
    assert.deepEqual(Object.keys(outputs), names.slice(0, 20));
    assert.deepEqual(
      dropped,
      names.slice(20).map((output) => ({ output, reason: 'too-many' })),
    );
  });

  it('have no control characters and at most 200 characters', () => {
    const { note } = outputsOf({ note: `a\u0000b\r\nc\u001b[2J\u202ed\u2028e\ud800f` }) as { note: string };
    assert.equal(note, 'abc[2Jdef');
    const { long } = outputsOf({ long: '😀'.repeat(300) }) as { long: string };
    assert.equal(long, '😀'.repeat(200));
  });

  const spaced = PAN.replace(/(....)(?!$)/g, '$1 ');
  const echoes: readonly (readonly [string, unknown])[] = [
    ['the number', PAN],
    ['the number in a text', `card ${PAN} charged`],
    ['the number as a JSON number', Number(PAN)],
    ['the number in groups', spaced],
    ['the number with dots', spaced.replaceAll(' ', '.')],
    ['the number with other separators', spaced.replaceAll(' ', '_/')],
    [
      'the number in full-width digits',
      [...PAN].map((d) => String.fromCharCode(0xff10 + Number(d))).join(''),
    ],
    ['the number with invisible characters', [...PAN].join('\u200b')],
    ['the number after other digits', `00${PAN}99`],
  ];
  for (const [name, value] of echoes) {
    it(`never hold ${name}`, () => {
      assert.deepEqual(outputsOf({ echo: value }), { dropped: dropped('echo', 'contains-card-number') });
    });
  }

  it('never hold the number written with JSON escapes', () => {
    const escaped = [...PAN].map((digit) => `\\u003${digit}`).join('');
    const verdict = read(200, `{"status":"approved","echo":"${escaped}"}`);
    assert.deepEqual(verdict.kind === 'final' && verdict.dropped, dropped('echo', 'contains-card-number'));
  });

  it('never hold the security code, but may contain its digits by chance', () => {
    for (const value of ['739', 739, 'cvv: 739.', 'x739y', '7 3 9']) {
      assert.deepEqual(outputsOf({ echo: value }), { dropped: dropped('echo', 'contains-security-code') });
    }
    assert.deepEqual(outputsOf({ confirmation: '273915' }), { confirmation: '273915', dropped: [] });
    assert.deepEqual(outputsOf({ count: 111 }), { count: 111, dropped: [] });
  });

  it('of a declined answer are held to the same', () => {
    const verdict = read(402, { status: 'declined', reason: `card ${PAN} bad`, echo: PAN, code: 'X1' });
    assert.deepEqual(verdict, {
      kind: 'final',
      result: { status: 'declined', reason: 'card-declined', outputs: { code: 'X1' } },
      dropped: dropped('echo', 'contains-card-number'),
    });
  });
});

describe('the body of an answer', () => {
  it('holds no echo any more when it becomes a string', () => {
    const body = Buffer.from(`{"a":"${PAN}","b":${PAN},"c":"4539-5787.6362 1486","d":"739","e":"17391"}`);
    assert.equal(maskEchoes(body, secure), true);
    const ones = '1'.repeat(16);
    assert.equal(
      body.toString(),
      `{"a":"${ones}","b":${ones},"c":"1111-1111.1111 1111","d":"111","e":"17391"}`,
    );
  });
});

describe('a bank account', () => {
  const withAccount = (accountNumber: string) => secureInputs({ routingNumber: '110000000', accountNumber });

  it('is dropped from the outputs in whatever grouping, its routing number is not', () => {
    const keyed = { secure: withAccount('000123456789'), codeMasked: false };
    const said = { a: 'no. 0001-2345-6789 ok', b: 123456789, c: '110000000' };
    assert.deepEqual(plainOutputs(said, keyed), {
      outputs: { c: '110000000' },
      dropped: [
        { output: 'a', reason: 'contains-account-number' },
        { output: 'b', reason: 'contains-account-number' },
      ],
    });
    assert.equal(reasonToken('no account 000123456789', keyed, 'otherwise'), 'otherwise');
  });

  it('with a short number is looked for as a number of its own', () => {
    const secure = withAccount('4711');
    const body = Buffer.from('{"a":"4711","b":"647118"}');
    const keyed = { secure, codeMasked: maskEchoes(body, secure) };
    assert.equal(body.toString(), '{"a":"1111","b":"647118"}');
    assert.deepEqual(plainOutputs(JSON.parse(body.toString()), keyed), {
      outputs: { b: '647118' },
      dropped: [{ output: 'a', reason: 'contains-account-number' }],
    });
  });
});

describe('reasons', () => {
  const token = (reason: unknown) => reasonToken(reason, { secure, codeMasked: false }, 'otherwise');

  it('are 1 to 40 of a-z, 0-9 and -', () => {
    assert.equal(token('Insufficient Funds!'), 'insufficient-funds');
    assert.equal(token('  --A__b--  '), 'a-b');
    assert.equal(token(`${'x'.repeat(39)} y`), 'x'.repeat(39));
    assert.equal(token('é'), 'otherwise');
    for (const none of ['', '---', undefined, 7, null, {}]) assert.equal(token(none), 'otherwise');
  });

  it('never show the card', () => {
    assert.equal(token(`no ${PAN}`), 'otherwise');
    assert.equal(token('4539 5787 6362 1486'), 'otherwise');
    assert.equal(token('cvv 739 wrong'), 'otherwise');
  });
});

describe('Retry-After', () => {
  it('is seconds or a date', () => {
    assert.equal(retryAfterMs('0', NOW), 0);
    assert.equal(retryAfterMs(' 120 ', NOW), 120_000);
    assert.equal(retryAfterMs('Mon, 23 Nov 2026 08:00:03 GMT', NOW), 3000);
    assert.equal(retryAfterMs('Mon, 23 Nov 2026 07:00:00 GMT', NOW), 0);
  });

  it('is ignored when it is neither', () => {
    for (const header of [undefined, '', '-5', '1.5', 'soon', '2026-11-23', '99999999999']) {
      assert.equal(retryAfterMs(header, NOW), null);
    }
  });
});
