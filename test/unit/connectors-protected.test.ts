import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { compactDecrypt, decodeProtectedHeader } from 'jose';
import type { HttpsConfig } from '../../config/connector.js';
import { createConnector } from '../../server/connectors/create-connector.js';
import { within } from '../kit/deadline.js';
import { type Certificate, Gateway, selfSigned } from '../kit/gateway.js';
import { chargeRequest, KEYED } from '../kit/gateway-charge.js';
import { GatewayClock } from '../kit/gateway-clock.js';

const soon = <T>(promise: Promise<T>) => within(promise, 5000, 'the charge');

const HMAC_KEY = '8f14e45fceea167a5a36dedd4bea2543-of-the-gateway';

describe('https connector: mutual TLS, signature, encrypted body', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tacet-protected-'));
  let server: Certificate;
  let client: Certificate;
  let other: Certificate;
  let encrypted: string;
  before(() => {
    server = selfSigned();
    client = selfSigned('tacet at acme');
    other = selfSigned('somebody else');
    process.env.TACET_TEST_HMAC = HMAC_KEY;
    process.env.TACET_TEST_PASSPHRASE = 'correct horse';
    encrypted = privateFile(
      'encrypted.pem',
      createPrivateKey(client.key).export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'correct horse',
      }),
    );
  });
  after(() => {
    delete process.env.TACET_TEST_HMAC;
    delete process.env.TACET_TEST_PASSPHRASE;
    for (const certificate of [server, client, other]) certificate.remove();
    rmSync(directory, { recursive: true });
  });

  function privateFile(name: string, text: string | Buffer): string {
    const file = join(directory, name);
    writeFileSync(file, text);
    chmodSync(file, 0o600);
    return file;
  }

  const create = (changes: Partial<HttpsConfig>, clock = new GatewayClock(Date.now())) =>
    createConnector(
      'payment',
      {
        type: 'https',
        url: 'https://gateway.example/charges',
        timeoutMs: 5000,
        retries: 0,
        allowInsecureHttp: false,
        ...changes,
      },
      { clock },
    );

  async function charged(gateway: Gateway, changes: Partial<HttpsConfig>, clock?: GatewayClock) {
    const connector = create({ url: gateway.url, caFile: server.caFile, ...changes }, clock);
    const result = await soon(connector.charge(chargeRequest()));
    await connector.close();
    return result;
  }

  describe('mutual TLS', () => {
    let gateway: Gateway;
    before(async () => {
      gateway = await Gateway.start(server, { clientAuthorities: client.cert });
    });
    after(() => gateway.close());

    it('shows its certificate', async () => {
      const clientCertificate = { certFile: client.caFile, key: { file: client.keyFile } };
      assert.equal((await charged(gateway, { clientCertificate })).status, 'approved');
      assert.equal(gateway.requests.at(-1)?.clientName, 'tacet at acme');
    });

    it('reads a key that is encrypted', async () => {
      const clientCertificate = {
        certFile: client.caFile,
        key: { file: encrypted },
        passphrase: { env: 'TACET_TEST_PASSPHRASE' },
      };
      assert.equal((await charged(gateway, { clientCertificate })).status, 'approved');
    });

    it('is not charged without a certificate, or with one that the gateway does not know', async () => {
      const { length } = gateway.requests;
      const wrong = { certFile: other.caFile, key: { file: other.keyFile } };
      for (const changes of [{}, { clientCertificate: wrong }]) {
        const { status } = await charged(gateway, changes);
        assert.notEqual(status, 'approved');
        assert.notEqual(status, 'declined');
      }
      assert.equal(gateway.requests.length, length);
    });

    const refused: readonly (readonly [string, () => Partial<HttpsConfig>, RegExp])[] = [
      ['a certificate that is not there', () => pair('/nonexistent/cert.pem', client.keyFile), /nonexistent/],
      ['a certificate that is none', () => pair(client.keyFile, client.keyFile), /key\.pem holds no cert/],
      ['a key that is not there', () => pair(client.caFile, '/nonexistent/key.pem'), /nonexistent/],
      ['a key that is none', () => pair(client.caFile, privateFile('no.pem', 'no')), /cannot be read/],
      ['an encrypted key alone', () => pair(client.caFile, encrypted), /`passphrase`/],
      ['the key of another', () => pair(client.caFile, other.keyFile), /is not that of .*cert\.pem/],
      ['a key that others may read', () => pair(client.caFile, openKey()), /chmod 600/],
      ['authorities that are none', () => ({ caFile: client.keyFile }), /holds no certificate/],
    ];
    const pair = (certFile: string, key: string) => ({ clientCertificate: { certFile, key: { file: key } } });
    function openKey(): string {
      const file = privateFile('open.pem', client.key);
      chmodSync(file, 0o644);
      return file;
    }
    for (const [name, changes, message] of refused) {
      it(`refuses ${name} at the start, naming the connector and no key`, () => {
        assert.throws(
          () => create(changes()),
          (error: Error) => {
            assert.match(error.message, /^connector payment: /);
            assert.match(error.message, message);
            assert.doesNotMatch(error.message, /PRIVATE KEY/);
            return true;
          },
        );
      });
    }

    it('refuses a certificate that has expired, and one that is not valid yet', () => {
      const day = 86_400_000;
      const config = pair(client.caFile, client.keyFile);
      assert.throws(() => create(config, new GatewayClock(Date.now() + 3 * day)), /cert\.pem has expired/);
      assert.throws(() => create(config, new GatewayClock(Date.now() - 2 * day)), /not valid before/);
    });
  });

  describe('signature', () => {
    const signature = {
      algorithm: 'sha256',
      header: 'Tacet-Signature',
      key: { env: 'TACET_TEST_HMAC' },
    } as const;

    /** The canonical form of docs/connectors.md, as a gateway would write it. */
    const expected = (seconds: string, key: string, path: string, body: Buffer, algorithm = 'sha256') =>
      createHmac(algorithm, HMAC_KEY)
        .update(Buffer.concat([Buffer.from(`v1\n${seconds}\n${key}\nPOST\n${path}\n`), body]))
        .digest('hex');

    async function signed(changes: Partial<HttpsConfig>, clock = new GatewayClock(1_795_788_000_999)) {
      const gateway = await Gateway.start();
      const url = `${gateway.url}?merchant=acme`;
      const connector = create({ url, allowInsecureHttp: true, ...changes }, clock);
      assert.equal((await soon(connector.charge(chargeRequest()))).status, 'approved');
      await connector.close();
      await gateway.close();
      const [request] = gateway.requests;
      assert.ok(request);
      return request;
    }

    it('covers time, idempotency key, method, path and body', async () => {
      const { headers, raw, path } = await signed({ signature });
      assert.equal(path, '/charges?merchant=acme');
      const hex = expected('1795788000', String(headers['idempotency-key']), path, raw);
      assert.equal(headers['tacet-signature'], `t=1795788000,v1=${hex}`);
      assert.ok(raw.includes(KEYED.cardNumber), 'what was signed is what was sent');
    });

    it('has the hash, the header and the key identifier of the configuration', async () => {
      const own = { ...signature, algorithm: 'sha512', header: 'X-Sig', keyId: 'k2' } as const;
      const { headers, raw, path } = await signed({ signature: own });
      const hex = expected('1795788000', String(headers['idempotency-key']), path, raw, 'sha512');
      assert.equal(headers['x-sig'], `kid=k2,t=1795788000,v1=${hex}`);
    });

    it('is made anew for each try', async () => {
      const clock = new GatewayClock(1_795_788_000_000);
      const gateway = await Gateway.start();
      gateway.script({ do: 'answer', http: 503 });
      const connector = create({ url: gateway.url, allowInsecureHttp: true, retries: 1, signature }, clock);
      const charge = connector.charge(chargeRequest());
      await clock.armed(200);
      clock.advance(200 + 2000);
      assert.equal((await soon(charge)).status, 'approved');
      const times = gateway.requests.map(({ headers }) => String(headers['tacet-signature']).slice(0, 12));
      assert.deepEqual(times, ['t=1795788000', 't=1795788002']);
      await connector.close();
      await gateway.close();
    });

    it('refuses a key that is too short, and a header that is taken', () => {
      process.env.TACET_TEST_SHORT = 'tooshort';
      const short = { ...signature, key: { env: 'TACET_TEST_SHORT' } };
      assert.throws(
        () => create({ signature: short }),
        ({ message }: Error) => /at least 32/.test(message) && !message.includes('tooshort'),
      );
      delete process.env.TACET_TEST_SHORT;
      assert.throws(() => create({ signature: { ...signature, header: 'authorization' } }), /is taken/);
      const headers = { 'x-sig': 'a' };
      assert.throws(() => create({ headers, signature: { ...signature, header: 'X-Sig' } }), /is taken/);
    });
  });

  describe('encrypted body', () => {
    const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
    const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const publicFile = (name: string, key: KeyObject) =>
      privateFile(name, key.export({ type: 'spki', format: 'pem' }));

    /** Opens what is encrypted to one of the private keys, as a gateway in a rotation does. */
    async function opening(keys: Readonly<Record<string, KeyObject>>) {
      return Gateway.start(server, {
        decrypt: async (body) => {
          const { kid = '' } = decodeProtectedHeader(body.toString());
          const key = keys[kid];
          assert.ok(key, `no private key ${kid}`);
          return Buffer.from((await compactDecrypt(body.toString(), key)).plaintext);
        },
      });
    }

    for (const [algorithm, pair] of [
      ['RSA-OAEP-256', rsa],
      ['ECDH-ES', ec],
    ] as const) {
      it(`reaches the gateway by ${algorithm}, and nobody else can read it`, async () => {
        const { publicKey, privateKey } = pair();
        const gateway = await opening({ 'key-1': privateKey });
        const keys = [{ kid: 'key-1', file: publicFile(`${algorithm}.pem`, publicKey) }];
        const result = await charged(gateway, { encryption: { algorithm, keys } });
        assert.equal(result.status, 'approved');
        const [request] = gateway.requests;
        assert.equal(request?.body.card.number, KEYED.cardNumber);
        assert.equal(request.body.amount, 1250);
        assert.equal(request.headers['content-type'], 'application/jose');
        assert.match(request.raw.toString(), /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/);
        const header = decodeProtectedHeader(request.raw.toString());
        assert.deepEqual([header.alg, header.enc, header.kid], [algorithm, 'A256GCM', 'key-1']);
        await gateway.close();
      });
    }

    it('is signed as it is sent', async () => {
      const { publicKey, privateKey } = ec();
      const gateway = await opening({ a: privateKey });
      const keys = [{ kid: 'a', file: publicFile('signed.pem', publicKey) }];
      const signature = { algorithm: 'sha256', header: 'S', key: { env: 'TACET_TEST_HMAC' } } as const;
      await charged(gateway, { encryption: { algorithm: 'ECDH-ES', keys }, signature });
      const [request] = gateway.requests;
      const [t = '', hex] = String(request?.headers.s)
        .split(/,?[tv]1?=/)
        .slice(1);
      const form = `v1\n${t}\n${request?.headers['idempotency-key']}\nPOST\n/charges\n${request?.raw}`;
      assert.equal(hex, createHmac('sha256', HMAC_KEY).update(form).digest('hex'));
      await gateway.close();
    });

    it('goes to the next key from its time on', async () => {
      const [old, next] = [ec(), ec()];
      const gateway = await opening({ old: old.privateKey, next: next.privateKey });
      const keys = [
        { kid: 'next', file: publicFile('next.pem', next.publicKey), validFrom: '2027-01-31T00:00:00Z' },
        { kid: 'old', file: publicFile('old.pem', old.publicKey) },
      ];
      const clock = new GatewayClock(Date.parse('2027-01-30T23:59:59.999Z'));
      const config: HttpsConfig = {
        type: 'https',
        url: gateway.url,
        timeoutMs: 5000,
        retries: 0,
        caFile: server.caFile,
        allowInsecureHttp: false,
        encryption: { algorithm: 'ECDH-ES', keys },
      };
      const connector = createConnector('payment', config, { clock });
      await soon(connector.charge(chargeRequest({ idempotencyKey: 'before' })));
      clock.advance(1);
      await soon(connector.charge(chargeRequest({ idempotencyKey: 'after' })));
      const kids = gateway.requests.map(({ raw }) => decodeProtectedHeader(raw.toString()).kid);
      assert.deepEqual(kids, ['old', 'next']);
      await connector.close();
      await gateway.close();
    });

    it('leaves doubt when the connection ends after it was sent, and none before', async () => {
      const { publicKey, privateKey } = ec();
      const gateway = await opening({ a: privateKey });
      const keys = [{ kid: 'a', file: publicFile('doubt.pem', publicKey) }];
      const encryption = { algorithm: 'ECDH-ES', keys } as const;
      gateway.script({ do: 'reset', charges: true });
      assert.equal((await charged(gateway, { encryption })).status, 'in-doubt');
      gateway.dropConnections(1);
      assert.equal((await charged(gateway, { encryption })).status, 'error');
      await gateway.close();
    });

    it('is not sent once the card is gone', async () => {
      const { publicKey, privateKey } = ec();
      const gateway = await opening({ a: privateKey });
      const encryption = {
        algorithm: 'ECDH-ES' as const,
        keys: [{ kid: 'a', file: publicFile('gone.pem', publicKey) }],
      };
      const connector = create({ url: gateway.url, caFile: server.caFile, encryption });
      const request = chargeRequest();
      const charge = connector.charge(request);
      for (const value of request.secure.values()) value.wipe();
      assert.deepEqual(await soon(charge), { status: 'error', reason: 'card-data-gone', outputs: {} });
      assert.equal(gateway.requests.length, 0);
      await connector.close();
      await gateway.close();
    });

    it('refuses keys that cannot be used, naming them', () => {
      const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
      const refuse = (algorithm: 'RSA-OAEP-256' | 'ECDH-ES', file: string, message: RegExp) =>
        assert.throws(() => create({ encryption: { algorithm, keys: [{ kid: 'k9', file }] } }), message);
      refuse('RSA-OAEP-256', '/nonexistent/key.pem', /nonexistent/);
      refuse('RSA-OAEP-256', privateFile('none.pem', 'none'), /none\.pem holds no public key/);
      refuse('RSA-OAEP-256', client.keyFile, /private key; leave that with the gateway/);
      refuse('RSA-OAEP-256', publicFile('short.pem', short.publicKey), /k9 .*too short/);
      refuse('RSA-OAEP-256', publicFile('ec.pem', ec().publicKey), /no RSA key/);
      refuse('ECDH-ES', publicFile('rsa.pem', rsa().publicKey), /no key for ECDH-ES/);
    });
  });
});
