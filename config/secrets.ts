import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from './problems.js';
import type { Config, SecretReference } from './schema.js';

/** Longest secret file, in bytes. */
const LONGEST = 4096;

/** Longest file with a private key, in bytes: RSA of 16,384 bits has some 13,000. */
const LONGEST_KEY = 16_384;

function refuse(file: string, message: string, remedy: string, field = '(file)'): never {
  throw new ConfigError([{ file, line: null, column: null, field, message, remedy }]);
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';

function open(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    return refuse(file, `cannot be read (${codeOf(error)})`, 'name a file that exists and may be read');
  }
}

/**
 * The text of a file that nobody but its owner may read or write. Throws ConfigError when it cannot be read, others may
 * use it, or it is longer than so many bytes.
 */
function readPrivateFile(file: string, longest: number): string {
  const descriptor = open(file);
  try {
    const { mode, size } = fstatSync(descriptor);
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    if ((mode & 0o077) !== 0) refuse(file, `others may use it (mode ${octal})`, `run chmod 600 ${file}`);
    if (size > longest) refuse(file, 'too long for a secret', `write at most ${longest} bytes`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The secret in a file, without the white space around it. Throws ConfigError when the file cannot be read,
 * is empty, or anyone but its owner may read or write it.
 */
export function readSecretFile(file: string): string {
  const secret = readPrivateFile(file, LONGEST).trim();
  if (!/^[\x20-\x7e]+$/.test(secret)) refuse(file, 'holds no secret', 'write one line of ASCII text');
  return secret;
}

/** The private key, in PEM, that a reference points at. Throws ConfigError naming the variable or the file. */
export function readKey(reference: SecretReference, env: NodeJS.ProcessEnv): string {
  if (reference.file !== undefined) return readPrivateFile(reference.file, LONGEST_KEY);
  return readSecret(reference, env);
}

/** The secret that a reference points at. Throws ConfigError naming the variable or the file. */
export function readSecret(reference: SecretReference, env: NodeJS.ProcessEnv): string {
  if (reference.file !== undefined) return readSecretFile(reference.file);
  const name = reference.env ?? '';
  return env[name] || refuse('environment', 'not set', 'set it to the secret', name);
}

export interface GeneratedSecret {
  readonly secret: string;
  readonly file: string;
  /** It was made just now. */
  readonly created: boolean;
}

function makeDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { mode } = statSync(directory);
  if ((mode & 0o022) !== 0) {
    refuse(directory, 'others may write into it', `run chmod 700 ${directory}`, '(directory)');
  }
}

/**
 * The secret kept in a file, generated at the first start: 32 random bytes as base64url, file mode 0600,
 * directory 0700. A file that appears whole or not at all, so that two processes agree.
 */
export function generatedSecret(file: string): GeneratedSecret {
  makeDirectory(dirname(file));
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, {
    mode: 0o600,
    flag: 'wx',
    flush: true,
  });
  let created = true;
  try {
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    created = false;
  } finally {
    unlinkSync(draft);
  }
  return { secret: readSecretFile(file), file, created };
}

export interface AgentPasswords {
  /** By agent identifier, for the agents that register. */
  readonly passwords: ReadonlyMap<string, string>;
  /** The files that hold the passwords nobody configured. */
  readonly generated: readonly GeneratedSecret[];
}

/** The SIP digest passwords of the agents that register. Throws ConfigError naming the file that is at fault. */
export function agentPasswords(config: Config): AgentPasswords {
  const passwords = new Map<string, string>();
  const generated: GeneratedSecret[] = [];
  for (const { id, uri, password, passwordFile } of config.agents) {
    if (uri !== undefined) continue;
    if (password !== undefined) passwords.set(id, password);
    else if (passwordFile !== undefined) passwords.set(id, readSecretFile(passwordFile));
    else {
      const own = generatedSecret(join(config.dataDirectory, 'agents', `${id}.password`));
      passwords.set(id, own.secret);
      generated.push(own);
    }
  }
  return { passwords, generated };
}

/** Where a drachtio-server is, and what it wants to see. */
export interface DrachtioServer {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

/** The servers of `sip.drachtio` with their secrets. Throws ConfigError naming the file that is at fault. */
export function drachtioServers(config: Config): readonly DrachtioServer[] {
  return config.sip.drachtio.map(({ host, port, secret, secretFile }) => {
    return { host, port, secret: sharedSecret(secret, secretFile) };
  });
}

/** Where a FreeSWITCH is, what it wants to see, and its share of the calls. */
export interface FreeswitchServer {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly key: string;
  readonly weight: number;
}

/** The servers of `media.freeswitch` with their secrets. Throws ConfigError naming the file that is at fault. */
export function freeswitchServers(config: Config): readonly FreeswitchServer[] {
  return config.media.freeswitch.map(({ host, port, secret, secretFile, key, keyFile, weight }) => ({
    host,
    port,
    weight,
    secret: sharedSecret(secret, secretFile),
    key: sharedSecret(key, keyFile),
  }));
}

/** One that was written, or that of a file. */
function sharedSecret(written: string | undefined, file: string | undefined): string {
  if (file === undefined) return written ?? '';
  const read = readSecretFile(file);
  // Others would end it in the middle of the line or the header that it travels in.
  if (!/^[A-Za-z0-9._~+/=-]{16,256}$/.test(read)) {
    refuse(file, 'not a secret for a server', 'write 16 to 256 letters, digits or any of . _ ~ + / = -');
  }
  return read;
}
