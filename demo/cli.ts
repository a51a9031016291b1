import { within } from '../test/kit/deadline.js';
import { freeswitchInstalled } from '../test/kit/freeswitch.js';
import { HELP, type Options, parseOptions } from './options.js';
import { type Report, summarise } from './report.js';
import { Screen, type TextSink } from './screen.js';
import { Stage, type StageOptions } from './stage.js';

/** For the whole demo, and for closing what it opened. */
const RUN_MS = 150_000;
const CLOSE_MS = 10_000;

const NOWHERE: TextSink = { write: () => true };

export interface Surroundings {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the demo early. */
  readonly stop: AbortSignal;
  /** Told each event of the server; tests plant faults there. */
  readonly onEvent?: StageOptions['onEvent'];
}

/** Runs the demo that the arguments ask for. Resolves with the exit code of {@link HELP}; never rejects. */
export async function runDemo(args: readonly string[], around: Surroundings): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    around.stderr.write(`demo: ${firstLine(error)}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    around.stdout.write(HELP);
    return 0;
  }
  if (options.engine === 'freeswitch' && !freeswitchInstalled()) {
    around.stderr.write(
      'demo: --engine freeswitch: freeswitch is not on the PATH; install FreeSWITCH or add it there\n',
    );
    return 2;
  }
  const screen = new Screen(options.json ? NOWHERE : around.stdout, around.env);
  const stage = new Stage({ ...options, screen, onEvent: around.onEvent });
  const report = await perform(stage, options, around.stop);
  if (report.error !== null) around.stderr.write(`demo: ${report.error}\n`);
  if (options.json) around.stdout.write(`${JSON.stringify(report)}\n`);
  else summarise(screen, report, stage.seconds);
  return report.ok ? 0 : 1;
}

async function perform(stage: Stage, options: Options, stop: AbortSignal): Promise<Report> {
  const errors: string[] = [];
  const note = (error: unknown): null => {
    errors.push(firstLine(error));
    return null;
  };
  const played = Promise.race([stage.play(), interruption(stop)]);
  await within(played, RUN_MS, 'the demo').catch(note);
  const seconds = Math.round(stage.seconds.now * 10) / 10;
  await within(stage.close(), CLOSE_MS, 'the end of the server and the phones').catch(note);
  const files = stop.aborted ? null : await stage.saveSounds().catch(note);
  const heard = stage.judge();
  const { agentDigitsHeard, agentCustomerAudioMs, silentAfterMs, confirmationDelivered } = heard;
  const deaf = agentDigitsHeard === 0 && agentCustomerAudioMs === 0 && silentAfterMs !== null;
  const error = errors[0] ?? null;
  const ok = deaf && confirmationDelivered && error === null;
  const { engine, capture, method } = options;
  return { ok, engine, capture, method, ...heard, seconds, files, error };
}

function interruption(stop: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const interrupt = () => reject(new Error('interrupted'));
    if (stop.aborted) interrupt();
    else stop.addEventListener('abort', interrupt, { once: true });
  });
}

/** Errors of the kit go on with everything that happened. */
function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? '';
}
