import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowCommand } from '../../flows/commands.js';
import { MOST_ACTIONS, start, step } from '../../flows/interpreter.js';
import { loadFlow } from '../../flows/loader.js';
import { CALL } from './flow-simulator.js';

const VARIABLES = `variables:
  n: { type: number, default: 2 }
  price: { type: number, default: 12.5 }
  s: { type: string, default: Ada }
  b: { type: boolean }
`;

function flow(actions: string, rest = '', type = 'inbound') {
  return loadFlow(
    `name: a\ntype: ${type}\n${VARIABLES}${type === 'secure' ? '  card: { type: secure }\n' : ''}tasks:\n  main:\n${actions}${rest}`,
    '/flows/a.yaml',
  );
}

const END = '    - do: disconnect\n';

/** Values that expressions leave in `flow.*`; fails when the run does. */
function after(assignments: string) {
  const { command, state } = start(
    flow(`    - do: setVariables\n      set: { ${assignments} }\n${END}`),
    CALL,
  );
  assert.equal(command?.do === 'disconnect' && command.reason, 'flow', JSON.stringify(command));
  return state.variables;
}

function message(command: FlowCommand | null): string {
  assert.ok(command?.do === 'disconnect' && command.reason === 'error', JSON.stringify(command));
  return command.message;
}

test('numbers: whole ones and fractions mix as an author expects', () => {
  assert.equal(after('flow.n: flow.n + 1').n, 3);
  assert.equal(after('flow.n: flow.n * flow.price').n, 25);
  assert.equal(after('flow.n: flow.price + 1').n, 13.5);
  assert.equal(after('flow.n: flow.n / 4.0').n, 0.5);
  assert.equal(after('flow.n: 7').n, 7);
  assert.equal(after('flow.n: int("12") * 100').n, 1200);
  assert.equal(after('flow.b: flow.n == 2.0 && flow.price > 12').b, true);
  assert.equal(after('flow.s: string(flow.n) + "x"').s, '2x');
});

test('assignments see the values from before the action', () => {
  const { s, n } = after('flow.n: flow.n + 1, flow.s: string(flow.n)');
  assert.deepEqual([n, s], [3, '2']);
});

test('helpers: json, toJson, get, minorUnits and money', () => {
  assert.equal(after(`flow.n: 'get(json("{\\"a\\":7}"), "a", 0) + 1'`).n, 8);
  assert.equal(after(`flow.s: 'get(json("{broken"), "a", "none")'`).s, 'none');
  assert.equal(after(`flow.s: 'toJson({"a": flow.n, "b": flow.s})'`).s, '{"a":2,"b":"Ada"}');
  assert.equal(after(`flow.n: 'minorUnits("19.99", "EUR")'`).n, 1999);
  assert.equal(after(`flow.n: 'minorUnits("19.9", "EUR") + minorUnits("500", "JPY")'`).n, 0);
  assert.equal(after(`flow.n: 'minorUnits(500, "JPY")'`).n, 500);
  assert.equal(after(`flow.n: 'minorUnits("19.50", "HUF") + minorUnits("1.500", "KWD")'`).n, 3450);
  assert.equal(after(`flow.s: 'money(190000, "HUF")'`).s, '1900 Hungarian forints');
  assert.equal(after(`flow.s: 'money(1901, "EUR")'`).s, '19 euros and 1 cent');
  assert.equal(after(`flow.s: 'money(100, "USD")'`).s, '1 US dollar');
  assert.equal(after(`flow.s: 'money(500, "JPY")'`).s, '500 Japanese yen');
});

test('what fails while a call runs takes the error path and names the action, not the value', () => {
  const failing = '    - { do: setVariables, set: { flow.n: int(call.from) } }\n';
  const without = start(flow(failing + END), { ...CALL, from: '555-0123' });
  assert.match(
    message(without.command),
    /^setVariables at tasks\.main\[0\] failed: expression 'int\(call\.from\)' failed: \w+$/,
  );
  assert.doesNotMatch(JSON.stringify(without.command), /0123/);
  const onError =
    'onError:\n  - do: playAudio\n    prompt: "{{ data.failure.reason }}"\n  - do: disconnect\n';
  const withPath = start(flow(failing + END, onError), CALL);
  assert.deepEqual(withPath.command, { do: 'play', audio: [{ text: 'expression-failed' }], bargeIn: false });
  assert.deepEqual(
    withPath.notes.map((note) => note.path),
    ['tasks.main[0]', 'onError[0]'],
  );
});

test('an error path that fails or falls off its end disconnects with the first failure', () => {
  const failing = '    - { do: setVariables, set: { flow.n: 1 / 0 } }\n';
  const twice = 'onError:\n  - { do: setVariables, set: { flow.n: 2 / 0 } }\n';
  assert.match(message(start(flow(failing + END, twice), CALL).command), /tasks\.main\[0\]/);
  const open = 'onError:\n  - { do: setVariables, set: { flow.n: 1 } }\n';
  assert.match(message(start(flow(failing + END, open), CALL).command), /tasks\.main\[0\]/);
});

