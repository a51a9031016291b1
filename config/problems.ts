/** One thing wrong with the configuration. Never holds a configured value: it might be a secret. */
export interface ConfigProblem {
  /** Path of the file, or `environment`. */
  readonly file: string;
  /** 1-based; null where there is no place in a file. */
  readonly line: number | null;
  readonly column: number | null;
  /** Path of the key (`sip.port`, `http.tokens[0].name`) or the name of the environment variable. */
  readonly field: string;
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

function render(problem: ConfigProblem): string {
  const place = problem.line === null ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  return `${place}: ${problem.field}: ${problem.message}; ${problem.remedy}`;
}

/** Everything wrong with the configuration at once; the message has one line for each problem. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super(`the configuration is not valid\n${problems.map((problem) => `  ${render(problem)}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
