import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Config, ConfigError, loadConfig } from '../../config/config.js';
import { buildApp } from '../../server/app.js';
import { Bots } from '../../server/bots/bots.js';
import { botReferences } from '../../server/bots/references.js';
import { libraryOf } from './flow-documents.js';

const load = (bots: object): Config => loadConfig({ env: { TACET_BOTS: JSON.stringify(bots) }, cwd: '/' });

function problemsOf(bot: object): string[] {
  try {
    load({ desk: bot });
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map(({ message, remedy }) => `${message} (${remedy})`);
  }
}

test('sound services have no problem', () => {
  for (const bot of [
    { url: 'https://bot.example/turns', pci: true },
    { url: 'wss://bot.example/turns', pci: true },
    { url: 'ws://127.0.0.1:9000/' },
    { url: 'http://localhost:9000/' },
    { url: 'http://10.0.0.5/', allowInsecureHttp: true },
  ]) {
    assert.deepEqual(problemsOf(bot), [], bot.url);
  }
});

for (const [title, bot, expected] of [
  ['no web address', { url: 'ftp://bot.example/' }, /write an https: or wss: URL/],
  ['http: beyond loopback', { url: 'http://bot.example/' }, /turns would travel unencrypted/],
  ['ws: beyond loopback', { url: 'ws://bot.example/' }, /turns would travel unencrypted/],
  [
    'pci without encryption, even on loopback',
    { url: 'ws://127.0.0.1/', pci: true },
    /what is keyed in secure mode would travel unencrypted/,
  ],
  [
    'pci without encryption, whatever is permitted',
    { url: 'http://10.0.0.5/', pci: true, allowInsecureHttp: true },
    /keyed in secure mode would travel/,
  ],
  [
    'a password in the URL',
    { url: 'https://a:b@bot.example/' },
    /holds a user name or password \(use authorization\)/,
  ],
  [
    'a secret among the headers',
    { url: 'https://bot.example/', headers: { Authorization: 'x' } },
    /a secret does not belong here/,
  ],
  [
    'two sources of the secret',
    { url: 'https://bot.example/', authorization: { env: 'A', file: 'b' } },
    /needs exactly one source/,
  ],
  ['a fragment', { url: 'wss://bot.example/#a' }, /has a fragment/],
  ['no time', { url: 'https://bot.example/', timeoutMs: 0 }, /out of range/],
] as const) {
  test(`refused: a service with ${title}`, () => {
    const problems = problemsOf(bot);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      problems.join('\n'),
    );
  });
}

test('a service whose secret is not there keeps the server from starting, by name', () => {
  const { bots } = load({
    desk: { url: 'wss://bot.example/', authorization: { env: 'TEST_NO_SUCH_SECRET' } },
  });
  assert.throws(() => Bots.of(bots), /bot desk: .*TEST_NO_SUCH_SECRET: not set/s);
});

const BOT = 'name: far\ntype: bot\nkind: dialogEngine\nremote: desk\nintents: { pay: {} }\n';
const MODULE = 'name: between\ntype: module\ntasks:\n  main:\n    - { do: callBotFlow, bot: far }\n';
const flow = (type: string, call: string) =>
  `name: a\ntype: ${type}\ntasks:\n  main:\n    - { do: ${call} }\n    - do: disconnect\n`;
const URL = 'https://bot.example/';

test('a secure flow comes to no bot that is not flagged, through a module neither', async () => {
  const flagged = load({ desk: { url: URL, pci: true } });
  const open = load({ desk: { url: URL } });
  for (const call of ['callBotFlow, bot: far', 'callModule, module: between']) {
    const secure = await libraryOf(flow('secure', call), BOT, MODULE);
    assert.deepEqual(botReferences(flagged, secure), []);
    assert.deepEqual(
      botReferences(open, secure).map(({ field, message }) => [field, message]),
      [['bots.desk.pci', 'secure flow a calls the bot far, which may not be told what is keyed']],
    );
    assert.deepEqual(botReferences(open, await libraryOf(flow('inbound', call), BOT, MODULE)), []);
  }
});

test('a bot flow that names no configured service keeps the server from starting, with what to do', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'tacet-bots-'));
  context.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'a.yaml'), BOT);
  const broken = { ...load({ other: { url: URL } }), flows: { directories: [directory] } };
  await assert.rejects(
    buildApp(broken),
    /bots\.desk: bot flow far names a service that is not configured.*name one of: other/s,
  );
});
