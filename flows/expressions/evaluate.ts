import { EvaluationError, type ParseResult } from '@marcbachmann/cel-js';
import type { CallFacts, PlainValue } from '../commands.js';
import { environment } from './environment.js';
import { ExpressionError, fromCel, toCel } from './values.js';

/** An expression as a document has it: CEL in a text, or a number or boolean meant as it stands. */
export type ExpressionSource = string | number | boolean;

/** What an expression can see. */
export interface Scope {
  readonly flow: Readonly<Record<string, PlainValue>>;
  readonly call: CallFacts;
  readonly data: Readonly<Record<string, Readonly<Record<string, PlainValue>>>>;
}

/** Most that {@link parsed} holds: flows are replaced while the process runs, and theirs go with them in time. */
const MOST_PARSED = 10_000;

/** Parsed expressions by source, the oldest first. Only documents add to it, not calls. */
const parsed = new Map<string, ParseResult>();

/** States are immutable, so what was converted once stays right for as long as its state lives. */
const conversions = new WeakMap<object, unknown>();

function converted(values: object): unknown {
  let result = conversions.get(values);
  if (result === undefined) {
    result = toCel(values);
    conversions.set(values, result);
  }
  return result;
}

/** Parses once per source. Throws the ParseError of the CEL library. */
export function parseExpression(source: string): ParseResult {
  let program = parsed.get(source);
  if (!program) {
    program = environment.parse(source);
    parsed.set(source, program);
    if (parsed.size > MOST_PARSED) parsed.delete(parsed.keys().next().value ?? '');
  }
  return program;
}

/** The value of an expression. Throws {@link ExpressionError}. */
export function evaluate(source: ExpressionSource, scope: Scope): PlainValue {
  if (typeof source !== 'string') return source;
  let value: unknown;
  try {
    value = parseExpression(source)({
      flow: converted(scope.flow),
      call: scope.call,
      data: converted(scope.data),
    });
  } catch (error) {
    // The code only: a summary may quote the value it failed on.
    throw new ExpressionError(source, error instanceof EvaluationError ? error.code : 'not evaluated');
  }
  return fromCel(source, value);
}
