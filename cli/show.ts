import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { flowGraph } from '../flows/graph.js';
import { loadFlow } from '../flows/loader.js';
import { readArgs, type Surroundings, UsageError } from './surroundings.js';
import { flowTree } from './tree.js';

/** `tacet show`: a flow as a tree of its actions, or as nodes and edges for programs. */
export async function show(args: readonly string[], { stdout, cwd }: Surroundings): Promise<number> {
  const { values, positionals } = readArgs(() =>
    parseArgs({
      args: [...args],
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    }),
  );
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw new UsageError('show: name one flow document');
  const file = resolve(cwd, path);
  const source = await readFile(file, 'utf8').catch(() => null);
  if (source === null) throw new UsageError(`the file ${path} cannot be read`);
  const flow = loadFlow(source, file);
  stdout.write(values.json ? `${JSON.stringify(flowGraph(flow))}\n` : `${flowTree(flow).join('\n')}\n`);
  return 0;
}
