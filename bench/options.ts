import { parseArgs } from 'node:util';

export interface Options {
  readonly json: boolean;
  readonly help: boolean;
  readonly engine: 'embedded' | 'freeswitch';
  readonly calls: number;
  readonly seconds: number;
  /** Directory for CPU profiles of the server; null for none. */
  readonly profile: string | null;
}

export const HELP = `npm run bench -- [options]

Measures Tacet beside a bare UDP loop and, when freeswitch is on the PATH, beside its dialplan.

  --calls N      calls that stand while CPU is measured, 10 to 2000 (default 100);
                 lateness and memory are measured at 500 calls too, or at N when that is more
  --seconds S    length of one window of measurement, 1 to 60 (default 3); there are three
  --engine E     media engine of Tacet: embedded (default), or freeswitch: a real FreeSWITCH with the shipped
                 configuration, and a real drachtio-server where that is on the PATH; then 200 calls in place of 500
  --json         one JSON object on the last line of standard output
  --profile DIR  writes CPU profiles of the server into DIR (figures are then higher)
  --help         this text

Exit code 0 when everything was measured, whatever the figures; 1 when a measurement could not be
made; 2 for wrong options or no freeswitch on the PATH.
`;

/** Throws an Error for people when an option is unknown or out of range. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      engine: { type: 'string', default: 'embedded' },
      calls: { type: 'string', default: '100' },
      seconds: { type: 'string', default: '3' },
      profile: { type: 'string' },
    },
  });
  if (values.engine !== 'embedded' && values.engine !== 'freeswitch') {
    throw new Error(`--engine ${values.engine}: embedded or freeswitch`);
  }
  return {
    json: values.json,
    help: values.help,
    engine: values.engine,
    calls: within('--calls', values.calls, 10, 2000),
    seconds: within('--seconds', values.seconds, 1, 60),
    profile: values.profile ?? null,
  };
}

function within(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${name} ${text}: a whole number from ${least} to ${most}`);
  }
  return value;
}
