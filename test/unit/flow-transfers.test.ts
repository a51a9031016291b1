import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { FlowCommand, FlowNote } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { MOST_ACTIONS, start, step } from '../../flows/interpreter.js';
import { loadFlow, loadLibrary } from '../../flows/loader.js';
import { type FlowError, formatProblem } from '../../flows/problems.js';
import { telephoneNumber } from '../../flows/telephone-number.js';
import { type Executed, type FlowHost, runFlow } from '../../server/call/run-flow.js';
import { KEYED, problemsOf } from './flow-problems.js';
import { CALL } from './flow-simulator.js';

const BROKEN: readonly (readonly [string, RegExp])[] = [
  [
    "transferToNumber, trunk: t, number: '{{ secure.card }}'",
    /^7:\d+: 'secure.card' looks at a secure value/,
  ],
  ['transferToNumber, trunk: t, number: +4930555010', /^7:\d+: 'number'/],
  ['transferToNumber, trunk: t, number: anna', /^7:\d+: no telephone number/],
  ["transferToNumber, number: '110'", /^7:\d+: 'trunk' is missing/],
  ["transferToNumber, trunk: t, number: '110', ringTimeout: 1h", /^7:\d+: /],
  [
    "transferToNumber, trunk: t, number: '110', preTransferAudio: '{{ secure.card }}'",
    /looks at a secure value/,
  ],
  ['transferToQueue', /^7:\d+: 'queue' is missing/],
  ["transferToQueue, queue: q, failedTransferAudio: '{{ secure.card }}'", /looks at a secure value/],
  ['transferToFlow, flow: b, invocationData: secure.card', /^7:\d+: 'secure.card' looks at a secure value/],
  ['transferToFlow, flow: b, onFailure: []', /^7:\d+: transferToFlow has no way back/],
  ['transferToFlow', /^7:\d+: 'flow' is missing/],
];

describe('a flow with a transfer', () => {
  for (const [action, expected] of BROKEN) {
    it(`is refused: ${action}`, () =>
      assert.match(problemsOf(`${KEYED}    - { do: ${action} }\n`)[0] ?? '', expected));
  }

  it('ends with it, so that nothing may stand behind', () => {
    for (const action of [
      'transferToFlow, flow: b',
      'transferToQueue, queue: q',
      "transferToNumber, trunk: t, number: '110'",
    ]) {
      loadFlow(`${KEYED}    - { do: ${action} }\n`, 'a.yaml');
      assert.match(
        problemsOf(`${KEYED}    - { do: ${action} }\n    - do: disconnect\n`)[0] ?? '',
        /^8:\d+: nothing goes on after/,
      );
    }
  });
});

describe('a telephone number', () => {
  it('is digits with or without a plus, however people part them', () => {
    assert.equal(telephoneNumber('+49 (30) 555-010'), '+4930555010');
    assert.equal(telephoneNumber('0.30/555'), '030555');
  });

  it('is nothing that could be more than a number in a SIP URI', () => {
    for (const text of [
      '',
      '1',
      '++49',
      '49+',
      'anna',
      '110@evil',
      '110;phone-context=x',
      '110%40x',
      '١٢٣',
      '1'.repeat(21),
    ]) {
      assert.equal(telephoneNumber(text), null, text);
    }
  });
});

describe('flows of a library', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tacet-flows-'));
  });
  after(() => rm(directory, { recursive: true }));

  it('are handed to flows of their own type only', async () => {
    const flow = (name: string, type: string, target: string) =>
      writeFile(
        join(directory, `${name}.yaml`),
        `name: ${name}\ntype: ${type}\ntasks: { main: [{ do: transferToFlow, flow: ${target} }] }\n`,
      );
    await flow('open', 'inbound', 'other');
    await flow('other', 'inbound', 'open');
    await flow('safe', 'secure', 'safe');
    assert.equal((await loadLibrary([directory])).size, 3);
    await flow('open', 'inbound', 'safe');
    await flow('other', 'inbound', 'opne');
    await flow('safe', 'secure', 'open');
    const problems = await loadLibrary([directory]).then(
      () => [],
      (error: FlowError) => error.problems.map(formatProblem),
    );
    assert.match(
      problems[0] ?? '',
      /open\.yaml:3:.*'safe' is of type secure \(name a flow of type inbound\)/,
    );
    assert.match(problems[1] ?? '', /other\.yaml:3:.*no flow 'opne' \(did you mean 'open'\?\)/);
    assert.match(
      problems[2] ?? '',
      /safe\.yaml:3:.*'open' is of type inbound \(name a flow of type secure\)/,
    );
  });
});

