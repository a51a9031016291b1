import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlowEvent } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { flowGraph } from '../../flows/graph.js';
import { type Step, start, step } from '../../flows/interpreter.js';
import { loadFlow } from '../../flows/loader.js';
import { acknowledged } from '../kit/acknowledged.js';
import { libraryOf } from './flow-documents.js';
import { problemsOf } from './flow-problems.js';
import { CALL } from './flow-simulator.js';

const HEAD = `name: a
type: inbound
variables: { card: { type: secure }, s: { type: string } }
tasks:
  main:
`;
const CARD = '    - { do: collectInput, name: ask, field: cardNumber, into: secure.card, prompt: Card. }\n';
const LAST4 = '    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.s }\n';
const CHARGE =
  '    - { do: callSecureData, connector: p, secureInputs: { cardNumber: secure.card }, into: charge }\n';
const SAY = '    - { do: playAudio, prompt: Hello. }\n';
const END = '    - do: disconnect\n';

const flow = (actions: string, rest = ''): Flow =>
  loadFlow(acknowledged(HEAD + actions + END + rest), 'a.yaml');
const KEYED: FlowEvent = { type: 'collected', result: { ok: true } };
const EXTRACTED: FlowEvent = { type: 'extracted', value: '4242' };

/** What the host is told: the actions that were entered, `*` those that run in secure mode, and the command's. */
function told({ notes, command, secure }: Step): string {
  const entered = notes.map((note) => `${note.action}${note.secure ? '*' : ''}`);
  return [...entered, `${secure ? 'secure' : 'open'} ${command?.do}`].join(' ');
}