test('a value that does not fit its variable is a failure', () => {
  const source = `    - { do: setVariables, set: { flow.s: 'get(json(call.invocationData), "a", "")' } }\n`;
  const facts = { ...CALL, invocationData: '{"a":5}' };
  assert.match(message(start(flow(source + END), facts).command), /the value is no string$/);
  const condition = `    - { do: decision, if: 'get(json(call.invocationData), "a", false)' }\n`;
  assert.match(message(start(flow(condition + END), facts).command), /neither true nor false$/);
});

test('more actions than a run may have take the error path', () => {
  const many = '    - { do: decision, if: true, then: [] }\n'.repeat(20);
  const looped = flow(many + END, 'onError:\n  - { do: playAudio, prompt: a }\n  - do: disconnect\n');
  const first = start(flow(`    - { do: playAudio, prompt: a }\n${many}${END}`), CALL);
  const busy = { ...first.state, flow: { ...looped, tasks: first.state.flow.tasks } };
  const near = step({ ...busy, actions: MOST_ACTIONS - 21 }, { type: 'played' });
  assert.equal(near.command?.do, 'disconnect');
  const over = step({ ...busy, actions: MOST_ACTIONS - 20 }, { type: 'played' });
  assert.equal(over.command?.do, 'play');
  assert.match(over.state.failure ?? '', /more than 10000 actions/);
  assert.equal(over.state.actions, MOST_ACTIONS + 1);
});

test('paths: then, else, none drawn, an empty one, and what follows each', () => {
  const source = (condition: string) => `    - do: decision
      if: ${condition}
      then:
        - do: decision
          if: flow.n == 3
          then: [{ do: playAudio, prompt: deep }]
      else: []
    - { do: playAudio, prompt: after }
${END}`;
  const paths = (n: number, condition: string) =>
    start(flow(source(condition)), CALL, { n }).notes.map((note) => note.path);
  assert.deepEqual(paths(3, 'true'), [
    'tasks.main[0]',
    'tasks.main[0].then[0]',
    'tasks.main[0].then[0].then[0]',
  ]);
  assert.deepEqual(paths(2, 'true'), ['tasks.main[0]', 'tasks.main[0].then[0]', 'tasks.main[1]']);
  assert.deepEqual(paths(3, 'false'), ['tasks.main[0]', 'tasks.main[1]']);
  const deep = start(flow(source('true')), CALL, { n: 3 });
  assert.deepEqual(step(deep.state, { type: 'played' }).notes, [
    {
      flow: 'a',
      action: 'playAudio',
      path: 'tasks.main[1]',
      name: 'playAudio',
      language: 'en-US',
      secure: false,
    },
  ]);
});

test('prompts: texts, files beside the document, spelled digits, lists', () => {
  const source = `    - do: playAudio
      prompt: ['Hi {{ flow.s }}, {{ flow.n }}', { file: sounds/a.wav }, { file: /b.wav }, { digits: '"A1" + string(flow.n)' }, '{{ "" }}']
${END}`;
  const { command } = start(flow(source), CALL);
  assert.deepEqual(command?.do === 'play' && command.audio, [
    { text: 'Hi Ada, 2' },
    { file: '/flows/sounds/a.wav' },
    { file: '/b.wav' },
    { text: 'A 1 2' },
  ]);
});

test('collectInput: prompts by error and attempt, then onFailure with the error', () => {
  const source = `    - do: collectInput
      name: ask
      field: digits
      length: 2
      into: flow.n
      attempts: 4
      prompt: first
      retry: { timeout: silent, default: wrong }
      lastRetry: { timeout: last }
      onFailure: [{ do: playAudio, prompt: '{{ data.ask.error }}' }]
${END}`;
  let next = start(flow(source), CALL);
  const texts: string[] = [];
  for (const error of ['timeout', 'invalid-input', 'timeout', 'timeout'] as const) {
    const { command } = next;
    assert.ok(command?.do === 'collect');
    texts.push(`${command.attempt}/${command.attempts} ${JSON.stringify(command.audio[0])}`);
    next = step(next.state, { type: 'collected', result: { ok: false, error } });
  }
  assert.deepEqual(texts, [
    '1/4 {"text":"first"}',
    '2/4 {"text":"silent"}',
    '3/4 {"text":"wrong"}',
    '4/4 {"text":"last"}',
  ]);
  assert.deepEqual(next.command?.do === 'play' && next.command.audio, [{ text: 'timeout' }]);
});

