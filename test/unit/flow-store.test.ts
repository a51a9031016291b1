import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ConfigError } from '../../config/problems.js';
import { FlowDirectory } from '../../server/flows/flow-files.js';
import { FlowStore, type StoreLimits } from '../../server/flows/flow-store.js';
import { MemoryFlowFiles } from './flow-memory.js';

const ANNA = { by: 'anna' };

describe('flows kept in a directory', () => {
  let directory: string;
  beforeEach(() => {
    directory = join(mkdtempSync(join(tmpdir(), 'tacet-flows-')), 'flows');
  });
  afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

  const open = (limits: Partial<StoreLimits> = {}) => FlowStore.open(new FlowDirectory(directory), limits);
  const files = (name: string) => readdirSync(join(directory, name)).sort();

  test('drafts, versions and who did what are there after a restart, text by text', async () => {
    const store = await open();
    await store.create('hours', '# mine\r\nname: hours\n', ANNA);
    await store.publish('hours', 1, { by: 'anna', comment: 'first' });
    await store.edit('hours', 1, 'ü: "漢"\n', { by: 'bob' });
    await store.publish('hours', 2, { by: 'bob' });
    await store.rollBack('hours', 1, ANNA);
    const again = await open();
    assert.deepEqual(again.list(), store.list());
    assert.equal((await again.draft('hours')).document, 'ü: "漢"\n');
    assert.equal((await again.version('hours', 1)).document, '# mine\r\nname: hours\n');
    const [published] = await again.published();
    assert.deepEqual([published?.version, published?.source], [1, '# mine\r\nname: hours\n']);
    assert.equal(published?.fileName, join(directory, 'hours', 'version-1.yaml'));
    assert.deepEqual(
      again.get('hours').changes.map(({ change, by, version, comment }) => [change, by, version, comment]),
      [
        ['created', 'anna', null, null],
        ['published', 'anna', 1, 'first'],
        ['edited', 'bob', 1, null],
        ['published', 'bob', 2, null],
        ['rolled-back', 'anna', 1, null],
      ],
    );
    await again.remove('hours');
    assert.deepEqual([readdirSync(directory), (await open()).list()], [[], []]);
  });

  test('only the owner may look, and a directory that others may write into is refused', async () => {
    await (await open()).create('hours', 'a', ANNA);
    for (const path of ['', 'hours']) assert.equal(statSync(join(directory, path)).mode & 0o777, 0o700);
    for (const file of files('hours')) {
      assert.equal(statSync(join(directory, 'hours', file)).mode & 0o777, 0o600, file);
    }
    chmodSync(directory, 0o770);
    await assert.rejects(open(), /flows: .*others may write into it; run chmod 700/);
  });

  test('a process that ended in the middle of a change left the state before it, and its remains are removed', async () => {
    const store = await open();
    await store.create('hours', 'one', ANNA);
    const before = store.list();
    // New texts are there, the record that names them is not: as far as a change ever gets before its last rename.
    writeFileSync(join(directory, 'hours', 'draft-2.yaml'), 'two');
    writeFileSync(join(directory, 'hours', 'version-1.yaml'), 'two');
    writeFileSync(join(directory, 'hours', '.unfinished-1'), '{"format":1');
    await mkdir(join(directory, '.unfinished-2'));
    writeFileSync(join(directory, '.unfinished-2', 'record.json'), '{}');
    const again = await open();
    assert.deepEqual(again.list(), before);
    assert.equal((await again.draft('hours')).document, 'one');
    assert.deepEqual(files('hours'), ['draft-1.yaml', 'record.json']);
    assert.deepEqual(readdirSync(directory), ['hours']);
  });

  test('a change that cannot be written changes nothing', async () => {
    const store = await open();
    await store.create('hours', 'one', ANNA);
    // A folder in the place of a file cannot be replaced by one.
    await mkdir(join(directory, 'hours', 'version-1.yaml', 'x'), { recursive: true });
    await assert.rejects(store.publish('hours', 1, ANNA));
    assert.equal(store.get('hours').published, null);
    rmSync(join(directory, 'hours', 'version-1.yaml'), { recursive: true });
    assert.deepEqual((await open()).list(), store.list());
    assert.equal((await store.publish('hours', 1, ANNA)).published, 1);
    assert.deepEqual(files('hours'), ['draft-1.yaml', 'record.json', 'version-1.yaml']);
  });

  test('what is damaged is named with what to do about it', async () => {
    const record = () => join(directory, 'hours', 'record.json');
    const sound = async () => {
      rmSync(directory, { recursive: true, force: true });
      const store = await open();
      await store.create('hours', 'one', ANNA);
      await store.publish('hours', 1, ANNA);
      return JSON.parse(readFileSync(record(), 'utf8')) as object;
    };
    const broken = (change: object) => async () =>
      writeFileSync(record(), JSON.stringify({ ...(await sound()), ...change }));
    const damages: readonly (readonly [() => Promise<void> | void, RegExp])[] = [
      [() => writeFileSync(record(), ''), /record\.json: .*is damaged/],
      [() => writeFileSync(record(), '{"format":1'), /record\.json: .*is damaged/],
      [broken({ published: 7 }), /record\.json: .*is damaged/],
      [broken({ name: 'other' }), /record\.json: .*is damaged/],
      [broken({ lastVersion: 0 }), /record\.json: .*is damaged/],
      [broken({ format: 2 }), /record\.json: .*is damaged/],
      [() => rmSync(record()), /record\.json: .*cannot be read \(ENOENT\)/],
      [
        () => rmSync(join(directory, 'hours', 'version-1.yaml')),
        /version-1\.yaml: .*cannot be read \(ENOENT\)/,
      ],
      [
        () => writeFileSync(join(directory, 'hours', 'version-1.yaml'), 'two'),
        /version-1\.yaml: .*is not the document/,
      ],
    ];
    for (const [damage, expected] of damages) {
      await sound();
      await damage();
      await assert.rejects(
        async () => (await open()).published(),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.match(error.message, expected);
          assert.match(error.message, /restore it from a backup, or move .*hours away/);
          return true;
        },
      );
    }
  });
});

