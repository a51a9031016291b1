import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { completeOptions } from '../../server/sip/embedded/options.js';

const document = await readFile(new URL('../../../docs/embedded-sip-server.md', import.meta.url), 'utf8');

describe('docs/embedded-sip-server.md', () => {
  it('has an example that runs and prints what is said', async () => {
    const example = /```js\n(.*?)```/s.exec(document)?.[1] ?? '';
    const printed = /It prints\n\n```\n(.*?)```/s.exec(document)?.[1] ?? '';
    const server = '../../server/sip/embedded/server.js';
    const file = fileURLToPath(new URL(`sip-docs-example-${process.pid}.mjs`, import.meta.url));
    await writeFile(file, example.replace('../dist/server/sip/embedded/server.js', server));
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { timeout: 20_000 });
      assert.equal(stderr, '');
      assert.equal(stdout, printed);
    } finally {
      await rm(file);
    }
  });

  it('names every option, with the numbers it has', () => {
    const options = completeOptions({});
    for (const name of Object.keys(options)) assert.ok(document.includes(`\`${name}\``), name);
    for (const [name, value] of Object.entries(options.limits)) {
      assert.ok(document.includes(`\`${name}\` ${value}`), name);
    }
    const { flood, timers } = options;
    assert.ok(document.includes(`${flood.requestsPerSecond}/s, burst ${flood.burst}`));
    assert.ok(document.includes(`${timers.T1}, ${timers.T2}, ${timers.T4} ms`));
  });
});
