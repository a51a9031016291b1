import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replay as simulate } from '../../cli/simulation/replay.js';
import { readScript } from '../../cli/simulation/script.js';
import type { Flow } from '../../flows/flow.js';
import { MOST_ACTIONS, start, step } from '../../flows/interpreter.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { libraryOf } from './flow-documents.js';
import { CALL, replay } from './flow-simulator.js';

/** The flow `a`, beside its modules. */
async function flowOf(...sources: readonly string[]): Promise<Flow> {
  const flow = (await libraryOf(...sources)).get('a');
  assert.ok(flow);
  return flow;
}

const caller = (main: string, rest = ''): string =>
  `name: a\ntype: inbound\nvariables: { n: { type: number, default: 1 }, s: { type: string, default: kept } }\ntasks:\n  main:\n${main}    - { do: playAudio, prompt: 'n {{ flow.n }} s {{ flow.s }}' }\n    - do: disconnect\n${rest}`;

const DOUBLE = `name: double
type: module
inputs: { n: { type: number }, word: { type: string, default: none } }
outputs: { twice: { type: number }, said: { type: string } }
variables: { s: { type: string, default: own } }
tasks:
  main:
    - { do: playAudio, prompt: '{{ flow.n }} {{ flow.word }} {{ flow.s }}' }
    - { do: setVariables, set: { flow.twice: flow.n * 2, flow.said: flow.s, flow.s: '"changed"' } }
`;

test('a module sees its inputs and its own variables, and gives back only what is asked for', async () => {
  const call = `    - { do: callModule, module: double, inputs: { n: flow.n + 2 }, outputs: { twice: flow.n } }\n`;
  const flow = await flowOf(caller(call + call), DOUBLE);
  const { spoken, paths } = replay({ flow, keys: [] });
  assert.equal(spoken, '3 none own 8 none own n 16 s kept');
  assert.deepEqual(paths.slice(0, 4), ['tasks.main[0]', 'tasks.main[0]', 'tasks.main[1]', 'tasks.main[1]']);
});

test('the notes tell which document an action stands in', async () => {
  const flow = await flowOf(caller('    - { do: callModule, module: double, inputs: { n: 1 } }\n'), DOUBLE);
  const { notes } = start(flow, CALL);
  assert.deepEqual(
    notes.map((note) => [note.flow, note.action]),
    [
      ['a', 'callModule'],
      ['double', 'playAudio'],
    ],
  );
});

test('modules call modules, from tasks, loops and paths, and a run that waits in them survives JSON', async () => {
  const flow = await flowOf(
    caller(`    - { do: loop, count: 2, actions: [{ do: callTask, task: go }] }\n`).replace(
      'tasks:',
      'tasks:\n  go:\n    - { do: callModule, module: outer, inputs: { n: flow.n }, outputs: { sum: flow.n } }',
    ),
    `name: outer
type: module
inputs: { n: { type: number } }
outputs: { sum: { type: number } }
tasks:
  main:
    - do: loop
      count: 2
      actions:
        - { do: callModule, module: double, inputs: { n: flow.n + flow.sum }, outputs: { twice: flow.sum } }
`,
    DOUBLE,
  );
  let next = start(flow, CALL);
  assert.deepEqual(
    next.state.callers.map((frame) => frame.flow.name),
    ['a', 'outer'],
  );
  const spoken: string[] = [];
  while (next.command?.do === 'play') {
    spoken.push(...next.command.audio.map((item) => ('text' in item ? item.text : '')));
    next = step(JSON.parse(JSON.stringify(next.state)), { type: 'played' });
  }
  // 1, then 1 + 2 gives 6; 6, then 6 + 12 gives 36.
  assert.deepEqual(spoken, ['1 none own', '3 none own', '6 none own', '18 none own', 'n 36 s kept']);
  assert.deepEqual([next.command?.do, next.state.callers], ['disconnect', []]);
});

const FAILS = `name: fails
type: module
outputs: { n: { type: number }, s: { type: string } }
tasks:
  main:
    - { do: setVariables, set: { flow.s: '"lost"', flow.n: 7 } }
    - { do: setVariables, set: { flow.n: 1 / 0 } }
`;
const OUTPUTS = 'outputs: { n: flow.n, s: flow.s }';

