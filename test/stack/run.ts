import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drachtioInstalled } from '../kit/drachtio.js';

/**
 * `npm run test:stack`: the call tests once more, each Tacet on a real drachtio-server with the shipped
 * configuration, and the tests that are about drachtio-server. Says so, and ends well, where there is none.
 */
const tests = fileURLToPath(new URL('../', import.meta.url));

/** They start Tacet in a process of its own, with the embedded server. */
const EMBEDDED_ONLY = ['demo.test.js', 'memory.test.js'];

function files(folder: string): string[] {
  const names = readdirSync(join(tests, folder)).filter((name) => name.endsWith('.test.js'));
  return names.filter((name) => !EMBEDDED_ONLY.includes(name)).map((name) => join(tests, folder, name));
}

if (drachtioInstalled()) {
  const { status } = spawnSync(process.execPath, ['--test', ...files('stack'), ...files('calls')], {
    stdio: 'inherit',
    env: { ...process.env, TACET_TEST_SIP: 'drachtio' },
  });
  process.exitCode = status ?? 1;
} else {
  process.stdout.write('test:stack did NOT run: drachtio is not on the PATH\n');
}