/** Goes on with whatever flow it is told of, as the server's hosts do. */
class Host implements FlowHost<FlowCommand> {
  readonly notes: string[] = [];
  readonly languages: string[] = [];
  readonly #flows: ReadonlyMap<string, Flow>;

  constructor(...flows: Flow[]) {
    this.#flows = new Map(flows.map((flow) => [flow.name, flow]));
  }

  note({ path, language }: FlowNote, { name }: Flow): void {
    this.languages.push(language);
    if (this.notes.length > 2 * MOST_ACTIONS) throw new Error('these flows never end');
    this.notes.push(`${name} ${path}`);
  }

  async execute(command: FlowCommand): Promise<Executed<FlowCommand>> {
    if (command.do === 'play') return { event: { type: 'played' } };
    const next = command.do === 'transferToFlow' ? this.#flows.get(command.flow) : undefined;
    if (command.do !== 'transferToFlow' || !next) return { end: command };
    return { next, invocationData: command.invocationData };
  }
}

describe('flows that hand a call to each other', () => {
  const flow = (name: string, target: string, more = '') =>
    loadFlow(
      `name: ${name}\ntype: inbound\ntasks:\n  main:\n    - { do: transferToFlow, flow: ${target} }\n${more}`,
      `${name}.yaml`,
    );

  it('end after as many actions as one flow may have', async () => {
    const host = new Host(flow('a', 'b'), flow('b', 'a'));
    const end = await runFlow(flow('a', 'b'), CALL, host, new AbortController().signal);
    assert.ok(end !== 'interrupted' && end.do === 'disconnect' && end.reason === 'error');
    assert.match(end.message, /more than 10000 actions/);
    assert.equal(host.notes.length, MOST_ACTIONS);
    assert.deepEqual(host.notes.slice(0, 3), ['a tasks.main[0]', 'b tasks.main[0]', 'a tasks.main[0]']);
  });

  it('end even when their error paths do the same', async () => {
    const onError = (target: string) => `onError: [{ do: transferToFlow, flow: ${target} }]\n`;
    const [a, b] = [flow('a', 'b', onError('b')), flow('b', 'a', onError('a'))];
    const host = new Host(a, b);
    const end = await runFlow(a, CALL, host, new AbortController().signal);
    assert.ok(end !== 'interrupted' && end.do === 'disconnect' && end.reason === 'error');
    assert.equal(host.notes.length, MOST_ACTIONS + 1000);
  });

  it('keep the language of the caller', async () => {
    const speaking = (name: string, first: string) =>
      loadFlow(
        `name: ${name}\ntype: inbound\nlanguages: [en-US, de-DE]\ntasks:\n  main:\n    - ${first}\n`,
        `${name}.yaml`,
      );
    const a = speaking('a', '{ do: setLanguage, language: de-DE }\n    - { do: transferToFlow, flow: b }');
    const host = new Host(speaking('b', 'do: disconnect'));
    await runFlow(a, CALL, host, new AbortController().signal);
    assert.deepEqual(host.languages, ['en-US', 'de-DE', 'de-DE']);
  });

  it('begin with their own variables, what was handed over, and occurrences of their own', () => {
    const text = (name: string) =>
      `name: ${name}\ntype: inbound\nvariables: { x: { type: string, default: ${name} } }\ntasks:\n  main:
    - { do: callData, action: crm, inputs: { x: flow.x, told: call.invocationData }, into: r }
    - { do: transferToFlow, flow: b, invocationData: flow.x }\nonError: [{ do: disconnect }]\n`;
    const first = start(loadFlow(text('a'), 'a.yaml'), CALL);
    const second = start(
      loadFlow(text('b'), 'b.yaml'),
      { ...CALL, invocationData: 'a' },
      {},
      first.state.actions,
    );
    const [one, two] = [first.command, second.command];
    assert.ok(one?.do === 'callData' && two?.do === 'callData');
    assert.deepEqual(two.inputs, { x: 'b', told: 'a' });
    assert.notEqual(one.occurrence, two.occurrence);
    assert.throws(() => step(second.state, { type: 'waited' }));
  });
});
