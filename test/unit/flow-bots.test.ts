import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replay as simulate } from '../../cli/simulation/replay.js';
import { readScript } from '../../cli/simulation/script.js';
import type { BotReply } from '../../flows/bots/reply.js';
import type { BotResult, FlowCommand } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { type Step, start, staticAudio, step } from '../../flows/interpreter.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { libraryOf } from './flow-documents.js';
import { CALL, replay } from './flow-simulator.js';

async function flowOf(...sources: readonly string[]): Promise<Flow> {
  const flow = (await libraryOf(...sources)).get('a');
  assert.ok(flow);
  return flow;
}

const PATHS =
  "onNoInput: [{ do: playAudio, prompt: silent }], onNoMatch: [{ do: playAudio, prompt: odd }], onFailure: [{ do: playAudio, prompt: 'failed {{ data.r.reason }}' }]";
const calling = (call: string, type = 'inbound', paths = PATHS): string => `name: a
type: ${type}
variables: { s: { type: string, default: kept }${type === 'secure' ? ', pin: { type: secure }' : ''} }
tasks:
  main:
    - { do: callBotFlow, into: r, ${call}, ${paths} }
    - { do: playAudio, prompt: 'intent {{ data.r.intent }} s {{ flow.s }}' }
    - do: disconnect
`;
const LOCAL = `name: local
type: bot
kind: dialogEngine
inputs: { who: { type: string, default: you } }
opening: { prompt: 'Hello {{ flow.who }}.', noInput: Hm., attempts: 2 }
intents:
  buy: { key: '1', slots: [size] }
  sell: { key: '2', slots: [size, colour] }
slots:
  size: { max: 4, attempts: 1, prompt: Size., confirm: { prompt: 'Is {{ flow.size }} right?', rounds: 2 } }
  colour: { choices: { '1': red, '2': blue }, prompt: Colour. }
`;

test('a local bot finds intent and slots; the path of the intent is taken', async () => {
  const call =
    "bot: local, inputs: { who: '\"Ann\"' }, outputs: { size: flow.s }, onIntent: { sell: [{ do: playAudio, prompt: '{{ data.r.colour }}' }] }";
  const flow = await flowOf(calling(call), LOCAL);
  const { spoken } = replay({ flow, keys: ['2', '12#', '2', '34#', '1', '2'] });
  assert.equal(spoken, 'Hello Ann. Size. Is 12 right? Size. Is 34 right? Colour. blue intent sell s 34');
});

test('an intent without a path goes on behind the action, and slots of other intents are left alone', async () => {
  const flow = await flowOf(calling('bot: local, outputs: { colour: flow.s }'), LOCAL);
  assert.match(replay({ flow, keys: ['1', '12#', '1'] }).spoken, /intent buy s kept$/);
});

const ENDS: readonly (readonly [title: string, keys: readonly string[], spoken: RegExp])[] = [
  ['silence', ['', ''], /Hm\. Hello you\. silent intent {2}s kept$/],
  ['wrong keys', ['9', '8'], /odd intent {2}s kept$/],
  ['an empty slot', ['1', ''], /Size\. failed timeout/],
  ['a slot that is never right', ['1', '1#', '2', '2#', '2'], /failed not-confirmed/],
];
for (const [title, keys, spoken] of ENDS) {
  test(`a local bot ends by ${title}`, async () => {
    const flow = await flowOf(calling('bot: local, outputs: { size: flow.s }'), LOCAL);
    assert.match(replay({ flow, keys }).spoken, spoken);
  });
}

test('without a path of its own, silence takes onFailure; without that the flow fails', async () => {
  const only = "onFailure: [{ do: playAudio, prompt: 'failed {{ data.r.reason }}' }]";
  assert.match(
    replay({ flow: await flowOf(calling('bot: local', 'inbound', only), LOCAL), keys: [] }).spoken,
    /failed no-input/,
  );
  const flow = await flowOf(calling('bot: local', 'inbound', 'onNoMatch: [{ do: disconnect }]'), LOCAL);
  const { end } = replay({ flow, keys: [] });
  assert.deepEqual(end, {
    do: 'disconnect',
    reason: 'error',
    message: 'callBotFlow at tasks.main[0] failed: no-input',
  });
});

