import { FlowError } from '../flows/problems.js';
import { acknowledge } from './acknowledge.js';
import { check } from './check.js';
import { reportProblems } from './flow-files.js';
import { show } from './show.js';
import { simulate } from './simulate.js';
import { type Surroundings, UsageError } from './surroundings.js';

type Command = (args: readonly string[], around: Surroundings) => Promise<number>;

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['check', check],
  ['acknowledge', acknowledge],
  ['show', show],
  ['simulate', simulate],
]);

export const HELP = `tacet <command> ...

  check [--json] FILE|FOLDER ...   finds what is wrong in flows, as the server does when it starts
  show [--json] FILE               prints a flow as a tree, with a key on what runs in secure mode
  simulate [--data TEXT] [--agent answered|no-answer|no-agent] FILE
                                   runs a flow in the terminal; the keyboard is the caller's telephone
  simulate --script SCRIPT ... FILE
                                   replays digit scripts and compares their traces
  acknowledge --by NAME --reason TEXT FILE
                                   writes into a flow who decided that it shows parts of secure values
  help                             this text

Exit code 0 when all is well, 1 when a flow has an error or a trace differs, 2 for a wrong command
line or a file that cannot be read.
`;

/** Runs the command that the arguments name. Resolves with the exit code of {@link HELP}. */
export async function runTacet(args: readonly string[], around: Surroundings): Promise<number> {
  const [name = '', ...rest] = args;
  if (['help', '--help', '-h'].includes(name) || rest.includes('--help')) {
    around.stdout.write(HELP);
    return 0;
  }
  try {
    const command = COMMANDS.get(name);
    if (!command) {
      throw new UsageError(name === '' ? 'a command is missing' : `there is no command '${name}'`);
    }
    return await command(rest, around);
  } catch (error) {
    if (error instanceof FlowError) {
      reportProblems(error.problems, around);
      return 1;
    }
    if (isSystemError(error)) {
      around.stderr.write(`tacet: ${error.message}\n`);
      return 2;
    }
    if (!(error instanceof UsageError)) throw error;
    around.stderr.write(`tacet: ${error.message}\n\n${HELP}`);
    return 2;
  }
}

/** A file that is there but cannot be read; the message names it and the reason. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}
