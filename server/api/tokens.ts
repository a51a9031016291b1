import { createHash, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../../config/config.js';
import { type GeneratedSecret, generatedSecret, readSecretFile } from '../../config/secrets.js';

/** What a token may do with flows, each with what comes before it. */
export const FLOW_RIGHTS = ['none', 'view', 'edit', 'publish'] as const;
export type FlowRight = (typeof FLOW_RIGHTS)[number];

interface Known {
  readonly name: string;
  readonly digest: Buffer;
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** The bearer tokens of the API. Keeps digests only, so that neither a dump nor a log can show a token. */
export class TokenStore {
  readonly #known: readonly Known[];
  readonly #flows: ReadonlyMap<string, FlowRight>;
  /** The token that was made because none is configured, and where it is kept. */
  readonly generated: Pick<GeneratedSecret, 'file' | 'created'> | null;

  constructor(
    tokens: readonly { readonly name: string; readonly token: string; readonly flows?: FlowRight }[],
    generated: TokenStore['generated'] = null,
  ) {
    this.#known = tokens.map(({ name, token }) => ({ name, digest: digestOf(token) }));
    this.#flows = new Map(tokens.map(({ name, flows }) => [name, flows ?? 'publish']));
    this.generated = generated;
  }

  /** Name of the token, or null for an unknown one. Takes the same time whichever it is. */
  verify(presented: string): string | null {
    const digest = digestOf(presented);
    let name: string | null = null;
    for (const known of this.#known) {
      if (timingSafeEqual(known.digest, digest)) name = known.name;
    }
    return name;
  }

  /** The token of this name may do with flows what needs such a right. */
  mayFlows(name: string | null, needed: FlowRight): boolean {
    const right = name === null ? 'none' : (this.#flows.get(name) ?? 'none');
    return FLOW_RIGHTS.indexOf(right) >= FLOW_RIGHTS.indexOf(needed);
  }
}

/**
 * The configured tokens, or without any the one in `<dataDirectory>/api-token`, made at the first start.
 * Throws ConfigError when a token's file cannot be read or may be read by others.
 */
export function loadTokens(config: Config): TokenStore {
  const configured = config.http.tokens.map(({ name, token, tokenFile, flows }) => ({
    name,
    flows,
    token: token ?? readSecretFile(tokenFile ?? ''),
  }));
  if (configured.length > 0) return new TokenStore(configured);
  const { secret, file, created } = generatedSecret(join(config.dataDirectory, 'api-token'));
  return new TokenStore([{ name: 'generated', token: secret }], { file, created });
}