test('in secure mode no place tells which intent was chosen', async () => {
  const call =
    'bot: local, onIntent: { buy: [{ do: wait, duration: 1s }], sell: [{ do: wait, duration: 1s }] }';
  const flow = await flowOf(
    calling(call, 'secure'),
    LOCAL.replace('[size, colour]', '[size]').replace(/ {2}colour.*\n/, ''),
  );
  const paths = (key: string) => replay({ flow, keys: [key, '12#', '1'] }).paths;
  assert.deepEqual(paths('1'), paths('2'));
  assert.ok(paths('1').includes('tasks.main[0].onIntent.?[0]'));
});

test('a bot that keeps a secret does so under a name of its call, and hands it over', async () => {
  const bot =
    'name: b\ntype: bot\nkind: dialogEngine\nintents: { pay: { slots: [pin] } }\nslots: { pin: { length: 4, secure: true, prompt: Pin. } }\n';
  const flow = await flowOf(
    calling('bot: b, outputs: { pin: secure.pin }', 'secure').replace(
      '    - do: disconnect',
      '    - { do: callSecureData, connector: x, secureInputs: { cardNumber: secure.pin }, into: c, onError: [{ do: disconnect }] }\n    - do: disconnect',
    ),
    bot,
  );
  const { trace, shown, secrets } = replay({ flow, keys: ['7391'] });
  assert.ok(trace.includes('collect digits into secure.pin #1: 4 keys'));
  assert.deepEqual([...secrets.keys()], ['b#1.pin']);
  assert.ok(!shown.includes('7391'));
  assert.match(shown, /"cardNumber":"b#1\.pin"/);
});

test('no run begins with a bot', async () => {
  const bot = (await libraryOf(calling('bot: local'), LOCAL)).get('local');
  assert.ok(bot);
  assert.throws(() => start(bot, CALL), /local is a bot/);
});

const REMOTE = `name: far
type: bot
kind: dialogEngine
remote: desk
inputs: { who: { type: string, default: you } }
prompts: { ask: Which one? }
intents:
  buy: { slots: [size] }
  sell: { slots: [why] }
slots:
  size: {}
  why: { values: [late, wrong] }
`;
const SECRET = `name: far
type: bot
kind: dialogEngine
remote: desk
prompts: { ask: Your pin. }
intents:
  pay: { slots: [pin] }
  note: { slots: [size] }
  sell: { slots: [why] }
slots:
  pin: { secure: true }
  size: {}
  why: { values: [late, wrong] }
`;
const ASK: BotReply = { say: ['Hello.', { prompt: 'ask' }], collect: { max: 4 } };

type Turn = FlowCommand & { readonly do: 'botTurn' };
function turnOf(next: Step): Turn {
  assert.ok(next.command?.do === 'botTurn', JSON.stringify(next.command));
  return next.command;
}
const answer = (next: Step, reply: BotReply | string): Step => {
  const result: BotResult =
    typeof reply === 'string' ? { ok: false, error: reply, message: 'no' } : { ok: true, reply };
  return step(JSON.parse(JSON.stringify(next.state)), { type: 'botAnswered', result });
};
const key = (next: Step, value?: string): Step =>
  step(JSON.parse(JSON.stringify(next.state)), {
    type: 'collected',
    result: value === undefined ? { ok: true } : { ok: true, value },
  });
const spokenBy = ({ command }: Step): string =>
  command && 'audio' in command
    ? command.audio.map((item) => ('text' in item ? item.text : item.file)).join(' ')
    : '';

test('a remote bot is told inputs and digits, says its prompts, and its slots go where they are asked for', async () => {
  let next = start(await flowOf(calling('bot: far, outputs: { size: flow.s }'), REMOTE), CALL);
  assert.deepEqual([turnOf(next).event, turnOf(next).turn, turnOf(next).context], ['start', 1, {}]);
  next = answer(next, ASK);
  assert.equal(spokenBy(next), 'Hello. Which one?');
  next = key(next, '47');
  assert.deepEqual([turnOf(next).event, turnOf(next).turn, turnOf(next).digits], ['digits', 2, '47']);
  next = answer(next, { say: ['Thanks.'], done: true, intent: 'buy', slots: { size: '47' } });
  assert.equal(spokenBy(next), 'Thanks.');
  next = step(next.state, { type: 'played' });
  assert.equal(spokenBy(next), 'intent buy s 47');
});

