import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { FlowError } from './problems.js';

/** Keys and indexes from the top of the document. */
export type Path = readonly (string | number)[];

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A document as plain data, and where each part of it stands. */
export interface FlowDocument {
  readonly value: unknown;
  /** Where the value at a path stands; for a path that is not there, the nearest part around it. */
  place(path: Path): Place;
  /** Where the key at the end of a path stands. */
  keyPlace(path: Path): Place;
}

/** Longest document in characters, deepest nesting, most parts and most aliases: an honest flow is far below. */
const MOST_CHARACTERS = 262_144;
const MOST_DEPTH = 60;
const MOST_PARTS = 50_000;
const MOST_ALIASES = 100;

class Refused extends Error {
  readonly offset: number;
  readonly remedy: string;
  constructor(message: string, remedy: string, offset = 0) {
    super(message);
    this.offset = offset;
    this.remedy = remedy;
  }
}

/** Reads one YAML 1.2 document. Throws {@link FlowError} with every syntax error in it. */
export function readDocument(source: string, file: string): FlowDocument {
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    const root = parse(source, lines, at, file);
    const reader = new Reader();
    const value = reader.read(root, [], 0);
    const find = (places: ReadonlyMap<string, number>, path: Path): Place => {
      for (let length = path.length; length >= 0; length -= 1) {
        const offset = (length === path.length ? places : reader.values).get(key(path.slice(0, length)));
        if (offset !== undefined) return at(offset);
      }
      return { line: 1, column: 1 };
    };
    return {
      value,
      place: (path) => find(reader.values, path),
      keyPlace: (path) => find(reader.keys.has(key(path)) ? reader.keys : reader.values, path),
    };
  } catch (error) {
    if (error instanceof FlowError) throw error;
    const refused =
      error instanceof Refused
        ? error
        : new Refused('the document cannot be read', 'make it simpler: less nesting, shorter lines');
    const { message, remedy } = refused;
    throw new FlowError([{ file, ...at(refused.offset), message, remedy }]);
  }
}

function parse(
  source: string,
  lines: LineCounter,
  at: (offset: number) => Place,
  file: string,
): ParsedNode | null {
  if (source.length > MOST_CHARACTERS) {
    throw new Refused(
      `the document is longer than ${MOST_CHARACTERS} characters`,
      'split it into several flows',
    );
  }
  const document = parseDocument(source, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: 'error',
  });
  const errors: YAMLError[] = [...document.errors, ...document.warnings];
  if (errors.length > 0) {
    throw new FlowError(
      errors.slice(0, 20).map((error) => ({
        file,
        ...at(error.pos[0]),
        message: `not valid YAML: ${error.message}`,
        remedy: 'a flow is one YAML 1.2 document; check indentation, quotes and colons here',
      })),
    );
  }
  return document.contents;
}

/** Turns nodes into plain data within bounds, and notes where each began. */
class Reader {
  readonly values = new Map<string, number>();
  readonly keys = new Map<string, number>();
  readonly #anchors = new Map<string, Node>();
  #parts = 0;
  #aliases = 0;

  read(node: Node | null | undefined, path: Path, depth: number): unknown {
    const offset = node?.range?.[0] ?? 0;
    this.#bound(offset, depth);
    if (node) this.values.set(key(path), offset);
    if (!node) return null;
    if (isAlias(node)) return this.#readAlias(node.source, path, depth, offset);
    // An alias inside its own anchor finds nothing: the anchor is known only after its node was read.
    const value = this.#readPlain(node, path, depth);
    if ('anchor' in node && typeof node.anchor === 'string') this.#anchors.set(node.anchor, node);
    return value;
  }

  #bound(offset: number, depth: number): void {
    this.#parts += 1;
    if (depth > MOST_DEPTH)
      throw new Refused('nested too deeply', 'move inner paths into other flows', offset);
    if (this.#parts > MOST_PARTS) throw new Refused('too many parts', 'split it into several flows', offset);
  }

  #readAlias(name: string, path: Path, depth: number, offset: number): unknown {
    this.#aliases += 1;
    const target = this.#anchors.get(name);
    if (!target || this.#aliases > MOST_ALIASES) {
      const message = target ? `more than ${MOST_ALIASES} aliases` : `alias *${name} refers to itself`;
      throw new Refused(message, 'write the part out where it is used', offset);
    }
    return this.read(target, path, depth + 1);
  }

  #readPlain(node: Node, path: Path, depth: number): unknown {
    if (isScalar(node)) return node.value;
    if (isSeq(node)) {
      return node.items.map((item, index) => this.read(item as Node | null, [...path, index], depth + 1));
    }
    if (!isMap(node)) return null;
    return Object.fromEntries(
      node.items.map((pair) => {
        const keyNode = pair.key as Node | null;
        const name = String(isScalar(keyNode) ? keyNode.value : keyNode);
        const inner = [...path, name];
        this.keys.set(key(inner), keyNode?.range?.[0] ?? 0);
        return [name, this.read(pair.value as Node | null, inner, depth + 1)];
      }),
    );
  }
}

function key(path: Path): string {
  return JSON.stringify(path);
}
