import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Checker, type Finding, type Path } from './check.js';
import { connectorPaths } from './connector.js';
import type { DataActionConfig } from './data-action.js';
import { type ConfigDocument, readDocument } from './document.js';
import { type Override, readEnvironment } from './environment.js';
import { ConfigError, type ConfigProblem } from './problems.js';
import { brokenRules } from './rules.js';
import { type Config, ConfigSchema } from './schema.js';

export { ConfigError, type ConfigProblem } from './problems.js';
export type { Config, ConnectorConfig, LogLevel, SecretReference } from './schema.js';

export interface LoadOptions {
  /** Path of the file; default `TACET_CONFIG`, or `tacet.yaml` in `cwd` when there is one. */
  readonly file?: string;
  /** `TACET_...` variables override the file. */
  readonly env: NodeJS.ProcessEnv;
  /** Working directory, absolute. */
  readonly cwd: string;
}

/** First external IPv4 address of the machine, or loopback when there is none. */
function machineAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

function advertised(configured: string, listening: string, otherwise: () => string): string {
  if (configured !== 'auto') return configured;
  return listening === '0.0.0.0' || listening === '::' ? otherwise() : listening;
}

/** Which file to read: one that was named must exist, `tacet.yaml` need not. */
function chooseFile({ file, env, cwd }: LoadOptions): string | null {
  const named = file ?? env.TACET_CONFIG;
  if (named !== undefined) return resolve(cwd, named);
  const usual = resolve(cwd, 'tacet.yaml');
  return existsSync(usual) ? usual : null;
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const message = `cannot be read (${(cause as NodeJS.ErrnoException).code})`;
    const remedy = 'name a file that exists and may be read';
    throw new ConfigError([{ file, line: null, column: null, field: '(file)', message, remedy }]);
  }
}

/** Puts an override into the plain document, making the sections above it; a section of a wrong type is left to the check. */
function put(document: Record<string, unknown>, { path, value }: Override): void {
  let section = document;
  for (const key of path.slice(0, -1)) {
    const inner = section[key] ?? {};
    if (typeof inner !== 'object' || Array.isArray(inner)) return;
    section[key] = inner;
    section = inner as Record<string, unknown>;
  }
  section[String(path.at(-1))] = value;
}

const startsWith = (path: Path, start: Path): boolean => start.every((part, index) => path[index] === part);

/** A finding at its place: the environment variable that set the value, or the line of the file. */
function place(
  finding: Finding,
  document: ConfigDocument | null,
  overrides: readonly Override[],
): ConfigProblem {
  const override = overrides.find(({ path }) => startsWith(finding.path, path));
  if (override === undefined && document !== null) return document.place(finding);
  const { message, remedy } = finding;
  return { file: 'environment', line: null, column: null, field: override?.name ?? '', message, remedy };
}

type WebEntry = Pick<DataActionConfig, 'authorization' | 'caFile'>;

/** Addresses and paths made definite. Relative paths start at the file's directory, without a file at `cwd`. */
function definite(config: Config, base: string): Config {
  const path = (relative: string) => resolve(base, relative);
  const optional = <K extends string>(key: K, value: string | undefined) =>
    (value === undefined ? {} : { [key]: path(value) }) as { [key in K]?: string };
  const sip = advertised(config.sip.advertisedAddress, config.sip.address, machineAddress);
  const media = advertised(config.media.advertisedAddress, config.media.address, () => sip);
  const web = <T extends WebEntry>(entry: T): T => {
    const { authorization, caFile } = entry;
    const secret = authorization && { ...authorization, ...optional('file', authorization.file) };
    return { ...entry, ...optional('caFile', caFile), ...(secret && { authorization: secret }) };
  };
  const connectors = Object.entries(config.connectors).map(
    ([name, one]) => [name, connectorPaths(one, path)] as const,
  );
  const dataActions = Object.entries(config.dataActions).map(([name, one]) => [name, web(one)] as const);
  const bots = Object.entries(config.bots).map(([name, one]) => [name, web(one)] as const);
  return {
    ...config,
    sip: {
      ...config.sip,
      advertisedAddress: sip,
      drachtio: config.sip.drachtio.map((one) => ({ ...one, ...optional('secretFile', one.secretFile) })),
    },
    media: {
      ...config.media,
      advertisedAddress: media,
      listener: {
        ...config.media.listener,
        advertisedAddress: advertised(
          config.media.listener.advertisedAddress,
          config.media.listener.address,
          machineAddress,
        ),
      },
      freeswitch: config.media.freeswitch.map((one) => ({
        ...one,
        ...optional('secretFile', one.secretFile),
        ...optional('keyFile', one.keyFile),
      })),
    },
    http: {
      ...config.http,
      tokens: config.http.tokens.map((token) => ({ ...token, ...optional('tokenFile', token.tokenFile) })),
    },
    flows: { directories: config.flows.directories.map(path) },
    agents: config.agents.map((agent) => ({ ...agent, ...optional('passwordFile', agent.passwordFile) })),
    connectors: Object.fromEntries(connectors),
    dataActions: Object.fromEntries(dataActions),
    bots: Object.fromEntries(bots),
    dataDirectory: path(config.dataDirectory),
  };
}

/**
 * Reads, overrides, checks and completes the configuration. Throws ConfigError with every problem at once.
 * Reads no secret file: that is done where the secret is used.
 */
export function loadConfig(options: LoadOptions): Config {
  const file = chooseFile(options);
  const document = file === null ? null : readDocument(readFile(file), file);
  const { overrides, problems } = readEnvironment(ConfigSchema, options.env);
  const plain = structuredClone(document?.value ?? {});
  if (typeof plain === 'object' && !Array.isArray(plain)) {
    for (const override of overrides) put(plain as Record<string, unknown>, override);
  }
  const checker = new Checker();
  const filled = checker.check(ConfigSchema, plain) as Config;
  const config: Config = { ...filled, configFile: file };
  const findings = checker.findings.length > 0 ? checker.findings : brokenRules(config);
  const all = [
    ...(document?.problems ?? []),
    ...problems,
    ...findings.map((finding) => place(finding, document, overrides)),
  ];
  if (all.length > 0) throw new ConfigError(all);
  return definite(config, file === null ? options.cwd : dirname(file));
}
