import assert from 'node:assert/strict';
import { FlowError, formatProblem, loadFlow } from '../../flows/loader.js';

/** `line:column: message (remedy)` of every problem, or [] when the document is sound. */
export function problemsOf(source: string): string[] {
  try {
    loadFlow(source, 'x.yaml');
    return [];
  } catch (error) {
    assert.ok(error instanceof FlowError, String(error));
    return error.problems.map((problem) => formatProblem(problem).replace('x.yaml:', ''));
  }
}
