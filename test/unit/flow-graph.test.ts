import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { actionsOf, type Flow } from '../../flows/flow.js';
import { flowGraph, type GraphEdge } from '../../flows/graph.js';
import { loadFlow, loadLibrary } from '../../flows/loader.js';

const library = await loadLibrary([fileURLToPath(new URL('../../../flows/library/', import.meta.url))]);

function inbound(actions: string): Flow {
  return loadFlow(
    `name: a\ntype: inbound\nvariables:\n  n: { type: number }\ntasks:\n  main:\n${actions}`,
    'a.yaml',
  );
}

const HANDS_OVER = `    - do: decision
      if: flow.n == 1
      then:
        - do: decision
          if: flow.n == 2
          then:
            - { do: transferToSecureFlow, flow: card-payment }
      else:
        - do: playAudio
          prompt: This line is secure.
    - do: disconnect
`;

function withKey(flow: Flow): string[] {
  return flowGraph(flow)
    .nodes.filter(({ key }) => key)
    .map(({ id }) => id);
}

function edges(flow: Flow): string[] {
  return flowGraph(flow).edges.map(({ from, path, to }: GraphEdge) => `${from} ${path} ${to}`);
}

test('the key is on a secure action and on each of its ancestors, and nowhere else', () => {
  const flow = inbound(HANDS_OVER);
  assert.deepEqual(withKey(flow), [
    'tasks.main[0]',
    'tasks.main[0].then[0]',
    'tasks.main[0].then[0].then[0]',
  ]);
  const secure = flowGraph(flow).nodes.filter((node) => node.secure);
  assert.deepEqual(
    secure.map(({ id, action }) => [id, action]),
    [['tasks.main[0].then[0].then[0]', 'transferToSecureFlow']],
  );
  assert.equal(flowGraph(flow).secure, true);
});

test('all of a secure flow is secure, and nothing of a flow that never gets there', () => {
  const payment = library.get('card-payment');
  const support = library.get('support');
  assert.ok(payment && support);
  assert.ok(flowGraph(payment).nodes.every(({ secure, key }) => secure && key));
  assert.ok(flowGraph(support).nodes.every(({ secure, key }) => !secure && !key));
  assert.equal(flowGraph(support).secure, false);
});

/** The fields of a playAudio, where a document could have a secure variable some day; the loader refuses them now. */
function secureWith(fields: object): boolean {
  const flow = inbound('    - { do: playAudio, prompt: Hello }\n    - do: disconnect\n');
  const [play, ...rest] = flow.tasks.main ?? [];
  assert.ok(play);
  return flowGraph({ ...flow, tasks: { main: [{ ...play, fields }, ...rest] } }).secure;
}

test('an action that sets or uses a secure variable is secure, wherever it names it', () => {
  assert.ok(secureWith({ into: 'secure.card' }));
  assert.ok(secureWith({ set: { 'secure.card': '"1"' } }));
  assert.ok(secureWith({ if: 'size(secure.card) > 12 && flow.n == 1' }));
  assert.ok(secureWith({ prompt: ['Your card', 'is {{ secure["card"] }}'] }));
  assert.ok(secureWith({ cases: [{ data: { last: 'flow.n == 1 ? secure.card : ""' } }] }));
});

test('words that only look like it are not', () => {
  assert.ok(!secureWith({ prompt: 'This line is secure. Goodbye.' }));
  assert.ok(!secureWith({ prompt: 'insecure.card' }));
  assert.ok(!secureWith({ if: '"secure.card" == flow.secure' }));
  assert.ok(!secureWith({ prompt: 'Broken {{ secure' }));
});

test('edges: paths by their keys, and next to what follows the action or the one around it', () => {
  assert.deepEqual(edges(inbound(HANDS_OVER)), [
    'tasks.main[0] then tasks.main[0].then[0]',
    'tasks.main[0] else tasks.main[0].else[0]',
    'tasks.main[0].then[0] then tasks.main[0].then[0].then[0]',
    'tasks.main[0].then[0] next tasks.main[1]',
    'tasks.main[0].else[0] next tasks.main[1]',
  ]);
});

