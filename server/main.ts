import { ConfigError, loadConfig } from '../config/config.js';
import { FlowError } from '../flows/problems.js';
import { type App, buildApp, type Listening } from './app.js';
import { guardConsole } from './log/console.js';
import { assertNoTraces } from './log/traces.js';

/** How long calls may go on after SIGTERM before they are ended. */
const DRAIN_MS = 30_000;

/** After a fault the process is gone by then, whatever hangs. */
const FAULT_EXIT_MS = 10_000;

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  // drachtio-srf reads a variable for each header of each message. Of a plain object that costs next to nothing.
  process.env = { ...process.env };
  const config = loadConfig({ env: process.env, cwd: process.cwd() });
  assertNoTraces({
    env: process.env,
    execArgv: process.execArgv,
    pciDss: config.pciDss,
    logLevel: config.log.level,
  });
  say(config.configFile ? `tacet: configuration ${config.configFile}` : 'tacet: default configuration');
  const app = await buildApp(config, { onProgress: showProgress });
  guardConsole(app.log);
  stopOnSignals(app);
  stopOnFaults(app);
  try {
    greet(app, await app.start());
  } catch (error) {
    await app.close();
    throw error;
  }
}

function showProgress(step: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\rtacet: ${step} `);
}

function greet(app: App, listening: Listening): void {
  const { sipAddress, sipPort, httpUrl, tokenFile, passwordFiles } = listening;
  const port = sipPort === 5060 ? '' : `:${sipPort}`;
  if (process.stderr.isTTY) say('');
  say('tacet: ready');
  for (const { user, flow } of app.config.routes) {
    say(`  dial   sip:${user === '*' ? 'anything-else' : user}@${sipAddress}${port}   (${flow})`);
  }
  app.config.agents.forEach(({ id, uri }) => {
    say(uri ? `  agent  ${id} is called at ${uri}` : `  agent  register sip:${id}@${sipAddress}${port}`);
  });
  for (const file of passwordFiles) say(`         password in ${file}`);
  say(`  open   ${httpUrl}/docs   (health: ${httpUrl}/healthz)`);
  if (tokenFile) say(`  token  in ${tokenFile}`);
}

/** First signal: drain, then end. Second: end now. */
function stopOnSignals(app: App): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) return app.close();
    stopping = true;
    app.log.info({ signal }, 'draining: calls in progress may go on for 30 seconds');
    const late = setTimeout(() => void app.close(), DRAIN_MS);
    await app.drain();
    clearTimeout(late);
    await app.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
}

/**
 * A fault that nobody caught ends the process in order. Node's own way would print the error with all its
 * properties, and those can be SIP messages; the log keeps its words and stack, scrubbed.
 */
function stopOnFaults(app: App): void {
  const stop = (err: unknown) => {
    app.log.fatal({ err }, 'fault: ending every call');
    process.exitCode = 1;
    const late = setTimeout(() => process.exit(1), FAULT_EXIT_MS);
    late.unref();
    void app.close().finally(() => process.exit(1));
  };
  process.once('uncaughtException', stop);
  process.once('unhandledRejection', stop);
}

function remedy(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return '\n  another program has this port: stop it, or set sip.port (TACET_SIP_PORT) or http.port (TACET_HTTP_PORT)';
    case 'EACCES':
      return '\n  not permitted: choose a port above 1023, or run where the data directory may be written';
    default:
      return '';
  }
}

main().catch((error: unknown) => {
  if (error instanceof ConfigError || error instanceof FlowError) say(error.message);
  else say(`tacet: cannot start: ${error instanceof Error ? error.message : String(error)}${remedy(error)}`);
  process.exitCode = 1;
});
