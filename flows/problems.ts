/** One thing wrong in a flow document, and what to do about it. Lines and columns count from 1. */
export interface FlowProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly remedy: string;
}

/** Everything wrong that was found in one document, or in all documents of a library. */
export class FlowError extends Error {
  readonly problems: readonly FlowProblem[];
  constructor(problems: readonly FlowProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'FlowError';
    this.problems = problems;
  }
}

/** `file:line:column: message (remedy)`, the form editors and terminals turn into links. */
export function formatProblem(problem: FlowProblem): string {
  const { file, line, column, message, remedy } = problem;
  return `${file}:${line}:${column}: ${message} (${remedy})`;
}
