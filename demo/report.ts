import { relative } from 'node:path';
import type { Capture, Engine, Method } from './options.js';
import type { Screen } from './screen.js';
import type { Seconds, SoundFiles } from './stage.js';

/** The one object that `--json` prints. */
export interface Report {
  readonly ok: boolean;
  readonly engine: Engine;
  /** Who took the digits; null with the embedded engine. */
  readonly capture: Capture | null;
  readonly method: Method;
  /** Keys in any form, at any time of the call. */
  readonly agentDigitsHeard: number;
  /** The caller's audio that reached the agent while the secure session was active. */
  readonly agentCustomerAudioMs: number;
  /** From the agent's request to the first packet without the caller; null when that never came. */
  readonly silentAfterMs: number | null;
  readonly confirmationDelivered: boolean;
  /** From dialling to the end of the call. */
  readonly seconds: number;
  /** Absolute paths; null when there was nothing to write. */
  readonly files: SoundFiles | null;
  /** What kept the demo from its end; null when it came to it. */
  readonly error: string | null;
}

/** Says what came of it, and what to listen to. */
export function summarise(screen: Screen, report: Report, seconds: Seconds): void {
  const { agentDigitsHeard, agentCustomerAudioMs, silentAfterMs, confirmationDelivered } = report;
  const line = (good: boolean, text: string) => {
    screen.plain(`  ${good ? 'yes' : 'NO '}  ${text}`, good ? 'green' : 'red');
  };
  const silence = silentAfterMs === null ? '' : ` (silent ${silentAfterMs} ms after asking)`;
  screen.plain('\nDid it hold?', 'bold');
  line(agentDigitsHeard === 0, `no digit at the agent in any form: ${agentDigitsHeard} heard`);
  line(
    agentCustomerAudioMs === 0 && silentAfterMs !== null,
    `nothing of the caller at the agent during the session: ${agentCustomerAudioMs} ms heard${silence}`,
  );
  line(confirmationDelivered, 'the confirmation number reached the script of the agent');
  if (report.error !== null) line(false, `the call went to its end: ${report.error}`);
  if (report.files) whatToHear(screen, report.files, seconds);
}

function whatToHear(screen: Screen, files: SoundFiles, { secureFrom, secureUntil }: Seconds): void {
  const named = (file: string) => {
    const near = relative(process.cwd(), file);
    return near.startsWith('..') ? file : near;
  };
  const from = secureFrom === null ? '?' : secureFrom.toFixed(1);
  const until = secureUntil === null ? '?' : secureUntil.toFixed(1);
  screen.plain('\nListen to it: a second of the files is a second of the lines above.', 'bold');
  screen.plain(`  ${named(files.agent)}`);
  screen.plain(
    `      before ${from} s the caller (a tone of 1900 Hz); then only the soft comfort tone, with no key`,
  );
  screen.plain(`      and no voice, to ${until} s; then the caller again`);
  screen.plain(`  ${named(files.caller)}`);
  screen.plain(
    `      before ${from} s the agent (a tone of 2200 Hz); then the prompts and no agent, to ${until} s;`,
  );
  screen.plain('      then the agent again');
}
