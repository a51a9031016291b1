import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { CaptureCommand, CollectCommand, FlowCommand } from '../../flows/commands.js';
import { loadFlow } from '../../flows/loader.js';
import type { PlayOutcome } from '../../media/endpoint.js';
import { Bots } from '../../server/bots/bots.js';
import type { CallEventBody, FieldProgress } from '../../server/call/events.js';
import { Leg } from '../../server/call/leg.js';
import { Participant } from '../../server/call/participant.js';
import type { ChargeRequest, ConnectorResult, Reconciled } from '../../server/connectors/connector.js';
import { TacetError } from '../../server/errors.js';
import { CaptureControl } from '../../server/secure/capture-control.js';
import { SecureRun } from '../../server/secure/secure-run.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { SecureValues } from '../../server/secure/secure-values.js';
import { secureValue } from '../kit/gateway-charge.js';
import { FakeCrm } from './data-fakes.js';
import { FakeEndpoint, FakeMedia } from './secure-fakes.js';

const COLLECT: CollectCommand = {
  do: 'collect',
  field: { kind: 'digits', min: 4, max: 4, brands: [], cardVariable: null },
  into: { scope: 'secure', name: 'pin' },
  audio: [],
  again: null,
  bargeIn: true,
  firstDigitTimeoutMs: 60_000,
  interDigitTimeoutMs: 20,
  totalTimeoutMs: 60_000,
  terminator: '#',
  clearKey: '*',
  attempt: 1,
  attempts: 1,
};

const CHARGE: FlowCommand & { do: 'callSecureData' } = {
  do: 'callSecureData',
  connector: 'payment',
  operation: 'charge',
  secureInputs: { cardNumber: 'pin' },
  secureOutputs: {},
  parameters: {},
  inputs: {},
  processingAudio: [],
  occurrence: 'tasks.main[3]#2',
};

const ASK: FlowCommand & { do: 'callData' } = {
  do: 'callData',
  action: 'crm',
  inputs: { last4: '5678' },
  processingAudio: [],
  occurrence: 'tasks.main[3]#2',
};

const NEXT = loadFlow('name: next\ntype: secure\ntasks: { main: [{ do: disconnect }] }\n', 'next.yaml');
const OPEN = loadFlow('name: open\ntype: inbound\ntasks: { main: [{ do: disconnect }] }\n', 'open.yaml');
const DISCONNECTED = { end: { kind: 'disconnect', reason: 'error' } };

const TO_NUMBER: FlowCommand & { do: 'transferToNumber' } = {
  do: 'transferToNumber',
  number: '+4930555010',
  trunk: 'carrier',
  ringTimeoutMs: 1000,
  preTransferAudio: [],
  failedTransferAudio: [],
};

