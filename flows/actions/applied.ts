import type { FlowEvent, PlainValue } from '../commands.js';
import type { ExpressionSource } from '../expressions/evaluate.js';
import type { ActionCheck, Outcome, Run } from './action.js';

/** Checks expressions by name under `key`. */
export function checkExpressions(
  key: string,
  sources: Readonly<Record<string, ExpressionSource>> | undefined,
  check: ActionCheck,
): void {
  for (const [name, source] of Object.entries(sources ?? {})) check.expression([key, name], source, 'any');
}

/** The values of expressions by name. Throws ExpressionError. */
export function evaluateAll(
  sources: Readonly<Record<string, ExpressionSource>> | undefined,
  run: Run,
): Readonly<Record<string, PlainValue>> {
  return Object.fromEntries(
    Object.entries(sources ?? {}).map(([name, source]) => [name, run.evaluate(source)]),
  );
}

/** Goes on after the action, or takes `onFailure` when the server did not do it. */
export function appliedOrFailed(run: Run, event: FlowEvent): Outcome {
  if (event.type !== 'applied' || event.refusal === null) return { kind: 'next' };
  return failure(run, 'onFailure', event.refusal.error, event.refusal.message);
}

/** Takes a path because of an error, which becomes `data.<name>.error`. */
export function failure(
  run: Run,
  block: string,
  error: string,
  message: string,
): Extract<Outcome, { kind: 'path' }> {
  const data = { [run.action.name]: { status: 'error', reason: error, error, message } };
  return { kind: 'path', block, reason: error, data };
}
