import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { ConfigError } from '../../config/config.js';
import { guardConsole } from '../../server/log/console.js';
import { callLogger, createLogger } from '../../server/log/logger.js';
import { activeTraces, assertNoTraces } from '../../server/log/traces.js';

const CARD = '4111111111111111';

function recorder() {
  const lines: string[] = [];
  return { lines, destination: { write: (line: string) => void lines.push(line) } };
}

test('no way of logging a card number gets it out', () => {
  const { lines, destination } = recorder();
  const log = createLogger({ level: 'trace', destination });
  const child = callLogger(log, { conversation: 'c-1', leg: `leg ${CARD}` });
  for (const one of [log, child, child.child({ bound: CARD })]) {
    one.info(CARD);
    one.info({ card: CARD, deep: { deeper: { number: 4111111111111111 } } }, 'card %s', CARD);
    one.error(new Error(`card ${CARD}`, { cause: new Error(CARD) }));
    one.error({ err: new Error(CARD), error: new TypeError(CARD), other: new Error(CARD) }, 'failed');
    one.error({ err: CARD, grouped: '4111-1111-1111-1111' });
    one.trace({ list: [...CARD], codes: Buffer.from(CARD) });
  }
  assert.equal(lines.length, 18);
  for (const line of lines) {
    JSON.parse(line);
    assert.doesNotMatch(line.replace(/[\s.,"/-]/g, ''), /4111111/);
  }
});

test('an error shows its type, message, stack, code and cause, and none of what libraries hang on it', () => {
  const { lines, destination } = recorder();
  const error = Object.assign(new RangeError('odd', { cause: new Error('deeper') }), {
    code: 'EODD',
    res: { msg: { body: 'Signal=5' } },
  });
  createLogger({ level: 'info', destination }).error(error);
  const { err } = JSON.parse(lines[0] ?? '');
  assert.deepEqual(Object.keys(err).sort(), ['cause', 'code', 'message', 'stack', 'type']);
  assert.equal(err.cause.message, 'deeper');
});

test('secret fields are censored at every depth', () => {
  const { lines, destination } = recorder();
  const log = createLogger({ level: 'info', destination });
  log.info({ token: 'abc', a: { password: '"abc' }, b: { c: [{ Authorization: 'abc' }] }, body: 'abc' });
  assert.ok(!lines.join('').includes('abc'));
  assert.equal(JSON.parse(lines[0] ?? '').a.password, '[redacted]');
});

test('lines have a level by name, an ISO time and the call they belong to', () => {
  const { lines, destination } = recorder();
  const log = callLogger(createLogger({ level: 'info', destination }), {
    conversation: 'c-1',
    session: 's-1',
  });
  log.debug('not shown');
  log.warn('shown');
  assert.equal(lines.length, 1);
  const { time, ...line } = JSON.parse(lines[0] ?? '');
  assert.deepEqual(line, { level: 'warn', conversation: 'c-1', session: 's-1', msg: 'shown' });
  assert.ok(lines[0]?.endsWith('\n') && !Number.isNaN(Date.parse(time)));
});

test('flush reaches the destination', () => {
  let flushed = 0;
  const destination = { write: () => {}, flushSync: () => (flushed += 1) };
  createLogger({ level: 'info', destination }).flush();
  assert.equal(flushed, 1);
});

test('console output of libraries is dropped, and the log says by which method', () => {
  const { lines, destination } = recorder();
  const { console } = globalThis;
  const restore = guardConsole(createLogger({ level: 'info', destination }));
  try {
    for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const) {
      console[method]('INFO sip:x Signal=5');
    }
    console.assert(false, 'Signal=5');
    console.count('Signal=5');
  } finally {
    restore();
  }
  assert.equal(lines.length, 10);
  assert.ok(!lines.join('').includes('Signal'));
  assert.equal(JSON.parse(lines[3] ?? '').method, 'error');
});

const check = (env: NodeJS.ProcessEnv, more: object = {}) =>
  activeTraces({ env, execArgv: [], pciDss: false, logLevel: 'info', ...more }).map(
    (problem) => problem.field,
  );

test('DEBUG is refused when it can print SIP messages', () => {
  for (const value of [
    'drachtio*',
    'drachtio:agent',
    'esl:*',
    '*',
    'foo,drachtio:*',
    'foo drachtio:srf',
    '*:agent',
  ]) {
    assert.deepEqual(check({ DEBUG: value }), ['DEBUG'], value);
  }
  for (const value of ['', 'express:*', '-drachtio:*', 'app', 'foo.bar'])
    assert.deepEqual(check({ DEBUG: value }), []);
});

test('pciDss refuses whatever captures, and names it', () => {
  const pciDss = true;
  assert.deepEqual(check({ DEBUG: 'app' }, { pciDss }), ['DEBUG']);
  for (const name of ['NODE_DEBUG', 'NODE_DEBUG_NATIVE', 'SSLKEYLOGFILE', 'NODE_V8_COVERAGE']) {
    assert.deepEqual(check({ [name]: 'x' }, { pciDss }), [name]);
    assert.deepEqual(check({ [name]: 'x' }), []);
  }
  assert.deepEqual(check({ NODE_OPTIONS: '--max-old-space-size=64 --inspect=0' }, { pciDss }), ['--inspect']);
  for (const option of [
    '--inspect-brk',
    '--tls-keylog=f',
    '--heapsnapshot-signal=SIGUSR2',
    '--cpu-prof',
    '--prof',
    '--report-uncaught-exception',
  ]) {
    assert.deepEqual(check({}, { pciDss, execArgv: [option] }), [option.split('=')[0]]);
  }
  for (const logLevel of ['debug', 'trace']) assert.deepEqual(check({}, { pciDss, logLevel }), ['log.level']);
  assert.deepEqual(check({}, { pciDss, execArgv: ['--enable-source-maps'] }), []);
});

test('assertNoTraces throws with every trace', () => {
  const env = { DEBUG: 'drachtio:*', NODE_DEBUG: 'net' };
  assert.throws(
    () => assertNoTraces({ env, execArgv: [], pciDss: true, logLevel: 'info' }),
    (error) => error instanceof ConfigError && error.problems.length === 2 && !error.message.includes('net;'),
  );
});

test('standard output: what was written while a reader held up the process arrives, and it goes on', async () => {
  const logger = new URL('../../server/log/logger.js', import.meta.url).href;
  // More than a pipe holds, then a line; its time to be written comes while the burst is stuck. sonic-boom begins to write
  // at 41 lines and goes on by 163, while 41 are left: the one line is left over.
  const script = `
    import { standardOutput } from ${JSON.stringify(logger)};
    const output = standardOutput();
    const line = 'x'.repeat(99) + '\\n';
    process.on('message', (burst) => {
      for (let count = 0; count < burst; count += 1) output.write(line);
      setImmediate(() => output.write(line));
      setTimeout(() => process.send('stuck'), 300);
    });
    process.send('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  try {
    await once(child, 'message');
    for (const burst of [41 + 163 * 30, 0]) {
      child.send(burst);
      await once(child, 'message');
      for (let bytes = 0; bytes < (burst + 1) * 100; ) {
        const piece = child.stdout?.read() as Buffer | null;
        if (piece === null) await once(child.stdout as Readable, 'readable');
        else bytes += piece.length;
      }
    }
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});