test('edges: an approved charge may go on without a path, what ends a run has none', () => {
  const payment = library.get('card-payment');
  assert.ok(payment);
  const charge = 'tasks.main[9]';
  assert.deepEqual(
    edges(payment).filter((edge) => edge.startsWith(`${charge} `)),
    ['onApproved', 'onDeclined', 'onInDoubt', 'onError'].map(
      (path) => `${charge} ${path} ${charge}.${path}[0]`,
    ),
  );
  const ends = new Set(
    [...actionsOf(payment)].filter(({ do: name }) => name === 'returnToAgent').map(({ path }) => path),
  );
  assert.ok(flowGraph(payment).edges.every(({ from }) => !ends.has(from)));
});

test('every action of the library is a node, and can be reached from the entry or the error path', () => {
  for (const flow of library.values()) {
    const graph = flowGraph(flow);
    assert.deepEqual(
      graph.nodes.map(({ id }) => id),
      [...actionsOf(flow)].map(({ path }) => path),
    );
    const reached = new Set([graph.entry, graph.onError]);
    // A set takes in what is added while it is walked.
    for (const id of reached) {
      for (const { from, to } of graph.edges) if (from === id) reached.add(to);
    }
    assert.deepEqual(
      graph.nodes.filter(({ id }) => !reached.has(id)),
      [],
      flow.name,
    );
  }
});

const WITH_TASKS = `name: b
type: inbound
tasks:
  main:
    - { do: callTask, task: greet }
    - do: loop
      count: 3
      actions:
        - do: menu
          prompt: Press 1 to leave, 2 to go on.
          choices:
            '1':
              - do: exitLoop
            '2':
              - do: decision
                if: call.from == "1000"
                then:
                  - do: nextLoop
        - { do: playAudio, prompt: Once more. }
    - { do: callTask, task: pay }
  greet:
    - { do: playAudio, prompt: Hello. }
  pay:
    - { do: transferToSecureFlow, flow: card-payment }
`;

test('edges of loops go back to the loop, or on behind it; a task is gone into and come back from', () => {
  const flow = loadFlow(WITH_TASKS, 'b.yaml');
  assert.deepEqual(edges(flow), [
    'tasks.main[0] task tasks.greet[0]',
    'tasks.main[0] next tasks.main[1]',
    'tasks.main[1] actions tasks.main[1].actions[0]',
    'tasks.main[1] next tasks.main[2]',
    'tasks.main[1].actions[0] choices.1 tasks.main[1].actions[0].choices.1[0]',
    'tasks.main[1].actions[0] choices.2 tasks.main[1].actions[0].choices.2[0]',
    'tasks.main[1].actions[0].choices.1[0] exitLoop tasks.main[2]',
    'tasks.main[1].actions[0].choices.2[0] then tasks.main[1].actions[0].choices.2[0].then[0]',
    'tasks.main[1].actions[0].choices.2[0] next tasks.main[1].actions[1]',
    'tasks.main[1].actions[0].choices.2[0].then[0] nextLoop tasks.main[1]',
    'tasks.main[1].actions[1] next tasks.main[1]',
    'tasks.main[2] task tasks.pay[0]',
  ]);
});

test('a call of a task that holds a secure action has the key', () => {
  assert.deepEqual(withKey(loadFlow(WITH_TASKS, 'b.yaml')), ['tasks.main[2]', 'tasks.pay[0]']);
});

test('each action has an identifier of its own, menus of secure flows among them', () => {
  const secure = WITH_TASKS.replace('type: inbound', 'type: secure').replace(
    '{ do: transferToSecureFlow, flow: card-payment }',
    '{ do: returnToAgent }',
  );
  const ids = flowGraph(loadFlow(secure, 'c.yaml')).nodes.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
});

test('a graph is plain data', () => {
  for (const flow of library.values()) {
    assert.deepEqual(JSON.parse(JSON.stringify(flowGraph(flow))), flowGraph(flow));
  }
});

test('tasks that each call the next one twice are judged in no time', () => {
  const tasks = Array.from({ length: 60 }, (_, i) => {
    const calls = `[{ do: callTask, task: t${i + 1} }, { do: callTask, task: t${i + 1} }]`;
    return `  t${i}: ${calls}\n`;
  });
  const main = '    - { do: callTask, task: t0 }\n    - { do: disconnect }\n';
  const flow = inbound(`${main}${tasks.join('')}  t60: [{ do: wait, duration: 1s }]\n`);
  assert.deepEqual(withKey(flow), []);
});