test('a failure in a module takes the path onError of its call, without any output', async () => {
  const flow = await flowOf(
    caller(
      `    - { do: callModule, name: sub, module: fails, ${OUTPUTS}, onError: [{ do: playAudio, prompt: '{{ data.sub.error }}: {{ data.sub.message }}' }] }\n`,
    ),
    FAILS,
  );
  const { spoken, trace } = replay({ flow, keys: [] });
  assert.match(spoken, /^expression-failed: fails: setVariables at tasks\.main\[1\] failed: .* n 1 s kept$/);
  assert.deepEqual(trace, ['play', 'play', 'disconnect flow']);
});

test('without that path the caller fails, module by module, up to the error path of the flow', async () => {
  const outer = 'name: outer\ntype: module\ntasks:\n  main:\n    - { do: callModule, module: fails }\n';
  const call = '    - { do: callModule, module: outer }\n';
  const said =
    "onError:\n  - { do: playAudio, prompt: '{{ data.failure.error }} {{ data.failure.message }}' }\n";
  const { spoken, trace } = replay({ flow: await flowOf(caller(call, said), outer, FAILS), keys: [] });
  assert.match(
    spoken,
    /^expression-failed callModule at tasks\.main\[0\] failed: outer: callModule at tasks\.main\[0\] failed: fails: setVariables/,
  );
  assert.deepEqual(trace, ['play', 'disconnect error']);
  const { trace: bare } = replay({ flow: await flowOf(caller(call), outer, FAILS), keys: [] });
  assert.deepEqual(bare, ['disconnect error']);
});

test("a module's own error path comes first, and its call has failed all the same", async () => {
  const tidy = `${FAILS}onError:\n  - { do: playAudio, prompt: 'tidy {{ data.failure.error }}' }\n`;
  const call = `    - { do: callModule, module: fails, ${OUTPUTS}, onError: [{ do: playAudio, prompt: path }] }\n`;
  const { spoken } = replay({ flow: await flowOf(caller(call), tidy), keys: [] });
  assert.equal(spoken, 'tidy expression-failed path n 1 s kept');
  const broken = `${FAILS}onError:\n  - { do: setVariables, set: { flow.n: 2 / 0 } }\n`;
  assert.equal(replay({ flow: await flowOf(caller(call), broken), keys: [] }).spoken, 'path n 1 s kept');
});

test('an output of another type than the variable fails the caller', async () => {
  const flow = await flowOf(
    caller(
      `    - { do: callModule, name: sub, module: double, inputs: { n: 1 }, outputs: { twice: flow.n } }\n`,
    ),
    DOUBLE,
  );
  const odd = { ...flow.modules.double, outputs: {} } as Flow;
  // Nothing of an output that the module does not have.
  const kept = replay({ flow: { ...flow, modules: { double: odd } }, keys: [] });
  assert.match(kept.spoken, /n 1 s kept$/);
  const wrong = JSON.parse(JSON.stringify(flow)) as Flow;
  Object.assign(wrong.tasks.main?.[0]?.fields ?? {}, { outputs: { twice: 'flow.s' } });
  assert.deepEqual(replay({ flow: wrong, keys: [] }).trace, ['play', 'disconnect error']);
});

test('what the check refuses fails at run time too: unknown modules, inputs that do not fit, recursion', async () => {
  const call = `    - { do: callModule, name: sub, module: double, inputs: { n: 1 }, onError: [{ do: playAudio, prompt: '{{ data.sub.error }}' }] }\n`;
  const flow = await flowOf(caller(call), DOUBLE);
  const fails = (change: object, inputs: object = { n: 1 }): string => {
    const other = JSON.parse(JSON.stringify({ ...flow, ...change })) as Flow;
    Object.assign(other.tasks.main?.[0]?.fields ?? {}, { inputs });
    return replay({ flow: other, keys: [] }).spoken.split(' ')[0] ?? '';
  };
  assert.equal(fails({}), '1');
  assert.equal(fails({ modules: {} }), 'unknown-module');
  assert.equal(fails({}, {}), 'wrong-input');
  assert.equal(fails({}, { n: '"1"' }), 'wrong-input');
  assert.equal(fails({}, { n: 1, other: 1 }), 'wrong-input');
  assert.equal(fails({}, { n: 'secure.card' }), 'wrong-input');
  const calls = { ...flow.modules.double, tasks: { main: flow.tasks.main } };
  assert.match(
    replay({ flow: { ...flow, modules: { double: calls as Flow } }, keys: [] }).spoken,
    /^recursion/,
  );
  assert.throws(() => start({ ...flow, type: 'module' }, CALL), /is a module: no run begins with it/);
});