describe('the store of flows', () => {
  const open = (limits: Partial<StoreLimits> = {}, files = new MemoryFlowFiles()) =>
    FlowStore.open(files, limits);

  test('of two edits of one revision the second is refused, however close they come', async () => {
    const store = await open();
    await store.create('hours', 'one', ANNA);
    const edits = await Promise.allSettled(
      ['two', 'three'].map((text) => store.edit('hours', 1, text, ANNA)),
    );
    assert.deepEqual(
      edits.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    assert.equal((await store.draft('hours')).document, 'two');
    await assert.rejects(store.publish('hours', 1, ANNA), { code: 'draft-changed' });
    const twice = await Promise.allSettled([1, 2].map(() => store.create('new', 'x', ANNA)));
    assert.deepEqual(
      twice.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
  });

  test('a number that a version had is given to no other', async () => {
    const store = await open();
    await store.create('hours', 'one', ANNA);
    for (let i = 0; i < 3; i += 1) await store.publish('hours', 1, ANNA);
    await store.rollBack('hours', 1, ANNA);
    assert.equal((await store.publish('hours', 1, ANNA)).published, 4);
  });

  test('flows, versions, changes and characters are bounded', async () => {
    const store = await open({ flows: 1, versions: 2, changes: 3, characters: 5 });
    await store.create('hours', 'one', ANNA);
    await assert.rejects(store.create('more', 'x', ANNA), { code: 'too-many-flows' });
    await assert.rejects(store.edit('hours', 1, '123456', ANNA), { code: 'too-large' });
    for (let i = 0; i < 4; i += 1) await store.publish('hours', 1, ANNA);
    const { versions, changes } = store.get('hours');
    assert.deepEqual(
      versions.map(({ version }) => version),
      [3, 4],
    );
    assert.equal(changes.length, 3);
    await assert.rejects(store.version('hours', 1), { code: 'version-not-found' });
    await assert.rejects(store.rollBack('hours', 1, ANNA), { code: 'version-not-found' });
  });

  test('what the disk did not take did not happen, and the next change works', async () => {
    const files = new MemoryFlowFiles();
    const store = await open({}, files);
    await store.create('hours', 'one', ANNA);
    files.failure = new Error('no space');
    await assert.rejects(store.edit('hours', 1, 'two', ANNA), /no space/);
    await assert.rejects(store.publish('hours', 1, ANNA), /no space/);
    await assert.rejects(store.remove('hours'), /no space/);
    assert.deepEqual([store.get('hours').revision, store.get('hours').published], [1, null]);
    files.failure = null;
    assert.equal((await store.edit('hours', 1, 'two', ANNA)).revision, 2);
  });
});
