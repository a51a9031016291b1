import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Flow } from '../flows/flow.js';
import { interfaceOf } from '../flows/flow-interface.js';
import { flowGraph } from '../flows/graph.js';
import { loadFlow, loadLibrary } from '../flows/loader.js';
import { flowOf, flowPaths } from './flow-files.js';
import { readArgs, type Surroundings, UsageError } from './surroundings.js';
import { flowTree } from './tree.js';

/** What a module does is known beside the documents that the server would read with it. */
async function withModules(file: string, cwd: string): Promise<Flow> {
  const { directories } = await flowPaths([file], cwd);
  return flowOf(file, await loadLibrary(directories));
}

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
  const alone = loadFlow(source, file);
  const flow = interfaceOf(alone).calls.length === 0 ? alone : await withModules(file, cwd);
  stdout.write(values.json ? `${JSON.stringify(flowGraph(flow))}\n` : `${flowTree(flow).join('\n')}\n`);
  return 0;
}
