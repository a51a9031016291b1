import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulateCall } from '../../cli/simulation/call.js';
import { difference } from '../../cli/simulation/difference.js';
import { replay } from '../../cli/simulation/replay.js';
import { readScript } from '../../cli/simulation/script.js';
import { ScriptedCaller } from '../../cli/simulation/scripted-caller.js';
import { TerminalCaller } from '../../cli/simulation/terminal-caller.js';
import { traceLine } from '../../cli/simulation/trace.js';
import { loadFlow } from '../../flows/loader.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { acknowledged } from '../kit/acknowledged.js';

const TWICE = loadFlow(
  `name: twice
type: secure
variables:
  card: { type: secure }
  code: { type: secure }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }
    - { do: collectInput, field: securityCode, into: secure.code, card: secure.card, prompt: Code. }
    - &charge
      do: callSecureData
      connector: bank
      secureInputs: { cardNumber: secure.card, securityCode: secure.code }
      into: charge
      onDeclined: [{ do: playAudio, prompt: 'No: {{ data.charge.reason }}.' }]
      onError: [{ do: returnToAgent, data: { echo: 'get(data.charge, "echo", "")', reason: data.charge.reason } }]
    - do: playAudio
      prompt: Again, {{ get(data.charge, "echo", "") }}.
    - *charge
    - do: disconnect
`,
  'twice.yaml',
);

const DOOR = loadFlow(
  `name: door
type: inbound
tasks:
  main:
    - do: playAudio
      prompt: Press a key to skip this.
      bargeIn: true
    - do: transferToSecureFlow
      name: toPayment
      flow: twice
      preTransferAudio: One moment.
      failedTransferAudio: That did not work.
      onFailure:
        - do: playAudio
          prompt: '{{ data.toPayment.error }}'
        - do: disconnect
`,
  'door.yaml',
);

const FLOWS = new Map([TWICE, DOOR].map((flow) => [flow.name, flow]));
const KEYS = "caller:\n  - keys: '4242424242424242#'\n  - keys: '123'\n";

function trace(flow: typeof TWICE, script: string) {
  return replay(flow, FLOWS, readScript(script, 'script.yaml'));
}

const ASK = loadFlow(
  `name: ask
type: inbound
tasks:
  main:
    - do: callData
      action: crm
      inputs: { from: call.from }
      processingAudio: One moment.
      into: customer
      onFailure: [{ do: playAudio, prompt: 'No: {{ data.customer.error }}.' }]
      onTimeout: [{ do: playAudio, prompt: Late. }]
    - do: playAudio
      prompt: Hello {{ get(data.customer, "name", "") }}.
    - do: disconnect
`,
  'ask.yaml',
);

