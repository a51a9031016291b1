import { existsSync } from 'node:fs';
import { HELP, type Options, parseOptions } from './options.js';
import { jsonReport, tableReport } from './report.js';
import { runBench } from './run.js';

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (!existsSync('/proc/self/stat')) {
    console.error('bench: CPU and memory of processes are read from /proc, which this system does not have');
    return 1;
  }
  // Every process that was started is killed when this one exits.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const from = performance.now();
  const figures = await runBench(options, (step) => {
    console.error(`${((performance.now() - from) / 1000).toFixed(1).padStart(6)} s  ${step}`);
  });
  console.log(options.json ? JSON.stringify(jsonReport(options.engine, figures)) : tableReport(figures));
  return 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
