import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compactDecrypt } from 'jose';
import { within } from '../kit/deadline.js';
import { type Certificate, Gateway, type ReceivedCard, selfSigned } from '../kit/gateway.js';
import { type MemorySearch, memoryUnreadable, type Pattern, searchMemory } from '../kit/memory-scan.js';
import { FakeStripe } from '../kit/stripe.js';

const CARD: ReceivedCard = {
  number: '4539578763621486',
  expiry: { month: '08', year: '2031' },
  securityCode: '7391',
};

const CHILD = fileURLToPath(new URL('./connectors-memory.child.js', import.meta.url));

/** A card of the sandbox, whose list of cards is in the memory too. */
const TEST_CARD: ReceivedCard = { number: '4242424242424242', securityCode: '7391' };

/** What must not be found: the numbers as bytes and as UTF-16, and the security code as it was sent. */
const WANTED: readonly Pattern[] = [
  ...[CARD, TEST_CARD].flatMap(({ number }) => [
    { what: 'a card number', bytes: Buffer.from(number, 'latin1') },
    { what: 'a card number in UTF-16', bytes: Buffer.from(number, 'utf16le') },
  ]),
  { what: 'a security code as Stripe gets it', bytes: Buffer.from(`cvc]=${CARD.securityCode}`, 'latin1') },
  { what: 'a security code', bytes: Buffer.from(`"securityCode":"${CARD.securityCode}"`, 'latin1') },
];

const hidden = (digits: string): string =>
  Buffer.from(Buffer.from(digits, 'latin1').map((code) => code ^ 0x5a)).toString('hex');

class Payer {
  readonly #process: ChildProcess = fork(CHILD, { execArgv: ['--expose-gc'] });
  readonly #answers: ((said: string) => void)[] = [];

  constructor() {
    this.#process.on('message', ({ id, said }: { id: number; said: string }) => this.#answers[id]?.(said));
  }

  /** Gives an order and resolves with the answer to it, which may come after answers to later orders. */
  tell(order: Readonly<Record<string, unknown>>): Promise<string> {
    const { length: id } = this.#answers;
    const answer = new Promise<string>((resolve) => this.#answers.push(resolve));
    this.#process.send({ id, order });
    return within(answer, 20_000, `payer: ${order.do}`);
  }

  async load(card: ReceivedCard): Promise<void> {
    const inputs = {
      cardNumber: hidden(card.number),
      expiry: hidden('0831'),
      securityCode: hidden(card.securityCode ?? ''),
    };
    await this.tell({ do: 'load', inputs });
  }

  search(): MemorySearch {
    return searchMemory(this.#process.pid ?? 0, WANTED);
  }

  async stop(): Promise<void> {
    const exit = once(this.#process, 'exit');
    this.#process.disconnect();
    await within(exit, 10_000, 'payer gone');
  }
}

describe('memory of a process that charged', { skip: memoryUnreadable }, () => {
  let certificate: Certificate;
  before(() => {
    certificate = selfSigned();
  });
  after(() => certificate.remove());

  async function withPayer(secure: boolean, use: (payer: Payer, gateway: Gateway) => Promise<void>) {
    const gateway = await Gateway.start(secure ? certificate : undefined);
    const payer = new Payer();
    try {
      await payer.load(CARD);
      await use(payer, gateway);
    } finally {
      await payer.stop();
      await gateway.close();
    }
  }

  const chargeOrder = (gateway: Gateway, key: string) => ({
    do: 'charge',
    url: gateway.url,
    key,
    ...(gateway.url.startsWith('https:') ? { caFile: certificate.caFile } : {}),
  });

  const charge = (payer: Payer, gateway: Gateway, key: string) => payer.tell(chargeOrder(gateway, key));

  const echo = ({ number, securityCode }: ReceivedCard) => ({
    padding: 'x'.repeat(6000),
    number,
    note: `card ${number}`,
    securityCode,
  });

  it('is searched by something that finds a secure value, and a planted string', async () => {
    await withPayer(false, async (payer) => {
      const { found, bytes } = payer.search();
      assert.equal(found, 1, 'the secure value and no copy of it');
      assert.ok(bytes > 20_000_000, `searched ${bytes} bytes`);
      await payer.tell({ do: 'plant' });
      await payer.tell({ do: 'wipe' });
      assert.ok(payer.search().found > 0, 'the planted string is found');
    });
  });

  it('holds no card after the sandbox took it', async () => {
    const payer = new Payer();
    try {
      await payer.load(TEST_CARD);
      assert.equal(await payer.tell({ do: 'charge', key: 'sandbox' }), 'approved confirmation');
      assert.equal(payer.search().found, 1, 'only the secure value');
      await payer.tell({ do: 'wipe' });
      assert.equal(payer.search().found, 0);
    } finally {
      await payer.stop();
    }
  });

  it('holds no card after a charge by the library of Stripe', async () => {
    const stripe = await FakeStripe.start();
    const payer = new Payer();
    try {
      await payer.load(CARD);
      const said = await payer.tell({ do: 'stripe', apiBase: stripe.url, key: 'stripe' });
      assert.equal(said, 'approved confirmation');
      assert.equal(stripe.requests[0]?.form['card[number]'], CARD.number);
      assert.equal(payer.search().found, 1, 'only the secure value');
      await payer.tell({ do: 'wipe' });
      assert.equal(payer.search().found, 0);
    } finally {
      await payer.stop();
      await stripe.close();
    }
  });

  it('holds no card after it was signed and encrypted', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const directory = mkdtempSync(join(tmpdir(), 'tacet-memory-'));
    const file = join(directory, 'gateway.pem');
    writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }));
    const hmacFile = join(directory, 'hmac');
    writeFileSync(hmacFile, 'k'.repeat(40), { mode: 0o600 });
    const gateway = await Gateway.start(certificate, {
      decrypt: async (body) => Buffer.from((await compactDecrypt(body, privateKey)).plaintext),
    });
    const payer = new Payer();
    const signature = { algorithm: 'sha256', header: 'S', key: { file: hmacFile } };
    const encryption = { algorithm: 'ECDH-ES', keys: [{ kid: 'a', file }] };
    try {
      await payer.load(CARD);
      const order = { ...chargeOrder(gateway, 'sealed'), changes: { signature, encryption } };
      assert.equal(await payer.tell(order), 'approved confirmation');
      assert.deepEqual(gateway.requests.at(-1)?.body.card, CARD);
      assert.equal(payer.search().found, 1, 'only the secure value');
      await payer.tell({ do: 'wipe' });
      assert.equal(payer.search().found, 0);
    } finally {
      await payer.stop();
      await gateway.close();
      rmSync(directory, { recursive: true });
    }
  });