test('collectInput: a field that the agent cancelled is not asked again', () => {
  const source = `    - do: collectInput
      name: ask
      field: digits
      max: 4
      into: flow.n
      prompt: a
      onFailure: [{ do: playAudio, prompt: '{{ data.ask.error }}' }]
${END}`;
  const result = { ok: false, error: 'cancelled-by-agent' } as const;
  const { command } = step(start(flow(source), CALL).state, { type: 'collected', result });
  assert.deepEqual(command?.do === 'play' && command.audio, [{ text: 'cancelled-by-agent' }]);
});

test('collectInput: a caller who hung up is not asked again, and a number variable gets a number', () => {
  const source = `    - { do: collectInput, name: ask, field: digits, max: 4, into: flow.n, prompt: a }\n${END}`;
  const asked = start(flow(source), CALL);
  const gone = step(asked.state, { type: 'collected', result: { ok: false, error: 'caller-hung-up' } });
  assert.match(message(gone.command), /caller-hung-up$/);
  const done = step(asked.state, { type: 'collected', result: { ok: true, value: '0042' } });
  assert.equal(done.state.variables.n, 42);
});

test('a failed transfer takes onFailure, and in a secure flow disconnects whatever path was drawn', () => {
  const source = `    - do: transferToAgent
      name: toAgent
      onFailure:
        - { do: playAudio, prompt: '{{ data.toAgent.error }}' }
        - do: disconnect
`;
  const failed = { type: 'transferFailed', error: 'busy', message: 'on a call' } as const;
  const inbound = step(start(flow(source), CALL).state, failed);
  assert.deepEqual(inbound.command?.do === 'play' && inbound.command.audio, [{ text: 'busy' }]);
  const rest = 'onError:\n  - { do: playAudio, prompt: a }\n';
  const secure = step(start(flow(source, rest, 'secure'), CALL).state, failed);
  assert.match(message(secure.command), /transfer at tasks\.main\[0\] failed: busy/);
});

test('callSecureData: verdicts without a path fail, except approved', () => {
  const source = `    - { do: collectInput, field: cardNumber, into: secure.card, prompt: a }
    - { do: callSecureData, connector: p, into: pay, secureInputs: { cardNumber: secure.card } }
    - { do: playAudio, prompt: '{{ data.pay.status }} {{ data.pay.code }}' }
${END}`;
  const asked = start(flow(source, '', 'secure'), CALL);
  const called = step(asked.state, { type: 'collected', result: { ok: true } });
  assert.equal(called.command?.do === 'callSecureData' && called.command.occurrence, 'tasks.main[1]#2');
  const outputs = { code: 'x1', status: 'forged' };
  const approved = step(called.state, {
    type: 'dataCalled',
    result: { status: 'approved', reason: '', outputs },
  });
  assert.deepEqual(approved.command?.do === 'play' && approved.command.audio, [{ text: 'approved x1' }]);
  for (const status of ['declined', 'in-doubt', 'error'] as const) {
    const result = { status, reason: 'because', outputs: {} };
    const { command } = step(called.state, { type: 'dataCalled', result });
    assert.match(message(command), /callSecureData at tasks\.main\[1\] failed: because/);
  }
});

test('wait: asks for the time and goes on after it', () => {
  const waiting = start(flow(`    - { do: wait, duration: 1500ms }\n${END}`), CALL);
  assert.deepEqual([waiting.command, waiting.state.awaits], [{ do: 'wait', ms: 1500 }, 'waited']);
  assert.equal(step(waiting.state, { type: 'waited' }).command?.do, 'disconnect');
});

test('an event that answers nothing is refused, and a state survives JSON', () => {
  const asked = start(flow(`    - { do: playAudio, prompt: a }\n${END}`), CALL);
  assert.throws(() => step(asked.state, { type: 'started' }), /answers nothing/);
  const revived = JSON.parse(JSON.stringify(asked.state));
  assert.deepEqual(step(revived, { type: 'played' }), step(asked.state, { type: 'played' }));
  const ended = step(asked.state, { type: 'played' });
  assert.throws(() => step(ended.state, { type: 'played' }), /answers nothing/);
});

test('a step changes nothing of the state it was given', () => {
  const asked = start(
    flow(`    - { do: playAudio, prompt: a }\n    - { do: setVariables, set: { flow.n: 9 } }\n${END}`),
    CALL,
  );
  const before = JSON.stringify(asked.state);
  step(asked.state, { type: 'played' });
  assert.equal(JSON.stringify(asked.state), before);
});

test('presets override defaults when they are declared and of the type', () => {
  const document = flow(END);
  assert.equal(start(document, CALL, { s: 'Bob' }).state.variables.s, 'Bob');
  assert.throws(() => start(document, CALL, { s: 5 }), TypeError);
  assert.throws(() => start(document, CALL, { constructor: 'x' }), TypeError);
});
