import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDemo } from './cli.js';

// Every temporary file of this process lies in here, and goes with it whatever ends it.
const temporary = mkdtempSync(join(tmpdir(), 'tacet-demo-'));
process.env.TMPDIR = temporary;
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // npm passes a Ctrl-C on that the terminal has sent already: only the first counts.
  process.on(signal, () => stop.abort(signal));
}

const { stdout, stderr, env } = process;
// Whoever read the timeline has gone, as in `npm run demo | head`.
stdout.on('error', () => stop.abort('SIGPIPE'));
const code = await runDemo(process.argv.slice(2), { stdout, stderr, env, stop: stop.signal });
const interrupted: NodeJS.Signals | undefined = stop.signal.reason;
process.exitCode = interrupted ? 128 + constants.signals[interrupted] : code;
// Waits that a failure left behind would keep the process for their deadlines.
if (process.exitCode !== 0) process.exit();