  for (const secure of [false, true]) {
    const scheme = secure ? 'https' : 'http';

    it(`holds no card after an approval over ${scheme}`, async () => {
      await withPayer(secure, async (payer, gateway) => {
        assert.equal(await charge(payer, gateway, 'one'), 'approved confirmation');
        assert.deepEqual(gateway.requests[0]?.body.card, CARD);
        assert.equal(payer.search().found, 1, 'only the secure value, which its owner wipes');
        await payer.tell({ do: 'wipe' });
        assert.equal(payer.search().found, 0);
      });
    });

    it(`holds no card after a lost answer and a second try over ${scheme}`, async () => {
      await withPayer(secure, async (payer, gateway) => {
        gateway.script({ do: 'reset', charges: true });
        assert.equal(await charge(payer, gateway, 'two'), 'approved confirmation');
        assert.equal(gateway.requests.length, 2);
        await payer.tell({ do: 'wipe' });
        assert.equal(payer.search().found, 0);
      });
    });

    it(`holds no card after an answer over ${scheme} that echoes it`, async () => {
      await withPayer(secure, async (payer, gateway) => {
        gateway.script({ do: 'approve', outputs: echo });
        assert.equal(await charge(payer, gateway, 'three'), 'approved confirmation padding');
        await payer.tell({ do: 'wipe' });
        assert.equal(payer.search().found, 0);
      });
    });

    it(`holds no card while it waits over ${scheme}, nor when it was wiped before an echo`, async () => {
      await withPayer(secure, async (payer, gateway) => {
        gateway.script({ do: 'hold', outputs: echo });
        const charged = payer.tell(chargeOrder(gateway, 'four'));
        await gateway.received(1);
        assert.equal(payer.search().found, 1, 'only the secure value');
        assert.equal(await payer.tell({ do: 'wipe' }), 'wiped');
        assert.equal(payer.search().found, 0);
        gateway.release();
        assert.equal(await charged, 'in-doubt');
        assert.equal(payer.search().found, 0);
      });
    });
  }
});
