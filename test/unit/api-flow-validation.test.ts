import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type CheckLimits, FlowChecker } from '../../server/api/flow-checker.js';
import { type Fixture, FLOWS, fixture, LIBRARY, TOKEN } from './api-fake.js';
import { libraryOf } from './flow-documents.js';
import { problemsOf } from './flow-problems.js';

const URL = '/api/v1/flows/validate';

interface Verdict {
  readonly valid: boolean;
  readonly problems: readonly {
    readonly line: number;
    readonly column: number;
    readonly message: string;
    readonly remedy: string;
  }[];
}

const inbound = (actions: string, name = 'a'): string =>
  `name: ${name}\ntype: inbound\nvariables: {n: {type: number}}\ntasks:\n  main:\n${actions}    - do: disconnect\n`;
const handsOver = (to: string): string =>
  inbound(`    - { do: transferToSecureFlow, flow: ${to}, onFailure: [{ do: wait, duration: 1s }] }\n`);
const plays = (file: string, name?: string): string =>
  inbound(`    - { do: playAudio, prompt: { file: ${file} } }\n`, name);

const shown = ({ problems }: Verdict): string[] =>
  problems.map(({ line, column, message, remedy }) => `${line}:${column}: ${message} (${remedy})`);

describe('the check of flow documents', () => {
  let made: Fixture;
  beforeEach(async () => {
    made = await fixture();
  });
  afterEach(() => made.api.close());

  const post = (body: unknown, api = made.api) =>
    api.inject({
      method: 'POST',
      url: URL,
      payload: JSON.stringify(body),
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    });

  const verdict = async (document: string, api = made.api): Promise<Verdict> => {
    const answer = await post({ document }, api);
    assert.equal(answer.statusCode, 200, answer.body);
    const found = answer.json() as Verdict;
    assert.equal(found.valid, found.problems.length === 0);
    return found;
  };

  const limited = async (limits: Partial<CheckLimits>) =>
    (await fixture({ flowChecker: new FlowChecker(FLOWS, LIBRARY, limits) })).api;

  test('a sound document has no problem, and nothing of it is kept', async () => {
    for (const { source } of FLOWS.values()) {
      assert.deepEqual(await verdict(source), { valid: true, problems: [] });
    }
    await verdict(inbound('', 'new-one'));
    const headers = { authorization: `Bearer ${TOKEN}` };
    assert.equal((await made.api.inject({ url: '/api/v1/flows/new-one', headers })).statusCode, 404);
  });

  test('problems are those of the loader, in their order', async () => {
    const documents = [
      '',
      '- a\n',
      'name: a\n  type: [',
      'name: A b\ntype: bot\ntask: {}\n',
      inbound('    - do: playaudo\n    - { do: playAudio, promt: Hi }\n'),
      inbound('    - { do: decision, if: data.ask.error == "" }\n    - do: returnToAgent\n'),
      inbound('    - { do: playAudio, prompt: "{{ secure.card }}" }\n'),
    ];
    for (const document of documents) {
      const problems = shown(await verdict(document));
      assert.ok(problems.length > 0, document);
      assert.deepEqual(problems, problemsOf(document));
    }
  });

  test('transfers are followed into the loaded flows, and into the document itself', async () => {
    assert.deepEqual(shown(await verdict(handsOver('card-payment'))), []);
    assert.deepEqual(shown(await verdict(handsOver('card-paymnt'))), [
      "6:41: there is no flow 'card-paymnt' (did you mean 'card-payment'?)",
    ]);
    assert.deepEqual(shown(await verdict(handsOver('support'))), [
      "6:41: the flow 'support' is of type inbound (name a flow of type secure)",
    ]);
    assert.deepEqual(shown(await verdict(handsOver('a'))), [
      "6:41: the flow 'a' is of type inbound (name a flow of type secure)",
    ]);
  });

  test('prompt files are those of the flow that the document would replace, or of the directory for new ones', async () => {
    const flowChecker = new FlowChecker(FLOWS, '/nowhere');
    const { api } = await fixture({ flowChecker });
    assert.deepEqual(shown(await verdict(plays('support.yaml', 'support'), api)), []);
    assert.deepEqual(shown(await verdict(plays('support.yaml'), api)), [
      '6:7: there is no file /nowhere/support.yaml (record it, or correct its path)',
    ]);
    await api.close();
  });

  test('calls of modules are checked against the loaded ones, and the document against calls of itself', async () => {
    const flows = await libraryOf(
      'name: ask\ntype: module\ninputs: { n: { type: number } }\ntasks:\n  main:\n    - { do: callModule, module: rest }\n',
      'name: rest\ntype: module\ntasks:\n  main:\n    - { do: wait, duration: 1s }\n',
    );
    const { api } = await fixture({ flowChecker: new FlowChecker(flows, LIBRARY) });
    const calls = (inputs: string) => inbound(`    - { do: callModule, module: ask, inputs: ${inputs} }\n`);
    assert.deepEqual(shown(await verdict(calls('{ n: flow.n }'), api)), []);
    assert.deepEqual(shown(await verdict(calls('{ n: \'"1"\' }'), api)), [
      `6:51: '"1"' is string, not a number (give an expression that is a number)`,
    ]);
    assert.deepEqual(shown(await verdict(inbound('    - { do: callModule, module: rets }\n'), api)), [
      "6:33: there is no module 'rets' (did you mean 'rest'?)",
    ]);
    const round =
      'name: rest\ntype: module\ntasks:\n  main:\n    - { do: callModule, module: ask, inputs: { n: 1 } }\n';
    assert.deepEqual(shown(await verdict(round, api)), [
      '5:33: modules call each other in a circle: rest > ask > rest (remove this call, or repeat the actions with a loop)',
    ]);
    await api.close();
  });

  const chain = 'bcdefghi'.split('').map((one, i) => {
    const before = 'abcdefgh'[i];
    return `${one}: &${one} [${Array(10).fill(`*${before}`).join(',')}]\n`;
  });
  const HOSTILE: readonly (readonly [title: string, document: string, expected: RegExp])[] = [
    ['an alias bomb', `a: &a [x,x,x,x,x,x,x,x,x,x]\n${chain.join('')}`, /more than 100 aliases/],
    ['an alias to itself', 'name: &a [*a]\n', /refers to itself/],
    ['deep nesting', `a: ${'['.repeat(200)}${']'.repeat(200)}\n`, /nested too deeply/],
    ['very deep nesting', `a: ${'['.repeat(100_000)}`, /not valid YAML/],
    ['deep nesting by dashes', '- '.repeat(120_000), /not valid YAML/],
    ['a giant document', '長'.repeat(300_000), /longer than 262144 characters/],
    ['too many parts', `[${'a,'.repeat(60_000)}]`, /too many parts/],
    ['parentheses', inbound(`    - { do: decision, if: '${'('.repeat(50_000)}1' }\n`), /^'\(\(/],
    [
      'a long sum',
      inbound(`    - { do: setVariables, set: { flow.n: '${'1+'.repeat(60_000)}1' } }\n`),
      /^'1\+1/,
    ],
    ['a tag that would run', 'name: !!js/function "() => 1"\n', /not valid YAML/],
    ['a key of prototypes', '__proto__: { name: a }\nconstructor: 1\n', /unknown key/],
    ['NUL bytes', '\0'.repeat(1000), /./],
    ['half a character', '\ud800', /./],
  ];
  for (const [title, document, expected] of HOSTILE) {
    test(`ends in problems: ${title}`, async () => {
      const { problems } = await verdict(document);
      assert.match(problems.map(({ message }) => message).join('\n'), expected);
    });
  }

  test('an answer is bounded, whatever is wrong and however long its name', async () => {
    const many = Array.from({ length: 2000 }, (_, i) => `k${i}: 1\n`).join('');
    assert.equal((await verdict(many)).problems.length, 500);
    const long = await post({ document: inbound(`    - do: ${'k'.repeat(200_000)}\n`) });
    assert.ok(long.body.length < 5000);
  });

  test('a check that takes too long or too much is stopped, and the next one works', async () => {
    const wide = `a:\n${Array.from({ length: 20_000 }, (_, i) => `  k${i}: 1\n`).join('')}`;
    const tooMuch = /^1:1: the document takes more time or memory/;
    const impatient = await limited({ deadlineMs: 1 });
    assert.match(shown(await verdict(wide, impatient)).join(), tooMuch);
    await impatient.close();
    const small = await limited({ memoryMb: 24 });
    assert.match(shown(await verdict(wide, small)).join(), tooMuch);
    assert.deepEqual(shown(await verdict(inbound(''), small)), []);
    await small.close();
  });

  test('other requests are answered while a document is checked', async () => {
    const order: string[] = [];
    const check = verdict(`[${'a,'.repeat(100_000)}]`).then(() => order.push('checked'));
    for (let i = 0; i < 5; i += 1) {
      await made.api.inject('/healthz');
      order.push('alive');
    }
    await check;
    assert.deepEqual(order, [...Array(5).fill('alive'), 'checked']);
  });

  test('more documents than may wait are refused, for as long as they do', async () => {
    const api = await limited({ most: 2 });
    const answers = await Promise.all([1, 2, 3].map(() => post({ document: inbound('') }, api)));
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [200, 200, 503],
    );
    assert.equal(answers[2]?.json().error.code, 'busy');
    assert.deepEqual(shown(await verdict(inbound(''), api)), []);
    await api.close();
  });

  test('closing stops the check under way and refuses those that wait', async () => {
    const checker = new FlowChecker(FLOWS, LIBRARY);
    const checks = [1, 2].map(() => assert.rejects(checker.check(inbound('')), { code: 'draining' }));
    await checker.close();
    await Promise.all(checks);
    await checker.close();
  });

  test('a request that is no document is refused, and nothing that came in is repeated or logged', async () => {
    const card = '4111111111111111';
    for (const body of [{}, { document: 1 }, { document: card, more: card }, [card]]) {
      const answer = await post(body);
      assert.deepEqual([answer.statusCode, answer.json().error.code], [400, 'bad-request']);
      assert.ok(!answer.body.includes('4111'));
    }
    const giant = await post({ document: card.repeat(70_000) });
    assert.deepEqual([giant.statusCode, giant.json().error.code], [413, 'too-large']);
    await verdict(`name: ${card}\n`);
    assert.ok(!made.log.join('').includes('4111'));
  });
});
