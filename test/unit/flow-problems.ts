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

/** A secure flow that has `secure.card` and `flow.s`; its next action stands in line 7. */
export const KEYED = `name: a
type: secure
variables: { card: { type: secure }, s: { type: string } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: a }
`;
