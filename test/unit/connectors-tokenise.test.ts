import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { HttpsConfig } from '../../config/connector.js';
import { loadFlow } from '../../flows/loader.js';
import type { ConnectorResult } from '../../server/connectors/connector.js';
import { createConnector } from '../../server/connectors/create-connector.js';
import { SandboxConnector } from '../../server/connectors/sandbox-connector.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { SecureValues } from '../../server/secure/secure-values.js';
import { within } from '../kit/deadline.js';
import { Gateway } from '../kit/gateway.js';
import { chargeRequest, secureInputs, secureValue } from '../kit/gateway-charge.js';

const TOKEN = 'tok_live_A7-09.x';

const tokenOf = (result: ConnectorResult): string =>
  result.secureOutputs?.get('token')?.use('data-action', (held) => Buffer.from(held).toString()) ?? '';

describe('tokenise by https', () => {
  let gateway: Gateway;
  before(async () => {
    gateway = await Gateway.start();
  });
  after(() => gateway.close());

  async function ask(changes: Parameters<typeof chargeRequest>[0], config: Partial<HttpsConfig> = {}) {
    const connector = createConnector('payment', {
      type: 'https',
      url: gateway.url,
      timeoutMs: 5000,
      retries: 0,
      allowInsecureHttp: true,
      ...config,
    });
    const result = await within(connector.charge(chargeRequest(changes)), 5000, 'the answer');
    await connector.close();
    return result;
  }

  const tokenise = { operation: 'tokenise', idempotencyKey: 'k', secureOutputs: ['token'] } as const;
  const said = (body: unknown) =>
    gateway.script({ do: 'answer', http: 200, body: JSON.stringify(body), charges: false });

  it('sends the operation with the card and parameters, and gets the token as a secure value', async () => {
    said({ status: 'approved', token: TOKEN, brand: 'visa' });
    const result = await ask({ ...tokenise, parameters: { vault: 'eu' } });
    assert.deepEqual([result.status, result.outputs], ['approved', { brand: 'visa' }]);
    assert.equal(tokenOf(result), TOKEN);
    assert.equal(JSON.stringify(result).includes(TOKEN), false);
    const body = gateway.requests.at(-1)?.body;
    assert.deepEqual([body?.operation, body?.parameters], ['tokenise', { vault: 'eu' }]);
  });

  it('never shows a token that the flow did not take, unless the configuration declares it plain', async () => {
    said({ status: 'approved', token: TOKEN });
    assert.deepEqual(await ask({ ...tokenise, secureOutputs: [] }), {
      status: 'approved',
      reason: '',
      outputs: {},
    });
    said({ status: 'approved', token: TOKEN });
    const plain = await ask({ ...tokenise, secureOutputs: [] }, { secureOutputs: [] });
    assert.deepEqual(plain.outputs, { token: TOKEN });
  });

  it('is no approval without the token, or with one that is none', async () => {
    for (const token of [undefined, 17, '', 'a"b', 'a\u0000b', 'x'.repeat(256)]) {
      said({ status: 'approved', token });
      const error = { status: 'error', reason: 'missing-output', outputs: {} };
      assert.deepEqual(await ask(tokenise), error, String(token));
    }
  });

  it('leaves no doubt, since nothing is charged', async () => {
    gateway.script({ do: 'reset' });
    assert.equal((await ask(tokenise)).status, 'error');
  });

  it('charges with a token, and drops an output that shows it', async () => {
    said({ status: 'approved', confirmation: '1', note: `by ${TOKEN}` });
    const result = await ask({ secure: new Map([['token', secureValue(TOKEN)]]) });
    assert.deepEqual(result, { status: 'approved', reason: '', outputs: { confirmation: '1' } });
    const body = gateway.requests.at(-1)?.body;
    assert.equal(body?.token, TOKEN);
    assert.equal(body.card, undefined);
  });

  const refused = [
    ['bad-currency', { inputs: { currency: 'EURO' } }],
    ['bad-currency', { inputs: { currency: 'eur' } }],
    ['bad-currency', { inputs: { currency: 978 } }],
    ['reserved-input-name', { inputs: { token: 'x' } }],
    ['reserved-input-name', { inputs: { parameters: 'x' } }],
    ['token-and-card-data', { secure: secureInputs({ token: TOKEN, securityCode: '123' }) }],
    ['token-and-card-data', { ...tokenise, secure: secureInputs({ token: TOKEN }) }],
  ] as const;
  for (const [reason, changes] of refused) {
    it(`sends nothing: ${reason} ${JSON.stringify(Object.keys(changes))}`, async () => {
      const { length } = gateway.requests;
      assert.deepEqual(await ask(changes), { status: 'error', reason, outputs: {} });
      assert.equal(gateway.requests.length, length);
    });
  }
});

