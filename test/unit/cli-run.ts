import { Readable } from 'node:stream';
import { runTacet } from '../../cli/tacet.js';

/** What a command line led to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command `tacet` in this process, in a directory, with `typed` on its standard input. */
export async function tacet(args: readonly string[], cwd: string, typed = ''): Promise<Ran> {
  let out = '';
  let err = '';
  const stdout = { write: (text: string) => (out += text) };
  const stderr = { write: (text: string) => (err += text) };
  const code = await runTacet(args, { stdin: Readable.from([Buffer.from(typed)]), stdout, stderr, cwd });
  return { code, out, err };
}