describe('secure actions in a flow that is not secure', () => {
  it('may stand there, with the variables they need', () => {
    assert.deepEqual(flow(CARD + LAST4 + CHARGE).secureVariables, ['card']);
    const secure = flowGraph(flow(SAY + CARD + LAST4 + CHARGE + SAY)).nodes.map((node) => node.secure);
    assert.deepEqual(secure, [false, true, true, true, false, false]);
  });

  it('are held to what they are held to in a secure flow', () => {
    const play = '    - { do: playAudio, prompt: "{{ secure.card }}" }\n';
    assert.match(problemsOf(HEAD + CARD + play + END).join(), /'secure\.card' looks at a secure value/);
    const set = '    - { do: setVariables, set: { flow.s: string(secure.card) } }\n';
    assert.match(problemsOf(HEAD + CARD + set + END).join(), /looks at a secure value/);
    assert.match(problemsOf(HEAD + LAST4 + END).join(), /nothing is ever collected into secure\.card/);
    const open = CARD.replace('secure.card', 'flow.s');
    assert.match(problemsOf(HEAD + open + END).join(), /could be read by every expression/);
    const shown = problemsOf(HEAD + CARD + LAST4 + END).join();
    assert.match(shown, /nobody has acknowledged that this flow shows a part of a secure value/);
    const back = '    - do: returnToAgent\n';
    assert.match(
      problemsOf(HEAD + CARD + back).join(),
      /returnToAgent cannot stand in a flow of type inbound/,
    );
  });

  it('are told apart from the others, each command and each action entered', () => {
    const steps = [start(flow(SAY + CARD + LAST4 + SAY), CALL)];
    for (const event of [{ type: 'played' }, KEYED, EXTRACTED, { type: 'played' }] as const) {
      steps.push(step(steps.at(-1)?.state as Step['state'], event));
    }
    assert.deepEqual(steps.map(told), [
      'playAudio open play',
      'collectInput* secure collect',
      'extractSecureData* secure extract',
      'playAudio open play',
      'disconnect open disconnect',
    ]);
  });

  it('stay secure when they ask again', () => {
    const asked = start(flow(CARD), CALL);
    const failed = { type: 'collected', result: { ok: false, error: 'timeout' } } as const;
    assert.equal(told(step(asked.state, failed)), 'secure collect');
  });

  it('have another action between them seen, though it needs nothing of the host', () => {
    const between = '    - { do: setVariables, set: { flow.s: \'"x"\' } }\n';
    const asked = start(flow(CARD + between + LAST4), CALL);
    assert.equal(told(step(asked.state, KEYED)), 'setVariables extractSecureData* secure extract');
  });

  it('are not what is drawn in their paths', () => {
    const declined = `${CHARGE.replace(' }\n', ', onDeclined: [{ do: playAudio, prompt: No. }] }\n')}`;
    const charging = step(start(flow(CARD + declined), CALL).state, KEYED);
    const answered = { status: 'declined', reason: 'x', outputs: {} } as const;
    assert.equal(told(step(charging.state, { type: 'dataCalled', result: answered })), 'playAudio open play');
  });

  it('are not a transfer to a secure flow, which goes to secure mode by itself', () => {
    const transfer = '    - { do: transferToSecureFlow, flow: card-payment, onFailure: [] }\n';
    const steps = start(flow(transfer), CALL);
    assert.equal(told(steps), 'transferToSecureFlow open transferToSecureFlow');
    assert.equal(flowGraph(flow(transfer)).nodes[0]?.secure, true);
  });

  it('go to the error path when secure mode fails them, whatever path they have', () => {
    const ask = CARD.replace(' }\n', ', onFailure: [{ do: disconnect }] }\n');
    const onError =
      'onError:\n  - { do: playAudio, prompt: "{{ data.failure.reason }}" }\n  - do: disconnect\n';
    for (const reason of ['shield-failed', 'cancelled'] as const) {
      const asked = start(flow(ask + SAY, onError), CALL);
      const failed = step(asked.state, { type: 'secureFailed', reason, message: 'why' });
      assert.deepEqual(failed.command, { do: 'play', audio: [{ text: reason }], bargeIn: false });
      assert.equal(told(failed), 'playAudio open play');
      assert.match(failed.state.failure ?? '', /^collectInput at tasks\.main\[0\] failed: why$/);
    }
    const without = step(start(flow(CARD), CALL).state, {
      type: 'secureFailed',
      reason: 'cancelled',
      message: '',
    });
    assert.equal(without.command?.do === 'disconnect' && without.command.reason, 'error');
  });

  it('fail only while a command is outstanding', () => {
    const ended = step(start(flow(SAY), CALL).state, { type: 'played' });
    assert.throws(() => step(ended.state, { type: 'secureFailed', reason: 'cancelled', message: '' }));
  });

  it('are judged in a module by the flow that called it', async () => {
    const module = `name: m
type: module
variables: { card: { type: secure } }
tasks:
  main:
${CARD}${SAY}`;
    const run = async (type: string) => {
      const calls = `name: a\ntype: ${type}\ntasks:\n  main:\n    - { do: callModule, module: m }\n${SAY}${END}`;
      const calling = (await libraryOf(calls, module)).get('a');
      assert.ok(calling);
      const steps = [start(calling, CALL)];
      for (const event of [KEYED, { type: 'played' }, { type: 'played' }] as const) {
        steps.push(step(steps.at(-1)?.state as Step['state'], event));
      }
      return steps.map(told);
    };
    const plain = [
      'callModule* collectInput* secure collect',
      'playAudio open play',
      'playAudio open play',
      'disconnect open disconnect',
    ];
    assert.deepEqual(await run('inbound'), plain);
    assert.deepEqual(await run('inQueue'), plain);
    assert.deepEqual(await run('secure'), [
      'callModule* collectInput* secure collect',
      'playAudio* secure play',
      'playAudio* secure play',
      'disconnect* open disconnect',
    ]);
  });

  it('are all actions of a secure flow', () => {
    const secure = loadFlow(`${HEAD.replace('inbound', 'secure')}${SAY}    - do: returnToAgent\n`, 'a.yaml');
    assert.equal(told(start(secure, CALL)), 'playAudio* secure play');
  });
});
