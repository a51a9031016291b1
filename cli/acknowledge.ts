import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isMap, isNode, isScalar, parseDocument } from 'yaml';
import { ACKNOWLEDGEMENT, type Acknowledgement, digestOf } from '../flows/acknowledgement.js';
import { readDocument } from '../flows/document.js';
import { loadFlow } from '../flows/loader.js';
import { readArgs, type Surroundings, UsageError } from './surroundings.js';

/** `tacet acknowledge`: writes into a flow who decided that it may show parts of secure values, when and why. */
export async function acknowledge(args: readonly string[], around: Surroundings): Promise<number> {
  const { values, positionals } = readArgs(() =>
    parseArgs({
      args: [...args],
      options: { by: { type: 'string', default: '' }, reason: { type: 'string', default: '' } },
      allowPositionals: true,
    }),
  );
  const [path] = positionals;
  if (path === undefined || positionals.length > 1)
    throw new UsageError('acknowledge: name one flow document');
  const [by, reason] = [values.by.trim(), values.reason.trim()];
  if (by === '') throw new UsageError('acknowledge: --by NAME says who decided it');
  if (reason === '') throw new UsageError('acknowledge: --reason TEXT says why');
  const file = resolve(around.cwd, path);
  const source = await readFile(file, 'utf8');
  const acknowledged = withAcknowledgement(source, path, { by, reason, at: new Date().toISOString() });
  loadFlow(acknowledged, path);
  await writeFile(file, acknowledged);
  around.stdout.write(`${path} is acknowledged by ${by}\n`);
  return 0;
}

/** The document with this acknowledgement in place of the one that it has, its other lines untouched. */
export function withAcknowledgement(
  source: string,
  fileName: string,
  given: Omit<Acknowledgement, 'digest'>,
): string {
  const { value } = readDocument(source, fileName);
  const digest = digestOf(value !== null && typeof value === 'object' ? value : {});
  const lines = Object.entries({ ...given, digest }).map(
    ([key, text]) => `  ${key}: ${JSON.stringify(text)}\n`,
  );
  const rest = withoutAcknowledgement(source);
  const end = rest === '' || rest.endsWith('\n') ? '' : '\n';
  return `${rest}${end}${ACKNOWLEDGEMENT}:\n${lines.join('')}`;
}

function withoutAcknowledgement(source: string): string {
  const { contents } = parseDocument(source);
  const pair = isMap(contents)
    ? contents.items.find(({ key }) => isScalar(key) && key.value === ACKNOWLEDGEMENT)
    : undefined;
  if (!pair || !isNode(pair.key) || !isNode(pair.value)) return source;
  const [from, to] = [pair.key.range?.[0] ?? 0, pair.value.range?.[1] ?? 0];
  return source.slice(0, from) + source.slice(to);
}
