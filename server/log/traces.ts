import { ConfigError, type ConfigProblem } from '../../config/config.js';

/** `debug` name spaces under which drachtio-srf and its relatives print whole SIP messages and events. */
const TELEPHONY = ['agent', 'request', 'response', 'socket', 'srf', 'fsmrf'].map(
  (name) => `drachtio:${name}`,
);

/** Command line options of Node that write memory, traffic or secrets to a file, or open memory to a debugger. */
const CAPTURING_OPTION =
  /^--(inspect|cpu-prof|heap-prof|heapsnapshot|report-|tls-keylog|trace-tls|abort-on-uncaught-exception|prof\b|debug)/;

/** Whether a DEBUG value switches on a name space that can print telephony. */
function tracesTelephony(debug: string): boolean {
  const patterns = debug.split(/[\s,]+/).filter((pattern) => pattern !== '' && !pattern.startsWith('-'));
  return patterns.some((pattern) => {
    if (/^(drachtio|esl)/.test(pattern)) return true;
    const literals = pattern.split('*').map((part) => part.replace(/[^\w]/g, '\\$&'));
    const wildcard = new RegExp(`^${literals.join('.*')}$`);
    return TELEPHONY.some((name) => wildcard.test(name));
  });
}

export interface TraceCheck {
  readonly env: NodeJS.ProcessEnv;
  /** Options Node was started with (`process.execArgv`). */
  readonly execArgv: readonly string[];
  /** Also refuses whatever else captures (DESIGN.md section 2, rule 10). */
  readonly pciDss: boolean;
  readonly logLevel: string;
}

/** Everything that is on and could write what secure mode hides, each with its name and remedy. */
export function activeTraces({ env, execArgv, pciDss, logLevel }: TraceCheck): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const found = (field: string, message: string, remedy: string) =>
    problems.push({ file: 'environment', line: null, column: null, field, message, remedy });
  if (env.DEBUG && (pciDss || tracesTelephony(env.DEBUG))) {
    found('DEBUG', 'prints whole SIP messages, keyed digits included', 'unset it');
  }
  if (!pciDss) return problems;
  for (const name of ['NODE_DEBUG', 'NODE_DEBUG_NATIVE', 'SSLKEYLOGFILE', 'NODE_V8_COVERAGE']) {
    if (env[name]) found(name, 'captures traffic, keys or state', 'unset it, or set pciDss: false');
  }
  const options = [...execArgv, ...(env.NODE_OPTIONS ?? '').split(/\s+/)];
  for (const option of options.filter((one) => CAPTURING_OPTION.test(one))) {
    found(
      option.split('=')[0] ?? '',
      'captures memory or traffic',
      'start Node without it, or set pciDss: false',
    );
  }
  if (logLevel === 'debug' || logLevel === 'trace') {
    found('log.level', `${logLevel} is a trace`, 'set info or a less talkative level, or set pciDss: false');
  }
  return problems;
}

/** Refuses to go on while a trace is on: throws ConfigError that names each. */
export function assertNoTraces(check: TraceCheck): void {
  const problems = activeTraces(check);
  if (problems.length > 0) throw new ConfigError(problems);
}