const FLOW = `name: keep
type: secure
variables: { card: { type: secure }, token: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }
    - do: callSecureData
      connector: payment
      operation: tokenise
      secureInputs: { cardNumber: secure.card }
      inputs: { currency: '"EUR"' }
      parameters: { purpose: call.to }
      outputs: { token: secure.token }
      into: kept
    - do: callSecureData
      connector: payment
      secureInputs: { token: secure.token }
      into: charge
    - do: disconnect
`;

describe('tokenise in a flow', () => {
  const problem = (from: string, to: string) => () => loadFlow(FLOW.replace(from, to), 'keep.yaml');

  it('fills a secure variable, which a later charge is given', () => {
    assert.equal(loadFlow(FLOW, 'keep.yaml').secureVariables.includes('token'), true);
  });

  it('is refused with a plain variable, an unknown one, and one that nothing fills', () => {
    assert.throws(
      problem('token: secure.token }\n      into: kept', 'token: flow.token }\n      into: kept'),
      /13:25: 'token' must match/,
    );
    assert.throws(
      problem('{ token: secure.token }\n      into: kept', '{ token: secure.tocken }\n      into: kept'),
      /secure\.tocken is not declared/,
    );
    assert.throws(
      problem('      outputs: { token: secure.token }\n', ''),
      /nothing is ever collected into secure\.token/,
    );
  });

  it('is refused with a currency that ISO 4217 does not know', () => {
    assert.throws(problem('"EUR"', '"EURO"'), /11:\d+: 'EURO' is no currency code of ISO 4217/);
    assert.throws(problem('"EUR"', '"eur"'), /'eur' is no currency code/);
  });
});

describe('tokenise by the sandbox', () => {
  const sandbox = new SandboxConnector('payment');
  const declined = '4000000000000002';
  let key = 0;
  const ask = (changes: Parameters<typeof chargeRequest>[0]) => {
    key += 1;
    return sandbox.charge(chargeRequest({ idempotencyKey: `k${key}`, ...changes }));
  };
  const tokenise = (cardNumber: string, tokenType = 'one-time') =>
    ask({
      operation: 'tokenise',
      secure: secureInputs({ cardNumber }),
      inputs: { tokenType },
      secureOutputs: ['token'],
    });
  const charge = (token: string) => ask({ secure: secureInputs({ token }) });

  it('gives a token that charges once, or as often as wanted', async () => {
    const once = tokenOf(await tokenise('4242424242424242'));
    assert.match(once, /^tok_sandbox_\d{9}$/);
    assert.equal((await charge(once)).status, 'approved');
    assert.deepEqual(await charge(once), { status: 'error', reason: 'unknown-token', outputs: {} });
    const often = tokenOf(await tokenise('4242424242424242', 'reusable'));
    for (let i = 0; i < 3; i += 1) assert.equal((await charge(often)).status, 'approved');
  });

  it('does with a token what it does with its card, and tokenises no other', async () => {
    const token = tokenOf(await tokenise(declined));
    assert.equal((await charge(token)).reason, 'card-declined');
    assert.equal((await tokenise('4539578763621486')).reason, 'sandbox-accepts-only-test-cards');
  });

  it('charges nothing by it', async () => {
    const { length } = sandbox.charges();
    await tokenise('4242424242424242');
    assert.equal(sandbox.charges().length, length);
  });
});

describe('secure outputs in a session', () => {
  let live = 0;
  beforeEach(() => {
    live = liveSecureValues();
  });
  afterEach(() => assert.equal(liveSecureValues(), live));

  it('go into their variables, redact what shows them, and are wiped with the session', () => {
    const values = new SecureValues();
    const [token, other] = [secureValue(TOKEN), secureValue('unwanted')];
    values.takeOutputs(
      new Map([
        ['token', token],
        ['other', other],
      ]),
      { token: 'card' },
    );
    assert.equal(values.get('card'), token);
    assert.ok(other.wiped);
    assert.deepEqual(values.redact({ note: `is ${TOKEN}` }), { note: '[redacted]' });
    values.wipe();
    assert.ok(token.wiped);
  });

  it('are wiped at once when the session is over', () => {
    const values = new SecureValues();
    values.wipe();
    const token = secureValue(TOKEN);
    values.takeOutputs(new Map([['token', token]]), { token: 'card' });
    assert.ok(token.wiped);
  });
});
