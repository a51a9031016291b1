import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scrubLine, scrubText } from '../../server/log/scrub.js';

/** Published test numbers by length; all pass Luhn. */
const CARDS = [
  '4111111111111111',
  '5555555555554444',
  '378282246310005',
  '30569309025904',
  '4222222222222',
  '6304000000000000000',
  '501800000009',
];

const grouped = (card: string, separator: string) => card.match(/.{1,4}/g)?.join(separator) ?? '';

test('a card number is masked at every length and with every separator', () => {
  for (const card of CARDS) {
    assert.equal(scrubText(`card ${card}.`), 'card [redacted].', card);
    for (const separator of [' ', '-', '.', '/', ' - ', '\n', '\t', '\u00a0', '_'].filter(
      (s) => s.length < 3,
    )) {
      assert.equal(scrubText(`<${grouped(card, separator)}>`), '<[redacted]>', JSON.stringify(separator));
    }
  }
});

test('a card number inside more digits or letters is masked', () => {
  const [card] = CARDS;
  for (const text of [`x${card}y`, `${card}1227123`, `9${card}`, `00${card}00`]) {
    assert.ok(!scrubText(text).includes('1111111111'), text);
  }
});

test('what is no card number stays', () => {
  const kept = [
    '2026-11-23T01:40:07.123Z',
    'sip:+4930555010@192.168.100.200:40000',
    '255.255.255.255 192.168.100.200',
    '12345678901',
    '5f3759df-1234-4567-8901-123456789012',
    '0b8e6a52-4111-4111-9111-111111111111',
    'ports 40000-49999',
  ];
  for (const text of kept) assert.equal(scrubText(text), text);
});

test('an address or an identifier does not shelter a card number beside it', () => {
  const [card] = CARDS;
  for (const text of [`1.2.3.4${card}`, `1.2.3.4 ${card}`, `0b8e6a52-4111-4111-9111-111111111111 ${card}`]) {
    assert.ok(!scrubText(text).includes(card ?? ''), text);
  }
});

test('every generated card number is masked, whatever stands around it', () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 2000; round += 1) {
    const body = Array.from({ length: 11 + random(8) }, () => random(10));
    const sum = [...body].reverse().reduce((total, digit, i) => {
      const doubled = i % 2 === 0 ? digit * 2 : digit;
      return total + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
    const card = [...body, (10 - (sum % 10)) % 10].join('');
    const around = () => ['', ' ', 'a', ':', '"', '7', '-'][random(7)] ?? '';
    assert.ok(!scrubText(`${around()}${card}${around()}`).includes(card), card);
  }
});

test('a JSON line stays JSON', () => {
  const [card] = CARDS;
  const value = {
    text: `"${card}"\n`,
    number: 4111111111111111,
    negative: -4111111111111111,
    fraction: 4111111111111111.5,
    list: [Number(card), card],
    [`key ${card}`]: 1,
    nested: { deep: [{ at: `${card}` }] },
    digits: [...(card ?? '')].map(Number),
    keys: [...(card ?? '')],
    buffer: Buffer.from(card ?? ''),
    small: [1, 2, 3],
    time: '2026-11-23T01:40:07.123Z',
  };
  const scrubbed = scrubLine(JSON.stringify(value));
  assert.doesNotMatch(scrubbed.replace(/[^0-9]/g, ''), /4111111/);
  const parsed = JSON.parse(scrubbed);
  assert.equal(parsed.number, '[redacted]');
  assert.equal(parsed.digits, '[redacted]');
  assert.equal(parsed.buffer.data, '[redacted]');
  assert.deepEqual(parsed.small, [1, 2, 3]);
  assert.equal(parsed.time, value.time);
});

test('escapes hide nothing, and a 19-digit number is not rounded past the mask', () => {
  assert.equal(scrubLine('{"a":"\\u0034111111111111111"}'), '{"a":"[redacted]"}');
  assert.equal(scrubLine('{"a":6304000000000000000}'), '{"a":"[redacted]"}');
  assert.ok(!scrubLine('{"a":"4111111111111111').includes('1111'));
});

test('a line that is looked at only briefly leaves as it would after the whole scrubbing', () => {
  let seed = 11;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const separators = [' ', '-', '.', '/', '_', '\u00a0', '\u2003', '\u3000', '\ufeff', ',', 'a', '"', ':'];
  // A list makes the whole scrubbing run.
  const list = ',"list":["a"]}';
  let masked = 0;
  for (let round = 0; round < 3000; round += 1) {
    const digits = [...(CARDS[random(CARDS.length)] ?? '')];
    const gap = separators[random(separators.length)] ?? '';
    const text = digits.map((digit) => digit + gap.repeat(random(12) === 0 ? random(4) : 0)).join('');
    const line = `{"text":"${text}"`;
    const scrubbed = scrubLine(`${line}}`);
    assert.equal(scrubbed.slice(0, -1) + list, scrubLine(line + list), line);
    if (scrubbed.includes('redacted')) masked += 1;
  }
  assert.ok(masked > 1000 && masked < 3000, String(masked));
});

test('long runs take linear time', () => {
  const started = process.cpuUsage();
  scrubText('0'.repeat(200_000));
  scrubText('1 '.repeat(100_000));
  scrubText('12345678901x'.repeat(20_000));
  assert.ok(process.cpuUsage(started).user < 2_000_000);
});
