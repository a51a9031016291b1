import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DialogJournal } from '../../server/sip/dialog-journal.js';

let directory: string;
let file: string;

describe('the journal of dialogs', () => {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tacet-journal-'));
    file = join(directory, 'sip', 'one.dialogs');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('tells the next process what the one before left standing', async () => {
    const first = new DialogJournal(file);
    assert.deepEqual(first.left, []);
    for (const id of ['a;from-tag=1', 'b;from-tag=2', 'c;from-tag=3']) first.add(id);
    first.remove('b;from-tag=2');
    await first.close();
    const second = new DialogJournal(file);
    assert.deepEqual(second.left, ['a;from-tag=1', 'c;from-tag=3']);
    for (const id of second.left) second.remove(id);
    await second.close();
    const third = new DialogJournal(file);
    assert.deepEqual(third.left, []);
    await third.close();
  });

  it('passes over a line that the end of a process cut off', async () => {
    const first = new DialogJournal(file);
    first.add('a;from-tag=1');
    await first.close();
    appendFileSync(file, '+b;fr');
    const second = new DialogJournal(file);
    assert.deepEqual(second.left, ['a;from-tag=1']);
    await second.close();
  });

  it('does not grow without end, and is readable by its owner only', async () => {
    const journal = new DialogJournal(file);
    journal.add('stays');
    for (let call = 0; call < 20_000; call += 1) {
      journal.add(`call-${call}`);
      journal.remove(`call-${call}`);
    }
    await journal.close();
    assert.ok(readFileSync(file, 'utf8').split('\n').length < 11_000);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const next = new DialogJournal(file);
    assert.deepEqual(next.left, ['stays']);
    await next.close();
  });
});
