import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** How the scripted caller presses its keys. */
export const METHODS = ['rfc4733', 'sip-info', 'in-band'] as const;
export type Method = (typeof METHODS)[number];

export interface Options {
  readonly json: boolean;
  readonly help: boolean;
  readonly method: Method;
  /** Absolute directory the WAV files are written to. */
  readonly out: string;
}

export const HELP = `npm run demo -- [options]

A caller pays by card while the agent hears nothing: a whole Tacet, a scripted caller and a scripted agent
on loopback, with real SIP and RTP. Takes about 30 seconds.

  --method M   how the caller's keys are sent: rfc4733 (default), sip-info or in-band
  --out DIR    where the two WAV files are written (default ./demo-output)
  --engine E   media engine: embedded (default)
  --json       one JSON object on the last line of standard output, and nothing else there
  --help       this text

Exit code 0 when the agent heard no digit and no audio of the caller during the secure session and got
the confirmation number; 1 when not; 2 for wrong options; 130 when interrupted.
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
    },
  });
  if (values.engine === 'freeswitch') {
    throw new Error('--engine freeswitch: this version has no FreeSWITCH engine yet; use --engine embedded');
  }
  if (values.engine !== 'embedded') throw new Error(`--engine ${values.engine}: the engine is embedded`);
  const method = METHODS.find((known) => known === values.method);
  if (!method) throw new Error(`--method ${values.method}: one of ${METHODS.join(', ')}`);
  return { json: values.json, help: values.help, method, out: resolve(values.out) };
}