describe('secure run', () => {
  let values: SecureValues;
  let customer: FakeEndpoint;
  let hangUp: AbortController;
  let charged: ChargeRequest[];
  let crm: FakeCrm;
  let published: CallEventBody[];
  let control: CaptureControl;
  let progress: string[];
  let told: FieldProgress[];
  let names: Set<string>;
  let participant: Participant;
  let reconciled: (readonly [string, Reconciled])[];
  let later: Promise<Reconciled> | undefined;
  let run: SecureRun;
  const shutdown = new AbortController();

  beforeEach(() => {
    values = new SecureValues();
    customer = new FakeEndpoint(new FakeMedia(), 'customer');
    hangUp = new AbortController();
    charged = [];
    crm = new FakeCrm();
    published = [];
    control = new CaptureControl();
    progress = [];
    reconciled = [];
    later = undefined;
    told = [];
    names = new Set();
    const payment = {
      name: 'payment',
      charge: async (request: ChargeRequest): Promise<ConnectorResult> => {
        charged.push(request);
        if (request.operation === 'tokenise') {
          const secureOutputs = new Map([['token', secureValue('tok_1')]]);
          return { status: 'approved', reason: '', outputs: {}, secureOutputs };
        }
        if (later) return { status: 'in-doubt', reason: 'no-answer', outputs: {}, later } as const;
        return { status: 'approved', reason: '', outputs: { note: 'paid by 12345678' } } as const;
      },
      close: async () => {},
    };
    participant = new Participant({
      id: 'p',
      role: 'customer',
      address: '',
      leg: new Leg(customer),
      state: 'connected',
    });
    run = new SecureRun({
      sessionId: 's1',
      customer: participant,
      values,
      control,
      connectors: new Map([['payment', payment]]),
      dataActions: crm.actions,
      flows: new Map([
        ['next', NEXT],
        ['open', OPEN],
      ]),
      bots: new Bots(new Map()),
      publish: (event) => published.push(event),
      signal: hangUp.signal,
      shutdown: shutdown.signal,
      onNote: () => {},
      onProgress: (one) => {
        told.push(one);
        names.add(one.name);
        progress.push(`${one.state} ${one.entered} ${one.error}`);
      },
      onReconciled: (...said) => reconciled.push(said),
      onData: () => {},
    });
  });
  afterEach(() => {
    values.wipe();
    assert.equal(liveSecureValues(), 0);
  });

  it('passes on what a gateway says afterwards of a charge in doubt, and what it said at first', async () => {
    const collected = run.execute(COLLECT);
    customer.press('1234');
    await collected;
    let settle = (_status: Reconciled) => {};
    later = new Promise((resolve) => {
      settle = resolve;
    });
    const { event } = (await run.execute(CHARGE)) as { event: unknown };
    const result = { status: 'in-doubt', reason: 'no-answer', outputs: {} };
    assert.deepEqual(event, { type: 'dataCalled', result });
    assert.deepEqual(reconciled, []);
    settle('declined');
    await later;
    assert.deepEqual(reconciled, [['s1:tasks.main[3]#2', 'declined']]);
  });

  it('puts a token into its secure variable, and charges with it', async () => {
    const collected = run.execute(COLLECT);
    customer.press('1234');
    await collected;
    const tokenise = { ...CHARGE, operation: 'tokenise', secureOutputs: { token: 'kept' } } as const;
    const { event } = (await run.execute(tokenise)) as { event: unknown };
    assert.deepEqual(event, { type: 'dataCalled', result: { status: 'approved', reason: '', outputs: {} } });
    assert.deepEqual(charged[0]?.secureOutputs, ['token']);
    assert.equal(
      values.get('kept')?.use('data-action', (held) => Buffer.from(held).toString()),
      'tok_1',
    );
    await run.execute({ ...CHARGE, secureInputs: { token: 'kept' } });
    assert.equal(charged[1]?.secure.get('token'), values.get('kept'));
  });

  it('keeps a field that was accepted, and nothing of one that failed', async () => {
    const accepted = run.execute(COLLECT);
    customer.press('1234');
    assert.deepEqual(await accepted, { event: { type: 'collected', result: { ok: true } } });
    assert.equal(values.get('pin')?.length, 4);
    const failed = run.execute({ ...COLLECT, firstDigitTimeoutMs: 1 });
    assert.deepEqual(await failed, { event: { type: 'collected', result: { ok: false, error: 'timeout' } } });
    assert.equal(values.get('pin'), undefined);
    assert.equal(liveSecureValues(), 0);
  });

  it('keeps a field that was keyed twice alike, and nothing of one that was not', async () => {
    const twice = async (first: string, second: string) => {
      const collecting = run.execute({ ...COLLECT, again: [] });
      // A # before a field is the late end of the one before.
      customer.press(`#${first}`);
      await new Promise(setImmediate);
      customer.press(`#${second}`);
      return collecting;
    };
    assert.deepEqual(await twice('1234', '1234'), { event: { type: 'collected', result: { ok: true } } });
    assert.equal(values.get('pin')?.length, 4);
    assert.equal(liveSecureValues(), 1);
    const error = 'input-matching-failed';
    for (const other of ['1235', '123#']) {
      assert.deepEqual(await twice('1234', other), {
        event: { type: 'collected', result: { ok: false, error } },
      });
      assert.equal(liveSecureValues(), 0);
    }
    const first = run.execute({ ...COLLECT, again: [] });
    customer.press('#1234');
    await new Promise(setImmediate);
    customer.press('#12');
    hangUp.abort();
    const { event } = (await first) as { event: { result: object } };
    assert.deepEqual(event.result, { ok: false, error: 'caller-hung-up' });
    assert.equal(liveSecureValues(), 0);
  });

  it('tells a caller who cancels in the second entry from one who keys it wrong', async () => {
    const collecting = run.execute({ ...COLLECT, again: [], cancelKey: '*', clearKey: null });
    customer.press('1234');
    await new Promise(setImmediate);
    customer.press('#1*');
    assert.deepEqual(await collecting, {
      event: { type: 'collected', result: { ok: false, error: 'caller-interrupted-with-star' } },
    });
    assert.equal(liveSecureValues(), 0);
  });

  it('fills a secure value with the digits of plain data, and keeps nothing of what the field cannot be', async () => {
    const postal = { kind: 'postalCode', min: 3, max: 10, brands: [], cardVariable: null } as const;
    const fill = async (value: string) => {
      const { event } = (await run.execute({ do: 'fill', field: postal, into: 'postal', value })) as {
        event: { result: object };
      };
      return event.result;
    };
    const held = async () => run.execute({ do: 'held', names: ['postal', 'pin'] });
    assert.deepEqual(await held(), { event: { type: 'held', names: [] } });
    assert.deepEqual(await fill('D-10115'), { ok: true });
    assert.equal(values.get('postal')?.length, 5);
    assert.deepEqual(await held(), { event: { type: 'held', names: ['postal'] } });
    for (const wrong of ['1', '', 'none', '12345678901', '1'.repeat(40)]) {
      const result = (await fill(wrong)) as { ok: boolean };
      assert.equal(result.ok, false, wrong);
      assert.equal(values.get('postal'), undefined);
    }
    assert.equal(liveSecureValues(), 0);
  });

  it('tells of progress in counts, with the fields that are still required', async () => {
    const collecting = run.execute({ ...COLLECT, required: ['pin', 'code'] });
    customer.press('1234');
    await collecting;
    assert.deepEqual(
      told.map(({ state, masked, required }) => [state, masked, required.join(' ')]),
      [
        ['asked', '', 'pin code'],
        ['entering', '•', 'pin code'],
        ['entering', '••', 'pin code'],
        ['entering', '•••', 'pin code'],
        ['entering', '••••', 'pin code'],
        ['accepted', '••••', 'code'],
      ],
    );
    assert.doesNotMatch(JSON.stringify(told), /1234/);
  });

  const command = (wanted: CaptureCommand) => {
    let isTaken = false;
    control.command(wanted, () => {
      isTaken = true;
    });
    assert.ok(isTaken, 'who asked is told before anything happens');
  };
  const refused = (code: string, detail: RegExp) => (error: unknown) =>
    error instanceof TacetError && error.code === code && detail.test(error.message);

  it('has the commands of the agent done to the field that is being keyed, and to no other', async () => {
    const none = () => command({ do: 'clear' });
    assert.throws(none, refused('no-field-open', /^no field/));
    const collecting = run.execute({ ...COLLECT, interDigitTimeoutMs: 60_000 });
    assert.throws(() => command({ do: 'complete' }), refused('command-refused', /nothing has been keyed/));
    assert.throws(() => command({ do: 'focus', field: 'x' }), refused('command-refused', /be left for that/));
    assert.throws(() => command({ do: 'extendTime', ms: 300_001 }), refused('command-refused', /300 sec/));
    customer.press('12');
    const keyed = values.get('pin')?.use('field-check', (digits) => digits) ?? new Uint8Array();
    command({ do: 'clear' });
    assert.deepEqual([...keyed], [0, 0], 'what was thrown away is zeroed');
    // The end of the entry that is thrown away.
    customer.press('#123');
    command({ do: 'cancel' });
    const error = 'cancelled-by-agent';
    assert.deepEqual(await collecting, { event: { type: 'collected', result: { ok: false, error } } });
    assert.throws(none, refused('no-field-open', /^no field/));
    assert.deepEqual([values.get('pin'), liveSecureValues()], [undefined, 0]);
    assert.deepEqual(progress, [
      'asked 0 null',
      'entering 1 null',
      'entering 2 null',
      'cleared 0 null',
      'entering 1 null',
      'entering 2 null',
      'entering 3 null',
      `rejected 0 ${error}`,
    ]);
  });

  it('goes to another field where the flow names it', async () => {
    const collecting = run.execute({ ...COLLECT, focusable: ['expiry'] });
    customer.press('12');
    command({ do: 'focus', field: 'expiry' });
    const result = { ok: false, error: 'focus', field: 'expiry' };
    assert.deepEqual(await collecting, { event: { type: 'collected', result } });
    assert.equal(progress.at(-1), 'left 0 null');
    assert.equal(liveSecureValues(), 0);
  });

  it('plays the prompt again, and takes the end of the one it replaced for nothing', async () => {
    const ends: ((outcome: PlayOutcome) => void)[] = [];
    customer.play = () => new Promise((resolve) => ends.push(resolve));
    const collecting = run.execute({ ...COLLECT, audio: [{ text: 'Pin.' }], bargeIn: false });
    command({ do: 'askAgain' });
    assert.equal(ends.length, 2);
    ends[0]?.('interrupted');
    await new Promise(setImmediate);
    customer.press('9999');
    assert.deepEqual(progress, ['asked 0 null', 'asked 0 null']);
    ends[1]?.('finished');
    await new Promise(setImmediate);
    customer.press('1234');
    assert.deepEqual(await collecting, { event: { type: 'collected', result: { ok: true } } });
    assert.equal(
      values.get('pin')?.use('field-check', ([first]) => first),
      49,
    );
  });

  it('has the commands done to the second entry of a field that is keyed twice', async () => {
    const begin = async () => {
      const collecting = run.execute({ ...COLLECT, again: [{ text: 'Again.' }], focusable: ['expiry'] });
      customer.press('#1234');
      await new Promise(setImmediate);
      customer.press('#12');
      return { collecting };
    };
    const over = await begin();
    command({ do: 'clear' });
    customer.press('#1234');
    assert.deepEqual(await over.collecting, { event: { type: 'collected', result: { ok: true } } });
    const again = await begin();
    const { played } = customer;
    command({ do: 'askAgain' });
    assert.equal(customer.played, played + 1);
    customer.press('#1234');
    assert.deepEqual(await again.collecting, { event: { type: 'collected', result: { ok: true } } });
    for (const [wanted, result] of [
      [{ do: 'complete' }, { ok: false, error: 'input-matching-failed' }],
      [{ do: 'cancel' }, { ok: false, error: 'cancelled-by-agent' }],
      [
        { do: 'focus', field: 'expiry' },
        { ok: false, error: 'focus', field: 'expiry' },
      ],
    ] as const) {
      const second = await begin();
      progress.length = 0;
      command(wanted);
      assert.deepEqual(await second.collecting, { event: { type: 'collected', result } });
      const told = result.error === 'focus' ? 'left 0 null' : `rejected 0 ${result.error}`;
      assert.deepEqual(progress.slice(-1), [told]);
      assert.equal(progress.filter((line) => /^(accepted|rejected|left)/.test(line)).length, 1);
      assert.equal(liveSecureValues(), 0);
    }
  });

  it('hides what the gateway echoes from the flow', async () => {
    const collecting = run.execute({ ...COLLECT, field: { ...COLLECT.field, min: 8, max: 8 } });
    customer.press('12345678');
    await collecting;
    const { event } = (await run.execute(CHARGE)) as { event: { result: object } };
    assert.deepEqual(event.result, { status: 'approved', reason: '', outputs: { note: '[redacted]' } });
  });

  it('charges nothing without a field that the charge needs', async () => {
    const { event } = (await run.execute(CHARGE)) as { event: { result: object } };
    assert.deepEqual(event.result, { status: 'error', reason: 'missing-input', outputs: {} });
    assert.equal(charged.length, 0);
  });

  it('zeroes what was keyed when the caller hangs up in the middle of a field', async () => {
    const collecting = run.execute(COLLECT);
    customer.press('12');
    const keyed = values.get('pin')?.use('field-check', (digits) => digits) ?? new Uint8Array();
    assert.deepEqual([...keyed], [49, 50]);
    hangUp.abort();
    assert.deepEqual(await collecting, {
      event: { type: 'collected', result: { ok: false, error: 'caller-hung-up' } },
    });
    assert.deepEqual([...keyed], [0, 0]);
    assert.equal(customer.listeners, 0);
    assert.throws(() => control.command({ do: 'askAgain' }, () => {}), { code: 'no-field-open' });
  });

  it('keeps no secure value of a field that was asked for in the open', async () => {
    const collecting = run.execute({ ...COLLECT, into: { scope: 'flow', name: 'choice' } });
    customer.press('1234');
    assert.deepEqual(await collecting, {
      event: { type: 'collected', result: { ok: true, value: '1234' } },
    });
    assert.equal(liveSecureValues(), 0);
  });

  it('takes a menu of the name of a secure value without touching that value', async () => {
    const collecting = run.execute(COLLECT);
    customer.press('1234');
    await collecting;
    const menu = run.execute({
      ...COLLECT,
      field: { kind: 'menu', min: 1, max: 1, brands: [], cardVariable: null, choices: '12' },
      into: { scope: 'menu', name: 'pin' },
    });
    customer.press('#');
    customer.press('2');
    assert.deepEqual(await menu, { event: { type: 'collected', result: { ok: true, value: '2' } } });
    assert.equal(values.get('pin')?.length, 4);
    assert.equal(liveSecureValues(), 1);
  });

  it("tells a module's variable by the author's name, and holds it apart from the flow's", async () => {
    const mine = run.execute(COLLECT);
    customer.press('1234');
    await mine;
    const own = run.execute({ ...COLLECT, into: { scope: 'secure', name: 'take#3.pin' } });
    customer.press('#5678');
    await own;
    assert.deepEqual([...names], ['pin']);
    await run.execute({ do: 'extract', source: 'take#3.pin', transform: 'length' });
    assert.deepEqual(
      published.flatMap((event) => (event.type === 'secure.extracted' ? [event.variable] : [])),
      ['pin'],
    );
    await run.execute({ ...CHARGE, secureInputs: { mine: 'pin', own: 'take#3.pin' } } as FlowCommand);
    const charge = charged[0]?.secure;
    const shown = (input: string) =>
      charge?.get(input)?.use('field-check', (digits) => String.fromCharCode(...digits));
    assert.deepEqual([shown('mine'), shown('own')], ['1234', '5678']);
    values.wipe();
    assert.equal(liveSecureValues(), 0);
  });

  it('waits as long as the flow says, and not a moment longer once the caller has hung up', async () => {
    assert.deepEqual(await run.execute({ do: 'wait', ms: 1 }), { event: { type: 'waited' } });
    const waiting = run.execute({ do: 'wait', ms: 300_000 });
    hangUp.abort();
    assert.deepEqual(await waiting, { event: { type: 'waited' } });
    assert.deepEqual(await run.execute({ do: 'wait', ms: 300_000 }), { event: { type: 'waited' } });
  });

  it('gives each charge of a session its own key, and only the end of the process gives it up', async () => {
    const collecting = run.execute(COLLECT);
    customer.press('1234');
    await collecting;
    await run.execute(CHARGE);
    const [request] = charged;
    assert.equal(request?.idempotencyKey, 's1:tasks.main[3]#2');
    hangUp.abort();
    assert.equal(request?.signal.aborted, false);
    shutdown.abort();
    assert.equal(request?.signal.aborted, true);
  });

  async function keyEight(): Promise<void> {
    const collecting = run.execute({ ...COLLECT, field: { ...COLLECT.field, min: 8, max: 8 } });
    customer.press('12345678');
    await collecting;
  }

  it('asks a data action with plain inputs, tells name, status and duration, and hides echoes', async () => {
    await keyEight();
    const asking = run.execute(ASK);
    crm.succeed({ name: 'Ann', echo: '1234-5678', number: 12_345_678 });
    const outputs = { name: 'Ann', echo: '[redacted]', number: '[redacted]' };
    const result = { status: 'success', error: '', message: '', outputs };
    assert.deepEqual(await asking, { event: { type: 'dataAnswered', result } });
    assert.equal(crm.requests[0]?.idempotencyKey, 's1:tasks.main[3]#2');
    assert.deepEqual(published, [{ type: 'flow.data', action: 'crm', status: 'success', durationMs: 0 }]);
  });

  it('sends no input that shows what was keyed, wherever it came from', async () => {
    await keyEight();
    for (const leak of ['a 1234 5678 b', 12_345_678]) {
      const { event } = (await run.execute({ ...ASK, inputs: { leak } })) as { event: { result: object } };
      const message = 'an input shows a value of the secure session';
      assert.deepEqual(event.result, { status: 'failure', error: 'secure-value', message, outputs: {} });
    }
    assert.equal(crm.requests.length, 0);
    assert.equal(published.length, 2);
    assert.doesNotMatch(JSON.stringify(published), /1234/);
  });

  it('gives a plain data action up at once when the caller hangs up', async () => {
    const asking = run.execute(ASK);
    hangUp.abort();
    const { event } = (await asking) as { event: { result: { error: string } } };
    assert.equal(event.result.error, 'cancelled');
  });

  /** Keys 12345678 into a secure value. */
  async function keyed(): Promise<void> {
    const collecting = run.execute({ ...COLLECT, field: { ...COLLECT.field, max: 8 } });
    customer.press('12345678');
    assert.deepEqual(await collecting, { event: { type: 'collected', result: { ok: true } } });
  }

  it('ends with the transfer, which is made when secure mode is left', async () => {
    assert.deepEqual(await run.execute(TO_NUMBER), { end: { kind: 'transfer', command: TO_NUMBER } });
    assert.equal(customer.played, 0);
    await run.execute({ ...TO_NUMBER, preTransferAudio: [{ text: 'One moment.' }] });
    assert.equal(customer.played, 1);
  });

  it('makes no transfer when the agent has ended the session during its prompt', async () => {
    hangUp.abort();
    const executed = await run.execute({ ...TO_NUMBER, preTransferAudio: [{ text: 'One moment.' }] });
    const message = 'the session has ended';
    assert.deepEqual(executed, { event: { type: 'transferFailed', error: 'cancelled', message } });
  });

  it('disconnects instead of a transfer whose target shows what was keyed', async () => {
    await keyed();
    assert.deepEqual(await run.execute({ ...TO_NUMBER, number: '+12345678' }), DISCONNECTED);
    const toAgent = { ...TO_NUMBER, do: 'transferToAgent', agent: 'x-1234-5678' } as const;
    assert.deepEqual(await run.execute(toAgent), DISCONNECTED);
    const toQueue = { ...TO_NUMBER, do: 'transferToQueue', queue: '12345678' } as const;
    assert.deepEqual(await run.execute(toQueue), DISCONNECTED);
  });

  it('goes on with another secure flow, which finds nothing of what was keyed', async () => {
    await keyed();
    const toFlow = {
      do: 'transferToFlow',
      flow: 'next',
      invocationData: '1234567',
      preTransferAudio: [],
    } as const;
    assert.deepEqual(await run.execute(toFlow), { next: NEXT, invocationData: '1234567' });
    assert.equal(liveSecureValues(), 0);
    assert.equal(values.get('pin'), undefined);
    values.create('pin', 'digits');
  });

  it('goes on with no inbound flow, no unknown one, and none that is told what was keyed', async () => {
    await keyed();
    const toFlow = { do: 'transferToFlow', flow: 'next', invocationData: '', preTransferAudio: [] } as const;
    assert.deepEqual(await run.execute({ ...toFlow, flow: 'open' }), DISCONNECTED);
    assert.deepEqual(await run.execute({ ...toFlow, flow: 'other' }), DISCONNECTED);
    assert.deepEqual(await run.execute({ ...toFlow, invocationData: 'n 12345678' }), DISCONNECTED);
  });

  it('sets attributes and publishes events, but none that shows what was keyed', async () => {
    await keyed();
    const set = { do: 'setParticipantData', attributes: { last4: '5678', count: 3 } } as const;
    assert.deepEqual(await run.execute(set), { event: { type: 'applied', refusal: null } });
    assert.deepEqual(participant.attributes, { last4: '5678', count: 3 });
    const event = { do: 'sendEvent', type: 'paid', data: { last4: '5678' } } as const;
    assert.deepEqual(await run.execute(event), { event: { type: 'applied', refusal: null } });
    const refusal = { error: 'secure-value', message: 'the data shows a value of the secure session' };
    const refused = { event: { type: 'applied', refusal } };
    assert.deepEqual(await run.execute({ ...set, attributes: { last4: '1', card: '1234 5678' } }), refused);
    assert.deepEqual(await run.execute({ ...set, attributes: { card: 12345678 } }), refused);
    assert.deepEqual(await run.execute({ ...event, data: { card: '12345678' } }), refused);
    assert.deepEqual(participant.attributes, { last4: '5678', count: 3 });
    assert.deepEqual(
      published.map(({ type }) => type),
      ['participant.data', 'flow.event'],
    );
  });

  it('reads no attribute that shows what was keyed', async () => {
    participant.setAttributes({ told: '12345678', customer: '4711' }, () => {});
    await keyed();
    const read = await run.execute({ do: 'getParticipantData', names: ['told', 'customer', 'none'] });
    const attributes = { told: '[redacted]', customer: '4711' };
    assert.deepEqual(read, { event: { type: 'participantData', attributes } });
  });
});