test('silence and wrong keys are turns too', async () => {
  let next = answer(start(await flowOf(calling('bot: far'), REMOTE), CALL), { collect: { menu: '12' } });
  next = step(next.state, { type: 'collected', result: { ok: false, error: 'timeout' } });
  assert.equal(turnOf(next).event, 'noInput');
  next = step(answer(next, ASK).state, { type: 'collected', result: { ok: false, error: 'invalid-input' } });
  assert.equal(turnOf(next).event, 'noMatch');
});

for (const error of ['caller-hung-up', 'cancelled-by-agent'] as const) {
  test(`the bot is told the end after ${error}`, async () => {
    const asked = answer(start(await flowOf(calling('bot: far'), REMOTE), CALL), ASK);
    const next = step(asked.state, { type: 'collected', result: { ok: false, error } });
    assert.equal(turnOf(next).event, 'end');
    assert.equal(spokenBy(answer(next, { done: true })), `failed ${error}`);
  });
}

const ODD: readonly (readonly [title: string, reply: BotReply, reason: string])[] = [
  ['an unknown prompt', { ...ASK, say: [{ prompt: 'toString' }] }, 'unknown-prompt'],
  ['an unknown intent', { done: true, intent: 'constructor' }, 'wrong-intent'],
  ['a missing slot', { done: true, intent: 'buy' }, 'missing-slot'],
  ['an unknown slot', { done: true, intent: 'buy', slots: { size: '1', other: '2' } }, 'wrong-slot'],
  ['a value that is not declared', { done: true, intent: 'sell', slots: { why: 'else' } }, 'wrong-value'],
  ['digits for a slot that is not secure', { collect: { max: 4, slot: 'size' } }, 'wrong-slot'],
];
for (const [title, reply, reason] of ODD) {
  test(`an answer with ${title} ends the bot`, async () => {
    const next = answer(start(await flowOf(calling('bot: far'), REMOTE), CALL), reply);
    assert.equal(turnOf(next).event, 'end');
    assert.equal(spokenBy(answer(next, { done: true })), `failed ${reason}`);
  });
}

test('a failed turn is a failure, and an end without an intent no match', async () => {
  const begun = start(await flowOf(calling('bot: far'), REMOTE), CALL);
  assert.equal(spokenBy(answer(begun, 'timeout')), 'failed timeout');
  assert.equal(spokenBy(answer(begun, { done: true })), 'odd');
});

test('a bot has 100 turns', async () => {
  let next = start(await flowOf(calling('bot: far'), REMOTE), CALL);
  for (let turn = 1; turn < 100; turn += 1) next = key(answer(next, ASK), '1');
  assert.equal(turnOf(next).turn, 100);
  next = answer(next, ASK);
  assert.equal(turnOf(next).event, 'end');
  assert.equal(spokenBy(answer(next, { done: true })), 'failed too-many-turns');
});

test('the run time refuses what the check does: a digital bot, one that is gone, one that keeps secrets', async () => {
  const flow = await flowOf(calling('bot: far'), REMOTE);
  const far = flow.modules.far;
  assert.ok(far?.bot);
  const altered = (modules: Flow['modules']) => spokenBy(start({ ...flow, modules }, CALL));
  assert.equal(altered({ far: { ...far, bot: { ...far.bot, kind: 'digital' } } }), 'failed digital-bot');
  assert.equal(altered({}), 'failed unknown-bot');
  assert.equal(altered({ far: { ...far, secureVariables: ['pin'] } }), 'failed secure-bot');
  const digital = { ...far, bot: { ...far.bot, kind: 'digital' as const, remote: null } };
  assert.equal(
    spokenBy(start({ ...flow, type: 'secure', modules: { far: digital } }, CALL)),
    'failed digital-bot',
  );
  const local = { ...far, bot: { ...far.bot, remote: null } };
  const secure = start({ ...flow, modules: { far: local }, secureModules: ['far'] }, CALL);
  assert.equal(spokenBy(secure), 'failed secure-bot');
});

