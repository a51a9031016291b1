import { isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { Finding, Path } from './check.js';
import type { ConfigProblem } from './problems.js';

/** Longest configuration file, in characters. */
const LONGEST = 1_000_000;

export interface ConfigDocument {
  readonly value: unknown;
  readonly problems: readonly ConfigProblem[];
  /** Says where in the file a finding is. */
  place(finding: Finding): ConfigProblem;
}

/** `http.tokens[0].name` */
export function fieldName(path: Path): string {
  const name = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return name.replace(/^\./, '') || '(document)';
}

/** Offset of the node at a path, or of the nearest one above it that exists. */
function offsetOf(root: Node | null, path: Path, at: 'key' | 'value'): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  path.forEach((part, index) => {
    let next: unknown;
    if (isMap<{ value?: unknown } & Node, Node>(node)) {
      const pair = node.items.find((item) => item.key.value === part);
      const last = index === path.length - 1;
      next = pair?.value;
      const start = (last && at === 'key') || pair?.value?.range == null ? pair?.key : pair.value;
      offset = start?.range?.[0] ?? offset;
    } else if (isSeq<Node>(node)) {
      next = node.items[Number(part)];
      offset = node.items[Number(part)]?.range?.[0] ?? offset;
    }
    node = next;
  });
  return offset;
}

/** Parses YAML 1.2 with the position of everything; an empty document counts as `{}`. */
export function readDocument(text: string, file: string): ConfigDocument {
  const lines = new LineCounter();
  const at = (offset: number, field: string, message: string, remedy: string): ConfigProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, field, message, remedy };
  };
  if (text.length > LONGEST) {
    const problem = at(0, '(document)', 'too long', `write at most ${LONGEST} characters`);
    return { value: {}, problems: [problem], place: () => problem };
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const problems = [...document.errors, ...document.warnings].map((error) =>
    at(error.pos[0], '(document)', `not valid YAML (${error.code})`, 'correct the line'),
  );
  const value = problems.length > 0 ? {} : toPlain(document, problems, at);
  return {
    value,
    problems,
    place: ({ path, at: spot, message, remedy }) =>
      at(offsetOf(document.contents, path, spot), fieldName(path), message, remedy),
  };
}

function toPlain(
  document: ReturnType<typeof parseDocument>,
  problems: ConfigProblem[],
  at: (offset: number, field: string, message: string, remedy: string) => ConfigProblem,
): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch {
    problems.push(at(0, '(document)', 'aliases expand without end', 'write the values out'));
    return {};
  }
}
