import { parseArgs } from 'node:util';
import { FlowError, type FlowProblem, loadLibrary } from '../flows/loader.js';
import { type FlowPaths, flowPaths, fromHere, pathFromHere, reportProblems } from './flow-files.js';
import { readArgs, type Surroundings, UsageError } from './surroundings.js';

/** `tacet check`: loads flows as the server does when it starts, and prints what is wrong in them. */
export async function check(args: readonly string[], around: Surroundings): Promise<number> {
  const { values, positionals } = readArgs(() =>
    parseArgs({
      args: [...args],
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    }),
  );
  if (positionals.length === 0) throw new UsageError('check: name a file or a folder of flows');
  const paths = await flowPaths(positionals, around.cwd);
  const problems = await problemsOf(paths);
  const ok = problems.length === 0;
  if (values.json) {
    const files = paths.files.map((file) => pathFromHere(file, around.cwd));
    const shown = problems.map((problem) => fromHere(problem, around.cwd));
    around.stdout.write(`${JSON.stringify({ ok, files, problems: shown })}\n`);
  } else if (ok) {
    const { length } = paths.files;
    around.stdout.write(`${length} ${length === 1 ? 'flow' : 'flows'}, no problem\n`);
  } else reportProblems(problems, around);
  return ok ? 0 : 1;
}

/** Flows beside the named ones are read for the sake of what refers to them; their own problems are not asked for. */
async function problemsOf({ directories, files, problems }: FlowPaths): Promise<readonly FlowProblem[]> {
  try {
    await loadLibrary(directories);
    return problems;
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    return [...problems, ...error.problems.filter(({ file }) => files.includes(file))];
  }
}
