import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadConfig } from '../../config/config.js';
import { judge } from '../../server/connectors/answer.js';
import { createConnector } from '../../server/connectors/create-connector.js';
import { SandboxConnector } from '../../server/connectors/sandbox-connector.js';
import { TEST_ACCOUNTS, TEST_CARDS } from '../../server/connectors/test-cards.js';
import { within } from '../kit/deadline.js';
import { Gateway } from '../kit/gateway.js';
import { chargeRequest, secureInputs } from '../kit/gateway-charge.js';

/** The nearest folder above this compiled file that holds the documentation. */
function docs(): string {
  let folder = new URL('./', import.meta.url);
  while (!existsSync(new URL('docs/connectors.md', folder))) {
    const above = new URL('../', folder);
    assert.notEqual(above.href, folder.href, 'docs/connectors.md is somewhere above');
    folder = above;
  }
  return readFileSync(new URL('docs/connectors.md', folder), 'utf8');
}

const text = docs();

const cards = [...text.matchAll(/^\| `(\d+)` \| (\w+) \| `([a-z-]+)` \| (?:`([a-z-]+)` )?\|$/gm)].map(
  ([, number = '', brand = '', status = '', reason = '']) => ({ number, brand, status, reason }),
);

const accounts = [...text.matchAll(/^\| `(\d+)` \| `([a-z-]+)` \| (?:`([a-z-]+)` )?\|$/gm)].map(
  ([, number = '', status = '', reason = '']) => ({ number, status, reason }),
);

const examples = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json = '']) => JSON.parse(json));

const luhn = (number: string): boolean =>
  [...number].reverse().reduce((sum, digit, i) => {
    const value = Number(digit) * (i % 2 === 0 ? 1 : 2);
    return sum + (value > 9 ? value - 9 : value);
  }, 0) %
    10 ===
  0;

/** What a gateway gets of one charge. */
async function sent(changes: Parameters<typeof chargeRequest>[0]) {
  const gateway = await Gateway.start();
  const connector = createConnector('payment', {
    type: 'https',
    url: gateway.url,
    timeoutMs: 5000,
    retries: 0,
    allowInsecureHttp: true,
  });
  await within(connector.charge(chargeRequest(changes)), 5000, 'the charge');
  await connector.close();
  await gateway.close();
  return gateway.requests[0];
}