describe('a data action in a simulated call', () => {
  it('is answered by the script, each in turn, after its time', async () => {
    const answers = 'dataActions:\n  - { status: success, outputs: { name: Ann }, after: 3s }\n';
    assert.deepEqual(await trace(ASK, answers), [
      'flow ask',
      'callData crm {"from":"sip:caller"}',
      'prompt One moment.',
      'callData success',
      'prompt Hello Ann.',
      'end flow-disconnected',
    ]);
    const late = await trace(ASK, 'dataActions: [{ status: timeout }]\n');
    assert.deepEqual(late.slice(3, 5), ['callData timeout: timeout', 'prompt Late.']);
    const refused = await trace(ASK, 'dataActions: [{ status: failure, error: http-404 }]\n');
    assert.deepEqual(refused.slice(3, 5), ['callData failure: http-404', 'prompt No: http-404.']);
    assert.ok((await trace(ASK, 'caller: []\n')).includes('callData failure: no-answer'));
  });

  it('is given up when the caller hangs up meanwhile', async () => {
    const script = 'caller: [{ wait: 1s }, hang-up]\ndataActions: [{ status: success, after: 60s }]\n';
    assert.deepEqual((await trace(ASK, script)).slice(3), [
      'callData failure: cancelled',
      'end customer-hung-up',
    ]);
  });

  it('is answered at the terminal, which shows the line', async () => {
    const modes: boolean[] = [];
    const typed = (line: string) => {
      const bytes = (async function* () {
        yield Buffer.from(line);
      })();
      return new TerminalCaller(
        Object.assign(bytes, { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) }),
      );
    };
    const outputs = { name: 'Änn', n: 2 };
    const success = { status: 'success', error: '', message: '', outputs };
    assert.deepEqual(await typed(`${JSON.stringify(outputs)}\n`).answer(), success);
    assert.deepEqual(modes, [true, false, true]);
    assert.deepEqual(await typed('\n').answer(), { ...success, outputs: {} });
    assert.equal((await typed('timeout\n').answer())?.status, 'timeout');
    assert.equal((await typed('http-503\n').answer())?.error, 'http-503');
    assert.equal((await typed('{"name\n').answer())?.error, 'not-json');
    assert.equal((await typed('{"name": {}}\n').answer())?.error, 'not-json');
    assert.equal(await typed('{').answer(), null);
  });

  it('is sent nothing that was keyed in secure mode, and its echoes are hidden', async () => {
    const flow = loadFlow(
      `name: leaky
type: secure
variables:
  card: { type: secure }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }
    - { do: callData, action: crm, inputs: { x: call.invocationData }, into: c, onFailure: [] }
    - { do: returnToAgent, data: { error: data.c.error, echo: 'get(data.c, "echo", "")' } }
`,
      'leaky.yaml',
    );
    const sent = await trace(flow, `${KEYS}invocationData: '4242 4242 4242 4242'\n`);
    assert.ok(sent.includes('result {"error":"secure-value","echo":""}'));
    const echoed = await trace(
      flow,
      `${KEYS}dataActions: [{ status: success, outputs: { echo: '4242424242424242' } }]\n`,
    );
    assert.ok(echoed.includes('result {"error":"","echo":"[redacted]"}'));
  });
});

describe('a simulated call is as one of the server', () => {
  it('has no security code after a charge, whatever came of it', async () => {
    const lines = await trace(TWICE, `${KEYS}gateway: [{ status: declined, reason: no }]\n`);
    assert.deepEqual(lines.slice(-8), [
      'prompt No: no.',
      'prompt Again, .',
      'charge bank cardNumber=card securityCode=code {}',
      'charge error: missing-input',
      'secure unshielding',
      'result {"echo":"","reason":"missing-input"}',
      'secure ended: returned',
      'end talking',
    ]);
  });

  it('takes a card number out of what a gateway says', async () => {
    const lines = await trace(
      TWICE,
      `${KEYS}gateway:\n  - { status: approved, outputs: { echo: 4242 4242 4242 4242 } }\n`,
    );
    assert.ok(lines.includes('prompt Again, [redacted].'), lines.join('\n'));
  });

  it('asks for a field twice where its flow says so, and for both anew when they differ', async () => {
    const flow = loadFlow(
      `name: account
type: secure
variables:
  account: { type: secure }
tasks:
  main:
    - do: collectInput
      field: accountNumber
      into: secure.account
      prompt: Account.
      again: Once more.
      retry: { input-matching-failed: They differ. }
    - do: disconnect
`,
      'account.yaml',
    );
    const script =
      "caller:\n  - keys: '12345678#'\n  - keys: '12345679#'\n  - keys: '4711#'\n  - keys: '4711#'\n";
    assert.deepEqual((await trace(flow, script)).slice(4, -3), [
      'prompt Account.',
      'prompt Once more.',
      'collect accountNumber into secure.account #1: input-matching-failed',
      'prompt They differ.',
      'prompt Once more.',
      'collect accountNumber into secure.account #2: 4 keys',
    ]);
  });

  it('tells the flow of a secure session that was refused', async () => {
    const lines = await trace(DOOR, 'secureSession: refused\n');
    assert.deepEqual(lines.slice(-4), [
      'secure ended: shield-failed',
      'prompt That did not work.',
      'prompt shield-failed',
      'end flow-disconnected',
    ]);
  });

  it('ends without an agent when the flow returns to one, and keeps nothing of a hang-up', async () => {
    const returned = await trace(DOOR, `${KEYS}gateway: [{ status: error, reason: no }]\n`);
    assert.deepEqual(returned.slice(-2), ['secure ended: disconnected', 'end flow-disconnected']);
    const gone = await trace(DOOR, "caller:\n  - wait: 300ms\n  - keys: '1'\n  - hang-up\n");
    assert.deepEqual(gone.slice(-3), [
      'secure unshielding',
      'secure ended: customer-hung-up',
      'end customer-hung-up',
    ]);
  });

  it('has commands of the agent done to the field that is open in secure mode, and says what it refused', async () => {
    const caller = (acts: string) => trace(TWICE, `caller: [${acts}]\ngateway: [{ status: approved }]\n`);
    const said = (lines: readonly string[]) => lines.filter((line) => /^(agent|collect|prompt C)/.test(line));
    const done = "{ keys: '4242424242424242' }, { agent: complete }, { keys: '12' }, { agent: cancel }";
    const lines = await caller(
      `{ agent: complete }, { keys: '37' }, { agent: clear }, { agent: { extendTime: 301s } }, { agent: { focus: x } }, ${done}`,
    );
    assert.deepEqual(said(lines), [
      'prompt Card.',
      'agent complete refused: nothing-keyed',
      'agent clear',
      'agent extendTime refused: no-more-time',
      'agent focus refused: not-focusable',
      'agent complete',
      'collect cardNumber into secure.card #1: 16 keys',
      'prompt Code.',
      'agent cancel',
      'collect securityCode into secure.code #1: cancelled-by-agent',
    ]);
    const again = await caller(
      "{ agent: { extendTime: 5s } }, { keys: '37' }, { wait: 7s }, { agent: askAgain }, { keys: '4242424242424242#' }",
    );
    assert.deepEqual(said(again).slice(0, 5), [
      'prompt Card.',
      'agent extendTime',
      'agent askAgain',
      'prompt Card.',
      'collect cardNumber into secure.card #1: 16 keys',
    ]);
    const silent = await caller('{ wait: 2s }, { agent: { extendTime: 5s } }');
    assert.deepEqual(said(silent).slice(0, 3), [
      'prompt Card.',
      'agent extendTime',
      'collect cardNumber into secure.card #1: timeout',
    ]);
    const outside = await trace(DOOR, 'caller: [{ wait: 1s }, { agent: clear }]\nsecureSession: refused\n');
    assert.ok(outside.includes('agent clear refused: no-field'));
  });

  it('does not end what is no secure session when an agent would', async () => {
    const lines = await trace(DOOR, 'secureSession: refused\ncaller:\n  - wait: 1s\n  - cancel\n');
    assert.equal(lines.at(-1), 'end flow-disconnected');
  });
});

