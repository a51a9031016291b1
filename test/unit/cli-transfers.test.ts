import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replay } from '../../cli/simulation/replay.js';
import { readScript } from '../../cli/simulation/script.js';
import type { Flow } from '../../flows/flow.js';
import { loadFlow } from '../../flows/loader.js';

const DESK = loadFlow(
  `name: desk
type: inbound
variables: { calls: { type: number } }
tasks:
  main:
    - { do: getParticipantData, get: { flow.calls: calls }, defaults: { flow.calls: 0 } }
    - { do: setParticipantData, set: { calls: flow.calls + 1 } }
    - { do: sendEvent, type: called, data: { calls: flow.calls + 1 } }
    - { do: decision, if: flow.calls < 2, then: [{ do: transferToFlow, flow: desk, invocationData: call.from, preTransferAudio: Again. }] }
    - do: transferToQueue
      name: toSales
      queue: sales
      onFailure:
        - { do: playAudio, prompt: '{{ data.toSales.error }}' }
        - do: transferToNumber
          name: toNight
          number: '110'
          trunk: carrier
          failedTransferAudio: Sorry.
          onFailure: [{ do: playAudio, prompt: '{{ data.toNight.error }}' }, { do: disconnect }]
`,
  'desk.yaml',
);

const SECURE = `name: safe
type: secure
variables: { card: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }
    - do: transferToFlow
      flow: after
`;
const after = (action: string) =>
  loadFlow(
    `name: after\ntype: secure\ntasks:\n  main:\n    - { do: setParticipantData, set: { paid: true } }\n    - { do: ${action} }\n`,
    'after.yaml',
  );
const TO_NUMBER =
  "transferToNumber, number: '110', trunk: carrier, failedTransferAudio: Sorry., onFailure: [{ do: returnToAgent }]";
const KEYS = "caller: [{ keys: '4242424242424242#' }]\n";

function trace(script: string, flow: Flow, ...more: Flow[]): Promise<readonly string[]> {
  const flows = new Map([flow, ...more].map((one) => [one.name, one]));
  return replay(flow, flows, readScript(script, 'script.yaml'));
}

describe('transfers in a simulated call', () => {
  it('go on with a flow, then come out as the script says', async () => {
    assert.deepEqual(await trace('agents: [no-agent]\nnumbers: [busy]\nattributes: { calls: 1 }\n', DESK), [
      'flow desk',
      'setParticipantData {"calls":2}',
      'sendEvent called {"calls":2}',
      'prompt Again.',
      'transferToFlow desk sip:caller',
      'flow desk',
      'setParticipantData {"calls":3}',
      'sendEvent called {"calls":3}',
      'transferToQueue sales: no-agent-available',
      'prompt no-agent-available',
      'transferToNumber 110 by carrier: busy',
      'prompt Sorry.',
      'prompt busy',
      'end flow-disconnected',
    ]);
    const answered = await trace('attributes: { calls: 2 }\n', DESK);
    assert.deepEqual(answered.slice(-2), ['transferToQueue sales: answered', 'end talking']);
    const night = await trace('attributes: { calls: 2 }\nagents: [no-answer]\n', DESK);
    assert.deepEqual(night.slice(-2), ['transferToNumber 110 by carrier: answered', 'end talking']);
  });

  it('leave a secure session in order, and are blind there', async () => {
    const safe = loadFlow(SECURE, 'safe.yaml');
    const whole = await trace(KEYS, safe, after(TO_NUMBER));
    assert.deepEqual(whole.slice(4), [
      'prompt Card.',
      'collect cardNumber into secure.card #1: 16 keys',
      'transferToFlow after',
      'flow after',
      'setParticipantData {"paid":true}',
      'secure unshielding',
      'secure ended: transferred',
      'transferToNumber 110 by carrier: answered',
      'end talking',
    ]);
    const failed = await trace(`${KEYS}numbers: [number-not-allowed]\n`, safe, after(TO_NUMBER));
    assert.deepEqual(failed.slice(-3), [
      'transferToNumber 110 by carrier: number-not-allowed',
      'prompt Sorry.',
      'end flow-error',
    ]);
  });

  it('disconnect when the next flow is not there, or a target shows what was keyed', async () => {
    const safe = loadFlow(SECURE, 'safe.yaml');
    assert.deepEqual((await trace(KEYS, safe)).slice(-2), ['secure ended: flow-error', 'end flow-error']);
    const told = SECURE.replace(
      'transferToFlow\n      flow: after',
      'transferToQueue\n      queue: "4242424242424242"',
    );
    assert.deepEqual((await trace(KEYS, loadFlow(told, 'safe.yaml'))).slice(-2), [
      'secure ended: flow-error',
      'end flow-error',
    ]);
  });
});
