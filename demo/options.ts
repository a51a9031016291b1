import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** How the scripted caller presses its keys. */
export const METHODS = ['rfc4733', 'sip-info', 'in-band'] as const;
export type Method = (typeof METHODS)[number];

/** Media engines, and where digits are taken in secure mode when that is FreeSWITCH. */
export const ENGINES = ['embedded', 'freeswitch'] as const;
export type Engine = (typeof ENGINES)[number];
export const CAPTURES = ['vault', 'media-server'] as const;
export type Capture = (typeof CAPTURES)[number];

export interface Options {
  readonly json: boolean;
  readonly help: boolean;
  readonly method: Method;
  readonly engine: Engine;
  /** Null with the embedded engine, which is its own vault. */
  readonly capture: Capture | null;
  /** Absolute directory the WAV files are written to. */
  readonly out: string;
}

export const HELP = `npm run demo -- [options]

A caller pays by card while the agent hears nothing: a whole Tacet, a scripted caller and a scripted agent
on loopback, with real SIP and RTP. Takes about 30 seconds.

  --method M   how the caller's keys are sent: rfc4733 (default), sip-info or in-band
  --out DIR    where the two WAV files are written (default ./demo-output)
  --engine E   media engine: embedded (default), or freeswitch: a real FreeSWITCH with the shipped
               configuration, and a real drachtio-server where that is on the PATH
  --capture C  with --engine freeswitch: vault (default) or media-server
  --json       one JSON object on the last line of standard output, and nothing else there
  --help       this text

Exit code 0 when the agent heard no digit and no audio of the caller during the secure session and got
the confirmation number; 1 when not; 2 for wrong options or no freeswitch on the PATH; 130 when interrupted.
`;

/** Throws an Error for people when an option is unknown or has no such value. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      method: { type: 'string', default: 'rfc4733' },
      out: { type: 'string', default: 'demo-output' },
      engine: { type: 'string', default: 'embedded' },
      capture: { type: 'string' },
    },
  });
  const engine = oneOf('--engine', values.engine, ENGINES);
  const method = oneOf('--method', values.method, METHODS);
  if (values.capture !== undefined && engine !== 'freeswitch') {
    throw new Error(`--capture ${values.capture}: only with --engine freeswitch`);
  }
  const capture = oneOf('--capture', values.capture ?? 'vault', CAPTURES);
  return {
    json: values.json,
    help: values.help,
    method,
    engine,
    capture: engine === 'freeswitch' ? capture : null,
    out: resolve(values.out),
  };
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((name) => name === value);
  if (!found) throw new Error(`${option} ${value}: one of ${known.join(', ')}`);
  return found;
}