test('in secure mode digits are a secure value, and only a slot keeps them', async () => {
  const flow = await flowOf(calling('bot: far, outputs: { pin: secure.pin }', 'secure'), SECRET);
  let next = answer(start(flow, CALL), { say: [{ prompt: 'ask' }], collect: { max: 4 } });
  assert.deepEqual(next.command?.do === 'collect' && next.command.into, {
    scope: 'secure',
    name: 'bot-turn',
  });
  next = key(next);
  assert.deepEqual(
    [turnOf(next).digits, turnOf(next).secureDigits],
    [null, { name: 'bot-turn', keep: false }],
  );
  next = answer(next, { collect: { max: 4, slot: 'pin' } });
  assert.deepEqual(next.command?.do === 'collect' && next.command.into, { scope: 'secure', name: 'pin' });
  next = key(next);
  assert.deepEqual(turnOf(next).secureDigits, { name: 'pin', keep: true });
  next = answer(next, { done: true, intent: 'pay' });
  assert.equal(spokenBy(next), 'intent pay s kept');
});

const LEAKS: readonly (readonly [title: string, reply: BotReply, reason: string])[] = [
  ['a text', { say: ['You keyed 7391.'], collect: { max: 4 } }, 'text-in-secure-mode'],
  ['last words', { say: ['7391'], done: true }, 'text-in-secure-mode'],
  ['a plain slot', { done: true, intent: 'note', slots: { size: '7391' } }, 'wrong-value'],
  ['a value that is not declared', { done: true, intent: 'sell', slots: { why: '7391' } }, 'wrong-value'],
  ['the value of a secure slot', { done: true, intent: 'pay', slots: { pin: '7391' } }, 'wrong-slot'],
  ['an intent that is none', { done: true, intent: 'i7391' }, 'wrong-intent'],
  ['a secure slot that nobody keyed', { done: true, intent: 'pay' }, 'missing-slot'],
];
for (const [title, reply, reason] of LEAKS) {
  test(`in secure mode a bot cannot show what was keyed: ${title}`, async () => {
    const flow = await flowOf(calling('bot: far', 'secure'), SECRET);
    const next = answer(start(flow, CALL), reply);
    assert.equal(turnOf(next).event, 'end');
    assert.ok(!JSON.stringify(next).includes('7391'));
    assert.equal(spokenBy(answer(next, { done: true })), `failed ${reason}`);
  });
}

test('what a remote bot can say is made ready before a call', async () => {
  const bot = (await libraryOf(calling('bot: far'), REMOTE)).get('far');
  assert.ok(bot);
  assert.deepEqual(staticAudio(bot), [{ text: 'Which one?' }]);
});

test('the simulator replays a remote bot by the answers of a script, and shows no digit of secure mode', async () => {
  const flows = await libraryOf(calling('bot: far, outputs: { pin: secure.pin }', 'secure'), SECRET);
  const flow = flows.get('a');
  assert.ok(flow);
  const script = `caller: [{ keys: '7391' }]
bots:
  - { reply: { say: [{ prompt: ask }], collect: { max: 4, slot: pin } }, after: 1s }
  - { reply: { done: true, intent: pay } }
`;
  const trace = (await simulate(flow, flows, readScript(script, 'script.yaml'))).join('\n');
  assert.match(
    trace,
    /bot far turn 1: start\nbot success\nprompt Your pin\.\ncollect digits into secure\.pin #1: 4 keys\nbot far turn 2: digits\nbot success\nprompt intent pay s kept/,
  );
  assert.ok(!trace.includes('7391'));
  assert.equal(liveSecureValues(), 0);
  const late = (await simulate(flow, flows, readScript('bots: [{ error: timeout }]\n', 'script.yaml'))).join(
    '\n',
  );
  assert.match(late, /bot failure: timeout\nprompt failed timeout/);
});
