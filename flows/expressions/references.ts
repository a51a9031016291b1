import type { ASTNode } from '@marcbachmann/cel-js';

/** One use of a namespace in an expression: `flow.amount` is `{namespace: 'flow', name: 'amount'}`. */
export interface Reference {
  readonly namespace: string;
  /** Null when the whole namespace is used, or a part that only a running call could name. */
  readonly name: string | null;
}

/** What the loader needs to know of an expression. */
export interface ExpressionUse {
  readonly references: readonly Reference[];
  /** Functions and methods it calls. */
  readonly calls: ReadonlySet<string>;
  /** How deep comprehensions (`map`, `filter`, ...) are nested. */
  readonly loops: number;
}

const WATCHED = new Set(['flow', 'call', 'data', 'secure']);
const COMPREHENSIONS = new Set(['map', 'filter', 'all', 'exists', 'exists_one']);

interface Walk {
  readonly references: Reference[];
  readonly calls: Set<string>;
  loops: number;
}

/** Finds every use of a namespace in a parsed expression, macros included. */
export function expressionUse(ast: ASTNode): ExpressionUse {
  const walk: Walk = { references: [], calls: new Set(), loops: 0 };
  visit(ast, walk, 0);
  return walk;
}

function visit(node: ASTNode, walk: Walk, loops: number): void {
  walk.loops = Math.max(walk.loops, loops);
  const reference = referenceAt(node);
  if (reference) {
    walk.references.push(reference);
    return;
  }
  let depth = loops;
  if (node.op === 'call') walk.calls.add(node.args[0]);
  if (node.op === 'rcall') {
    walk.calls.add(node.args[0]);
    if (COMPREHENSIONS.has(node.args[0])) depth += 1;
  }
  for (const child of childrenOf(node.args)) visit(child, walk, depth);
}

function referenceAt(node: ASTNode): Reference | null {
  if (node.op === 'id') return WATCHED.has(node.args) ? { namespace: node.args, name: null } : null;
  if (node.op !== '.' && node.op !== '[]') return null;
  const [target, key] = node.args;
  if (target.op !== 'id' || !WATCHED.has(target.args)) return null;
  if (typeof key === 'string') return { namespace: target.args, name: key };
  const literal = key.op === 'value' && typeof key.args === 'string' ? key.args : null;
  return { namespace: target.args, name: literal };
}

function childrenOf(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf);
  return isNode(args) ? [args] : [];
}

function isNode(value: unknown): value is ASTNode {
  return value !== null && typeof value === 'object' && 'op' in value && 'args' in value;
}
