import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { loadConfig } from '../../config/config.js';
import { botReply } from '../../flows/bots/reply.js';
import { start, step } from '../../flows/interpreter.js';
import { BotTalks } from '../../server/bots/bot-talks.js';
import { Bots } from '../../server/bots/bots.js';
import { BotServer } from '../kit/bot-server.js';
import { libraryOf } from './flow-documents.js';
import { CALL, replay } from './flow-simulator.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const docs = readFileSync(`${root}docs/bots.md`, 'utf8');
const blocks = (language: string): string[] =>
  [...docs.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, text = '']) => text,
  );
const [LOCAL = '', REMOTE = '', PIN = ''] = blocks('yaml');
const [answers = [], secureAnswers = []] = blocks('answer').map((text) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line)),
);
const turns = (blocks('turn')[0] ?? '')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

const calls = (bot: string, rest = '', type = 'inbound') =>
  `name: a\ntype: ${type}\nvariables: { x: { type: string }${type === 'secure' ? ', pin: { type: secure }' : ''} }\ntasks:\n  main:\n    - { do: callBotFlow, bot: ${bot}, into: r${rest} }\n    - { do: playAudio, prompt: '{{ data.r.intent }} {{ data.r.account }} {{ data.r.card }}' }\n    - do: disconnect\n`;

test('the documented local bot is filled by keys', async () => {
  const flow = (await libraryOf(calls('card-desk'), LOCAL)).get('a');
  assert.ok(flow);
  const { spoken } = replay({ flow, keys: ['2', '123456', '2', '654321', '1', '2'] });
  assert.match(spoken, /^Tacet Bank\. For your balance.*You keyed 6 5 4 3 2 1 .* block 654321 credit$/);
});

test('the documented configuration is one', () => {
  const { bots } = parse(blocks('config')[0] ?? '');
  const config = loadConfig({ env: { TACET_BOTS: JSON.stringify(bots) }, cwd: '/' });
  assert.deepEqual(config.bots.desk?.authorization, { env: 'DESK_AUTHORIZATION' });
});

for (const transport of ['http', 'ws'] as const) {
  test(`the documented turns are those that a bot is told over ${transport}`, async (context) => {
    const server = await BotServer.start();
    const bots = Bots.of(
      loadConfig({ env: { TACET_BOTS: JSON.stringify({ desk: { url: server.url(transport) } }) }, cwd: '/' })
        .bots,
    );
    context.after(async () => {
      bots.close();
      await server.close();
    });
    const flow = (await libraryOf(calls('order-desk', `, inputs: { customer: '"4711"' }`), REMOTE)).get('a');
    assert.ok(flow);
    const talks = new BotTalks({
      bots,
      runId: '5f1c',
      signal: new AbortController().signal,
      values: null,
      publish: () => {},
    });
    server.script(answers[0], answers[1]);
    let next = start(flow, CALL);
    for (const result of [
      { ok: true, value: '20917' },
      { ok: false, error: 'timeout' },
    ] as const) {
      assert.equal(next.command?.do, 'botTurn');
      if (next.command?.do !== 'botTurn') return;
      next = step(next.state, { type: 'botAnswered', result: await talks.turn(next.command) });
      assert.equal(next.command?.do, 'collect');
      next = step(next.state, { type: 'collected', result });
    }
    assert.ok(next.command?.do === 'botTurn');
    server.script(answers[0]);
    next = step(next.state, { type: 'botAnswered', result: await talks.turn(next.command) });
    talks.close();
    await server.received('end');
    const session = `5f1c:tasks.main[0]#1`;
    assert.deepEqual(
      server.turns,
      turns.map((turn: object) => ({ ...turn, session })),
    );
  });
}

test('every documented answer is taken, and those of a secure bot by its flow', async () => {
  for (const answer of [...answers, ...secureAnswers]) assert.deepEqual(botReply(answer), answer);
  const secure = calls('pin-desk', ', outputs: { pin: secure.pin, level: flow.x }', 'secure');
  const flow = (await libraryOf(secure, PIN)).get('a');
  assert.ok(flow);
  let next = step(start(flow, CALL).state, {
    type: 'botAnswered',
    result: { ok: true, reply: secureAnswers[0] },
  });
  assert.ok(next.command?.do === 'collect');
  assert.deepEqual(next.command.into, { scope: 'secure', name: 'pin' });
  assert.deepEqual(next.command.audio, [{ text: 'Please key in your PIN.' }]);
  next = step(next.state, { type: 'collected', result: { ok: true } });
  assert.ok(next.command?.do === 'botTurn');
  assert.deepEqual([next.command.digits, next.command.secureDigits], [null, { name: 'pin', keep: true }]);
  next = step(next.state, { type: 'botAnswered', result: { ok: true, reply: secureAnswers[1] } });
  assert.equal(next.state.variables.x, 'full');
});

test('every reason is documented', () => {
  const sources = ['server/bots/bot-service.ts', 'flows/bots/remote-turns.ts'].map((file) =>
    readFileSync(`${root}${file}`, 'utf8'),
  );
  const [messages = ''] = /const MESSAGES = \{[\s\S]*?\}/.exec(sources[0] ?? '') ?? [];
  const told = [
    ...[...messages.matchAll(/^ {2}'?([a-z-]+)'?:/gm)].map(([, name]) => name),
    ...[
      ...(sources[1] ?? '').matchAll(
        /return '([a-z-]+)'|\? '([a-z]+-[a-z]+)'|: '([a-z]+-[a-z]+)'|talk, '([a-z-]+)'\)/g,
      ),
    ].map((found) => found.slice(1).find(Boolean)),
  ].filter((name) => name !== 'bot-turn');
  assert.ok(told.length >= 16, String(told));
  for (const name of told) assert.match(docs, new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'), name);
});
