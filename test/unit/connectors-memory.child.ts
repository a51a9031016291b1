import type { HttpsConfig } from '../../config/connector.js';
import type { ConnectorConfig } from '../../config/schema.js';
import { createConnector } from '../../server/connectors/create-connector.js';
import { SecureValue } from '../../server/secure/secure-value.js';

/**
 * The process whose memory connectors-memory.test.ts searches. It is told the digits XOR 0x5a in hex, so
 * that they stand nowhere in it but in secure values.
 */

type Order =
  | { readonly do: 'load'; readonly inputs: Readonly<Record<string, string>> }
  /** Charges by Stripe's library at this base. */
  | { readonly do: 'stripe'; readonly apiBase: string; readonly key: string }
  /** Without a `url` the sandbox is charged. */
  | {
      readonly do: 'charge';
      readonly url?: string;
      readonly caFile?: string;
      readonly key: string;
      readonly changes?: Partial<HttpsConfig>;
    }
  | { readonly do: 'wipe' }
  /** Does what a connector must not: keeps the number as a string. */
  | { readonly do: 'plant' };

const secure = new Map<string, SecureValue>();
let planted = '';

function load(inputs: Readonly<Record<string, string>>): string {
  for (const [name, hex] of Object.entries(inputs)) {
    const value = new SecureValue();
    for (const code of Buffer.from(hex, 'hex')) value.append(code ^ 0x5a);
    secure.set(name, value);
  }
  return 'loaded';
}

function configOf({ url, caFile, changes }: Extract<Order, { do: 'charge' }>): ConnectorConfig {
  if (url === undefined) return { type: 'sandbox' };
  const allowInsecureHttp = url.startsWith('http:');
  const trust = caFile === undefined ? {} : { caFile };
  return { type: 'https', url, timeoutMs: 5000, retries: 1, allowInsecureHttp, ...trust, ...changes };
}

function stripeConfig({ apiBase }: Extract<Order, { do: 'stripe' }>): ConnectorConfig {
  process.env.TACET_TEST_STRIPE = 'sk_test_fake';
  const secretKey = { env: 'TACET_TEST_STRIPE' };
  return { type: 'stripe', secretKey, apiBase, timeoutMs: 5000, allowInsecureHttp: true };
}

async function charge(key: string, config: ConnectorConfig): Promise<string> {
  const connector = createConnector('payment', config);
  const inputs = { amount: 1250, currency: 'EUR' };
  const { signal } = new AbortController();
  const result = await connector.charge({ operation: 'charge', idempotencyKey: key, secure, inputs, signal });
  await connector.close();
  return `${result.status} ${Object.keys(result.outputs).join(' ')}`.trim();
}

async function run(order: Order): Promise<string> {
  if (order.do === 'load') return load(order.inputs);
  if (order.do === 'charge') return await charge(order.key, configOf(order));
  if (order.do === 'stripe') return await charge(order.key, stripeConfig(order));
  if (order.do === 'wipe') for (const value of secure.values()) value.wipe();
  if (order.do === 'plant') {
    planted = secure.get('cardNumber')?.use('data-action', (digits) => Buffer.from(digits).toString()) ?? '';
    return `planted ${planted.length}`;
  }
  return 'wiped';
}

process.on('message', ({ id, order }: { id: number; order: Order }) => {
  void run(order).then((said) => {
    globalThis.gc?.();
    process.send?.({ id, said });
  });
});
