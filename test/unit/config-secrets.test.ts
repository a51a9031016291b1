import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, loadConfig } from '../../config/config.js';
import { agentPasswords, generatedSecret, readSecret, readSecretFile } from '../../config/secrets.js';

const root = mkdtempSync(join(tmpdir(), 'tacet-secrets-'));
after(() => rmSync(root, { recursive: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;

test('a secret is generated once, readable by its owner only', () => {
  const directory = join(root, 'fresh', 'deep');
  const first = generatedSecret(join(directory, 'token'));
  assert.equal(first.created, true);
  assert.match(first.secret, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(modeOf(first.file), 0o600);
  assert.equal(modeOf(directory), 0o700);
  assert.equal(modeOf(join(root, 'fresh')), 0o700);
  const second = generatedSecret(first.file);
  assert.deepEqual(second, { ...first, created: false });
  assert.deepEqual(readdirSync(directory), ['token']);
});

test('the umask cannot widen the file', () => {
  const before = process.umask(0);
  try {
    assert.equal(modeOf(generatedSecret(join(root, 'umask', 'token')).file), 0o600);
  } finally {
    process.umask(before);
  }
});

test('a secret that others may read is refused, and the remedy says how to mend it', () => {
  const { file } = generatedSecret(join(root, 'wide', 'token'));
  for (const mode of [0o640, 0o604, 0o622]) {
    chmodSync(file, mode);
    assert.throws(
      () => generatedSecret(file),
      (error) => error instanceof ConfigError && error.message.includes(`chmod 600 ${file}`),
    );
  }
});

test('a directory that others may write into is refused', () => {
  const directory = join(root, 'open');
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  assert.throws(() => generatedSecret(join(directory, 'token')), /others may write into it/);
});

test('secret files: white space is cut, empty and binary ones are refused without showing them', () => {
  const file = join(root, 'secret');
  const write = (text: string) => writeFileSync(file, text, { mode: 0o600 });
  write('  Bearer abc \n');
  assert.equal(readSecretFile(file), 'Bearer abc');
  for (const text of ['', '\n', 'two\nlines', 'caf\u00e9', 'x'.repeat(5000)]) {
    write(text);
    assert.throws(() => readSecretFile(file), ConfigError);
  }
  assert.throws(() => readSecretFile(join(root, 'none')), /ENOENT/);
});

test('a reference names a variable or a file', () => {
  assert.equal(readSecret({ env: 'KEY' }, { KEY: 'value' }), 'value');
  assert.throws(() => readSecret({ env: 'KEY' }, {}), /KEY: not set/);
});

test('agents that register get a password, agents that are called do not', () => {
  const file = join(root, 'bob.password');
  writeFileSync(file, 'bobs-password-1\n', { mode: 0o600 });
  const env = {
    TACET_DATA_DIRECTORY: join(root, 'data'),
    TACET_AGENTS: JSON.stringify([
      { id: 'alice' },
      { id: 'bob', passwordFile: file },
      { id: 'carol', password: 'carols-password' },
      { id: 'desk', uri: 'sip:desk@192.0.2.1' },
    ]),
  };
  const config = loadConfig({ env, cwd: root });
  const { passwords, generated } = agentPasswords(config);
  assert.deepEqual([...passwords.keys()], ['alice', 'bob', 'carol']);
  assert.equal(passwords.get('bob'), 'bobs-password-1');
  assert.equal(passwords.get('carol'), 'carols-password');
  assert.deepEqual(
    generated.map((one) => [one.file, one.created]),
    [[join(root, 'data', 'agents', 'alice.password'), true]],
  );
  assert.equal(agentPasswords(config).passwords.get('alice'), passwords.get('alice'));
});