test('the limit of actions is that of the run, through every module', async () => {
  const spin = `name: spin
type: module
outputs: { turns: { type: number } }
tasks:
  main:
    - { do: loop, count: 4000, variable: flow.turns, actions: [] }
`;
  const call =
    '    - { do: callModule, module: spin, outputs: { turns: flow.n }, onError: [{ do: playAudio, prompt: never }] }\n';
  const said = "onError:\n  - { do: playAudio, prompt: '{{ data.failure.error }} {{ flow.n }}' }\n";
  assert.equal(replay({ flow: await flowOf(caller(call + call), spin), keys: [] }).spoken, 'n 4000 s kept');
  const flow = await flowOf(caller(call + call + call, said), spin);
  const { spoken, trace } = replay({ flow, keys: [] });
  assert.equal(spoken, 'too-many-actions 4000');
  assert.deepEqual(trace, ['play', 'disconnect error']);
  // A module on the error path has what that path has, and no more.
  const again = 'onError:\n  - { do: callModule, module: spin }\n';
  const last = start(await flowOf(caller(call + call + call, again), spin), CALL);
  assert.equal(last.command?.do, 'disconnect');
  assert.equal(last.state.actions, MOST_ACTIONS + 1000);
});

const TAKE = `name: take
type: module
inputs: { known: { type: secure } }
outputs: { card: { type: secure, field: cardNumber }, size: { type: number } }
variables: { pin: { type: secure } }
tasks:
  main:
    - { do: extractSecureData, from: secure.known, transform: length, into: flow.size }
    - { do: collectInput, field: digits, length: 4, into: secure.pin, prompt: Pin. }
    - { do: collectInput, field: digits, length: 5, into: secure.known, prompt: Other. }
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }
`;
const PAYS = `name: a
type: secure
variables: { card: { type: secure }, pin: { type: secure }, size: { type: number }, last4: { type: string } }
tasks:
  main:
    - { do: collectInput, field: digits, length: 6, into: secure.pin, prompt: Mine. }
    - { do: callModule, module: take, inputs: { known: secure.pin }, outputs: { card: secure.card, size: flow.size } }
    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.last4 }
    - { do: playAudio, prompt: 'known {{ flow.size }} last4 {{ flow.last4 }}' }
    - { do: extractSecureData, from: secure.pin, transform: length, into: flow.size }
    - { do: playAudio, prompt: 'pin {{ flow.size }}' }
    - { do: callSecureData, connector: payment, secureInputs: { cardNumber: secure.card }, into: charge, onError: [], onDeclined: [], onInDoubt: [] }
    - do: returnToAgent
`;