const SHOP = loadFlow(
  acknowledged(`name: shop
type: inbound
variables:
  card: { type: secure }
  last4: { type: string }
  key: { type: string }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }
    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.last4 }
    - { do: collectInput, field: digits, length: 1, attempts: 1, into: flow.key, prompt: 'Card ending in {{ flow.last4 }}?', onFailure: [] }
    - do: callSecureData
      connector: bank
      secureInputs: { cardNumber: secure.card }
      into: charge
    - do: disconnect
onError:
  - { do: playAudio, prompt: 'Nothing was charged: {{ data.failure.reason }}.' }
  - do: disconnect
`),
  'shop.yaml',
);

const UP = ['secure requested', 'secure shielding', 'secure active'];

describe('secure actions of a simulated flow that is not secure', () => {
  it('have a session for each run of them, with the key; late keys reach nobody', async () => {
    const shown: [string, boolean][] = [];
    const script = readScript(
      "caller:\n  - keys: '4242424242424242#99'\n  - keys: '1'\ngateway: [{ status: approved }]\n",
      'script.yaml',
    );
    await simulateCall({
      flow: SHOP,
      flows: FLOWS,
      scenario: script.scenario,
      caller: new ScriptedCaller(script.steps),
      onHappening: (happening) => {
        const line = traceLine(happening);
        if (line !== null) shown.push([line, happening.secure]);
      },
    });
    assert.deepEqual(
      shown.map(([line]) => line),
      [
        'flow shop',
        ...UP,
        'prompt Card.',
        'collect cardNumber into secure.card #1: 16 keys',
        'extract last4 of card',
        'secure unshielding',
        'keys swallowed: 2',
        'secure ended: completed',
        'prompt Card ending in 4242?',
        'collect digits into flow.key #1: 1 keys',
        ...UP,
        'charge bank cardNumber=card {}',
        'charge approved',
        'secure unshielding',
        'result {"status":"approved","reason":""}',
        'secure ended: disconnected',
        'end flow-disconnected',
      ],
    );
    const open = shown.filter(([, secure]) => !secure).map(([line]) => line);
    assert.deepEqual(open, [
      'flow shop',
      'secure requested',
      'prompt Card ending in 4242?',
      'collect digits into flow.key #1: 1 keys',
      'secure requested',
      'end flow-disconnected',
    ]);
  });

  it('take the error path in the open when they are refused, and when they are cancelled', async () => {
    assert.deepEqual(await trace(SHOP, 'secureSession: refused\n'), [
      'flow shop',
      'secure requested',
      'secure shielding',
      'secure unshielding',
      'secure ended: shield-failed',
      'prompt Nothing was charged: shield-failed.',
      'end flow-disconnected',
    ]);
    const cancelled = await trace(SHOP, "caller:\n  - keys: '4242'\n  - cancel\n");
    assert.deepEqual(cancelled.slice(-5), [
      'collect cardNumber into secure.card #1: caller-hung-up',
      'secure unshielding',
      'secure ended: cancelled',
      'prompt Nothing was charged: cancelled.',
      'end flow-disconnected',
    ]);
  });

  it('leave what was keyed behind when the call goes on in another flow', async () => {
    const documents = ['a', 'b'].map(
      (name) => `name: ${name}
type: inbound
variables: { card: { type: secure } }
tasks:
  main:
    - do: decision
      if: '"${name}" == "a"'
      then:
        - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }
        - { do: transferToFlow, flow: b }
    - { do: callSecureData, connector: bank, secureInputs: { cardNumber: secure.card }, into: charge, onError: [] }
    - { do: playAudio, prompt: '{{ data.charge.reason }}' }
    - do: disconnect
`,
    );
    const [a, b] = documents.map((document) => loadFlow(document, 'flow.yaml'));
    assert.ok(a && b);
    const { scenario, steps } = readScript(
      "caller:\n  - keys: '4242424242424242#'\ngateway: [{ status: approved }]\n",
      'script.yaml',
    );
    const lines: string[] = [];
    await simulateCall({
      flow: a,
      flows: new Map([['b', b]]),
      scenario,
      caller: new ScriptedCaller(steps),
      onHappening: (happening) => lines.push(traceLine(happening) ?? ''),
    });
    assert.ok(lines.includes('secure ended: completed') && lines.includes('flow b'), lines.join('\n'));
    assert.ok(lines.includes('charge error: missing-input'), lines.join('\n'));
    assert.ok(!lines.includes('charge approved'));
  });

  it('are shielded to the end of a call that is hung up', async () => {
    const lines = await trace(SHOP, "caller:\n  - keys: '4242'\n  - hang-up\n");
    assert.deepEqual(lines.slice(-3), [
      'secure unshielding',
      'secure ended: customer-hung-up',
      'end customer-hung-up',
    ]);
    assert.equal(liveSecureValues(), 0);
  });
});

describe('the keyboard', () => {
  it('keeps no key that was read', async () => {
    const typed = Buffer.from('12h');
    async function* once() {
      yield typed;
    }
    const caller = new TerminalCaller(once());
    const codes: number[] = [];
    const moment = { now: 0, until: 1000, field: 1 };
    for (let next = await caller.next(moment); next?.act.do === 'key'; next = await caller.next(moment)) {
      codes.push(next.act.code);
    }
    assert.deepEqual(codes, [49, 50]);
    assert.ok(typed.every((byte) => byte === 0));
    await caller.close();
  });
});

describe('a difference', () => {
  it('keeps what is common and marks the rest', () => {
    assert.equal(difference(['a', 'b'], ['a', 'b']), null);
    assert.deepEqual(difference(['a', 'b', 'c', 'd'], ['a', 'x', 'c']), ['  a', '- b', '+ x', '  c', '- d']);
    assert.deepEqual(difference([], ['a']), ['+ a']);
    assert.deepEqual(difference(['a'], []), ['- a']);
    assert.deepEqual(difference(['a', 'a'], ['a']), ['  a', '- a']);
  });
});
