import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { within } from '../kit/deadline.js';

const MAIN = fileURLToPath(new URL('../../server/main.js', import.meta.url));

describe('a server whose configuration says pciDss: true', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'tacet-posture-'));
    writeFileSync(join(directory, 'tacet.yaml'), 'pciDss: true\n');
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  /** Exit code and standard error of a start; what does not refuse to start is ended by the deadline. */
  async function start(env: Record<string, string>, options: readonly string[] = []) {
    const child = spawn(process.execPath, [...options, MAIN], {
      cwd: directory,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      const [said, [code]] = await within(
        Promise.all([text(child.stderr), once(child, 'exit')]),
        20_000,
        'a refusal to start',
      );
      return { said, code };
    } finally {
      child.kill('SIGKILL');
    }
  }

  it('does not start while something is traced, and says what', async () => {
    const { said, code } = await start({ DEBUG: 'anything' });
    assert.equal(code, 1);
    assert.match(said, /DEBUG/);
  });

  it('does not start with a report or dump of its memory switched on, and says which', async () => {
    const { said, code } = await start({}, ['--heapsnapshot-signal=SIGUSR2']);
    assert.equal(code, 1);
    assert.match(said, /heapsnapshot-signal/);
  });
});
