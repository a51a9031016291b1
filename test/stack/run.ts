import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drachtioInstalled } from '../kit/drachtio.js';
import { freeswitchInstalled } from '../kit/freeswitch.js';

/**
 * `npm run test:stack`: the tests that are about drachtio-server and FreeSWITCH, and the call tests once more on them,
 * with the shipped configurations on free loopback ports. Says plainly what did not run for lack of a program.
 */
const tests = fileURLToPath(new URL('../', import.meta.url));

/** They start Tacet in a process of its own, with the engines in it. */
const EMBEDDED_ONLY = ['demo.test.js', 'memory.test.js'];
/** They are about RTP in this process: its ports, its source lock, its load. */
const EMBEDDED_MEDIA_ONLY = [...EMBEDDED_ONLY, 'load.test.js', 'robustness.test.js'];

/** The tests wait for sound most of the time: two files at once. A file that does not end fails, and the next begins. */
const RUNNER = ['--test-concurrency=2', '--test-timeout=900000'];

interface Round {
  readonly what: string;
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

function files(folder: string, without: readonly string[] = []): string[] {
  const names = readdirSync(join(tests, folder)).filter((name) => name.endsWith('.test.js'));
  return names.filter((name) => !without.includes(name)).map((name) => join(tests, folder, name));
}

const onFreeswitch = (capture: string): Round => ({
  what: `call tests on drachtio-server and FreeSWITCH, secure.capture ${capture}`,
  files: files('calls', EMBEDDED_MEDIA_ONLY),
  env: { TACET_TEST_SIP: 'drachtio', TACET_TEST_MEDIA: 'freeswitch', TACET_TEST_CAPTURE: capture },
});

function rounds(): readonly Round[] {
  if (!drachtioInstalled()) return [];
  const own = { what: 'tests of the stack', files: files('stack'), env: {} };
  const sip = {
    what: 'call tests on drachtio-server',
    files: files('calls', EMBEDDED_ONLY),
    env: { TACET_TEST_SIP: 'drachtio' },
  };
  return freeswitchInstalled() ? [own, sip, onFreeswitch('vault'), onFreeswitch('media-server')] : [own, sip];
}

const say = (line: string) => process.stdout.write(`${line}\n`);

for (const { what, files: chosen, env } of rounds()) {
  say(`test:stack: ${what}`);
  const { status } = spawnSync(process.execPath, ['--test', ...RUNNER, ...chosen], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exitCode = 1;
}
if (!drachtioInstalled()) say('test:stack did NOT run: drachtio is not on the PATH');
else if (!freeswitchInstalled()) say('test:stack did NOT run on FreeSWITCH: freeswitch is not on the PATH');