test("a module's secure values are its own: the caller's of the same names stay, outputs become the caller's", async () => {
  const flow = await flowOf(PAYS, TAKE);
  const { spoken, secrets, trace } = replay({
    flow,
    keys: ['123456', '9876', '55555', '4242424242424242#'],
  });
  assert.match(spoken, /known 6 last4 4242 pin 6$/);
  assert.deepEqual(
    [...secrets].map(([name, sink]) => [name.replace(/#\d+/, '#'), sink.text]),
    [
      ['pin', '123456'],
      ['take#.pin', '9876'],
      ['take#.known', '55555'],
      ['take#.card', '4242424242424242'],
    ],
  );
  assert.ok(trace.includes('charge payment cardNumber=card {}'));
});

test('a second call of a module finds nothing of the first', async () => {
  const main = `    - { do: callModule, module: once, inputs: { ask: true }, outputs: { size: flow.n } }
    - { do: playAudio, prompt: 'first {{ flow.n }}' }
    - { do: callModule, module: once, inputs: { ask: false }, outputs: { size: flow.n }, onError: [{ do: playAudio, prompt: nothing }] }
`;
  const flow = await flowOf(
    caller(main).replace('type: inbound', 'type: secure'),
    `name: once
type: module
inputs: { ask: { type: boolean } }
outputs: { size: { type: number } }
variables: { pin: { type: secure } }
tasks:
  main:
    - { do: decision, if: flow.ask, then: [{ do: collectInput, field: digits, length: 4, into: secure.pin, prompt: Pin. }] }
    - { do: extractSecureData, from: secure.pin, transform: length, into: flow.size }
`,
  );
  assert.match(replay({ flow, keys: ['1234'] }).spoken, /first 4 nothing n 4 s kept$/);
});

test('the simulator holds module values as the server does, shows none of them, and wipes them all', async () => {
  const flows = await libraryOf(PAYS, TAKE);
  const flow = flows.get('a');
  assert.ok(flow);
  const keys = ['123456', '9876', '55555', '4242424242424242#'];
  const script = `caller:\n${keys.map((one) => `  - keys: '${one}'\n`).join('')}gateway: [{ status: approved }]\n`;
  const trace = (await simulate(flow, flows, readScript(script, 'script.yaml'))).join('\n');
  assert.match(trace, /collect digits into secure\.pin #1: 4 keys/);
  assert.match(trace, /charge payment cardNumber=card \{\}\ncharge approved/);
  assert.match(trace, /prompt known 6 last4 4242/);
  for (const value of ['123456', '9876', '55555', '42424242']) assert.ok(!trace.includes(value), value);
  assert.equal(liveSecureValues(), 0);
});

test('a transfer that fails in a module of a secure flow disconnects, whatever path was drawn', async () => {
  const flow = await flowOf(
    'name: a\ntype: secure\ntasks:\n  main:\n    - { do: callModule, module: ring }\n    - do: returnToAgent\n',
    'name: ring\ntype: module\ntasks:\n  main:\n    - { do: transferToAgent, onFailure: [{ do: playAudio, prompt: open }] }\n',
  );
  assert.deepEqual(replay({ flow, keys: [] }).trace, ['transferToAgent any', 'disconnect error']);
});

test("no path of a module's action tells the key of a menu", async () => {
  const flow = await flowOf(
    'name: a\ntype: secure\ntasks:\n  main:\n    - { do: callModule, module: ask }\n    - do: returnToAgent\n',
    "name: ask\ntype: module\ntasks:\n  main:\n    - { do: menu, prompt: Key., choices: { '7': [{ do: playAudio, prompt: a }] } }\n",
  );
  assert.deepEqual(replay({ flow, keys: ['7'] }).paths, [
    'tasks.main[0]',
    'tasks.main[0]',
    'tasks.main[0].choices.?[0]',
    'tasks.main[1]',
  ]);
});

test('a module speaks the language of its caller where it declares it, and its setLanguage ends with it', async () => {
  const module = (languages: string): string =>
    `name: m\ntype: module\nlanguages: ${languages}\noutputs: { heard: { type: string } }\ntasks:\n  main:\n    - { do: setVariables, set: { flow.heard: call.language } }\n    - { do: setLanguage, language: fr-FR }\n`;
  const flow = (languages: string) =>
    flowOf(
      `name: a\ntype: inbound\nlanguages: [en-US, de-DE]\nvariables: { s: { type: string } }\ntasks:\n  main:\n    - { do: setLanguage, language: de-DE }\n    - { do: callModule, module: m, outputs: { heard: flow.s } }\n    - { do: transferToAgent, agent: '{{ flow.s }} {{ call.language }}', onFailure: [{ do: disconnect }] }\n`,
      module(languages),
    );
  const agent = async (languages: string) => replay({ flow: await flow(languages), keys: [] }).trace[0];
  assert.equal(await agent('[fr-FR, de-DE]'), 'transferToAgent de-DE de-DE');
  assert.equal(await agent('[fr-FR]'), 'transferToAgent fr-FR de-DE');
});
