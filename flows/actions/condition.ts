import type { ExpressionSource } from '../expressions/evaluate.js';
import { ExpressionError } from '../expressions/values.js';
import type { Run } from './action.js';

/** The answer of a condition. Throws ExpressionError when it is neither true nor false. */
export function isTrue(run: Run, condition: ExpressionSource): boolean {
  const answer = run.evaluate(condition);
  if (typeof answer !== 'boolean') throw new ExpressionError(String(condition), 'neither true nor false');
  return answer;
}
