import { existsSync } from 'node:fs';
import { HELP, type Options, parseOptions } from './options.js';
import { jsonReport, tableReport } from './report.js';
import { stackJsonReport, stackTableReport } from './report-stack.js';
import { runBench } from './run.js';
import { runStackBench } from './run-stack.js';
import { findFreeswitch } from './targets/freeswitch.js';

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
  if (options.engine === 'freeswitch' && findFreeswitch() === null) {
    console.error(
      'bench: --engine freeswitch: freeswitch is not on the PATH; install FreeSWITCH or add it there',
    );
    return 2;
  }
  // Every process that was started is killed when this one exits.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const from = performance.now();
  const say = (step: string): void => {
    console.error(`${((performance.now() - from) / 1000).toFixed(1).padStart(6)} s  ${step}`);
  };
  if (options.engine === 'freeswitch') {
    const figures = await runStackBench(options, say);
    console.log(options.json ? JSON.stringify(stackJsonReport(figures)) : stackTableReport(figures));
  } else {
    const figures = await runBench(options, say);
    console.log(options.json ? JSON.stringify(jsonReport(options.engine, figures)) : tableReport(figures));
  }
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