describe('docs/connectors.md', () => {
  it('has examples of configuration that load', () => {
    const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, yaml = '']) => yaml);
    assert.ok(blocks.length >= 7, `${blocks.length} examples`);
    const gateway = 'connectors:\n  payment:\n    type: https\n    url: https://gateway.example/v1/charges\n';
    const directory = mkdtempSync(join(tmpdir(), 'tacet-docs-'));
    for (const block of blocks) {
      const file = join(directory, 'tacet.yaml');
      writeFileSync(file, block.startsWith('connectors:') ? block : gateway + block);
      assert.ok(loadConfig({ file, env: {}, cwd: '/' }).connectors.payment, block);
    }
    rmSync(directory, { recursive: true });
  });

  it('lists the test cards of the sandbox, all and no other', () => {
    const complement = (number: string) => number.replace(/\d/g, (digit) => String(9 - Number(digit)));
    const documented = cards.map(({ number, ...rest }) => ({ ...rest, ninesComplement: complement(number) }));
    const sorted = (list: readonly { ninesComplement: string }[]) =>
      [...list].sort((a, b) => (a.ninesComplement < b.ninesComplement ? -1 : 1));
    assert.deepEqual(sorted(documented), sorted(TEST_CARDS));
  });

  for (const { number, status, reason } of cards) {
    it(`says what the sandbox does with the card ending in ${number.slice(-4)}`, async () => {
      assert.ok(luhn(number), 'a card that a flow accepts');
      const secure = secureInputs({ cardNumber: number });
      const result = await new SandboxConnector('payment').charge(chargeRequest({ secure }));
      assert.equal(result.status, status);
      assert.equal(result.reason, reason);
    });
  }

  it('lists the test bank accounts of the sandbox, all and no other, and what it does with each', async () => {
    assert.equal(accounts.length, TEST_ACCOUNTS.length);
    for (const { number, status, reason } of accounts) {
      const secure = secureInputs({ routingNumber: '110000000', accountNumber: number });
      const result = await new SandboxConnector('payment').charge(chargeRequest({ secure }));
      assert.deepEqual([result.status, result.reason], [status, reason]);
    }
  });

  it('shows the request for a bank account that is sent', async () => {
    const { operation, idempotencyKey, bankAccount, ...inputs } = examples[1];
    assert.equal(operation, 'charge');
    const request = await sent({ idempotencyKey, inputs, secure: secureInputs(bankAccount) });
    assert.deepEqual(request?.body, examples[1]);
  });

  it('shows the request that is sent', async () => {
    const [{ operation, idempotencyKey, card, ...inputs }] = examples;
    assert.equal(operation, 'charge');
    const { number: cardNumber, expiry, securityCode, postalCode } = card;
    const secure = secureInputs({
      cardNumber,
      expiry: expiry.month + expiry.year.slice(2),
      securityCode,
      postalCode,
    });
    const request = await sent({ idempotencyKey, inputs, secure });
    assert.deepEqual(request?.body, examples[0]);
    const block = text.match(/^```http\nPOST [\s\S]*?^```$/m)?.[0] ?? '';
    const documented = [...block.matchAll(/^([A-Za-z-]+): /gm)].map(([, name = '']) => name.toLowerCase());
    const own = ['content-length', 'connection'];
    const names = Object.keys(request?.headers ?? {}).filter((name) => !own.includes(name));
    assert.deepEqual(documented.filter((name) => name !== 'authorization').sort(), names.sort());
  });

  it('shows answers that are read as it says', () => {
    const read = (answer: unknown) => {
      const body = Buffer.from(JSON.stringify(answer));
      return judge({ http: 200, retryAfter: undefined, body, cardSent: true }, 'key', secureInputs(), 0);
    };
    const outputs = { confirmation: '481516', authorizationCode: 'A7' };
    const approved = { status: 'approved', reason: '', outputs };
    assert.deepEqual(read(examples[2]), { kind: 'final', result: approved, dropped: [] });
    const declined = { status: 'declined', reason: 'insufficient-funds', outputs: {} };
    assert.deepEqual(read(examples[3]), { kind: 'final', result: declined, dropped: [] });
  });

  const rows = [...text.matchAll(/^\| ([0-9x, a-z]+) \| ([^|]+) \| ([^|]+) \|$/gm)]
    .map(([, statuses = '', body = '', outcome = '']) => ({ statuses, body, outcome: outcome.trim() }))
    .filter(({ statuses }) => /\d/.test(statuses));

  const SAMPLES: Readonly<Record<string, number[]>> = {
    '5xx': [500, 502, 503, 504],
    '3xx': [301, 303, 307],
    'other 2xx': [202, 204],
    'other 4xx': [400, 401, 403, 404, 410, 413, 422],
  };

  function said(body: string): string {
    const status = /`status` is `(\w+)`/.exec(body)?.[1];
    return status === undefined ? '{}' : JSON.stringify({ status });
  }

  function outcomeOf(http: number, body: string): string {
    const bytes = Buffer.from(said(body));
    const answer = { http, retryAfter: undefined, body: bytes, cardSent: true };
    const verdict = judge(answer, 'key', secureInputs(), 0);
    if (verdict.kind === 'final') return `\`${verdict.result.status}\``;
    if (verdict.kind === 'refused') return '`error`';
    const charged = verdict.charged === 'no' ? 'not charged' : 'no verdict, perhaps charged';
    return `${charged}: ${verdict.again ? 'tried again' : 'not followed, not tried again'}`;
  }

  it('has a table of HTTP statuses that holds', () => {
    assert.equal(rows.length, 8);
    for (const { statuses, body, outcome } of rows) {
      for (const status of statuses.split(',').map((one) => one.trim())) {
        for (const http of SAMPLES[status] ?? [Number(status)]) {
          assert.equal(outcomeOf(http, body), outcome, `${http} ${body}`);
        }
      }
    }
  });
});
