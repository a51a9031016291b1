import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Registration } from '../sip/signalling.js';
import type { Agents } from './agents.js';

const REALM = 'tacet';
const NONCE_LIFE_MS = 60_000;
const MAX_EXPIRES_SECONDS = 3600;
const MIN_EXPIRES_SECONDS = 60;
/** After this many wrong answers in a row the agent's name is locked for a while (PCI DSS 8.3.4). */
const MAX_FAILURES = 10;
const LOCK_MS = 30 * 60_000;

/**
 * Registers the agents' phones: SIP digest (RFC 2617 with qop=auth, RFC 3261 section 22.4) against the password
 * of the configuration. Unknown names get the same challenge as known ones, so names cannot be found out.
 */
export class Registrar {
  readonly #agents: Agents;
  readonly #passwords: ReadonlyMap<string, string>;
  readonly #now: () => number;
  readonly #key = randomBytes(32);
  readonly #failures = new Map<string, { count: number; until: number }>();

  /** `passwords`: agent identifier to password, for the agents that register. */
  constructor(agents: Agents, passwords: ReadonlyMap<string, string>, now: () => number = Date.now) {
    this.#agents = agents;
    this.#passwords = passwords;
    this.#now = now;
  }

  handle(request: Registration): void {
    if (this.#locked(request.user)) {
      request.reject(403);
      return;
    }
    const credentials = request.authorization ? parseDigest(request.authorization) : null;
    const fresh = credentials ? this.#nonceIsFresh(credentials.get('nonce') ?? '') : false;
    if (!credentials || !fresh) {
      this.#challenge(request, credentials !== null);
    } else if (this.#matches(request.user, credentials)) {
      this.#failures.delete(request.user);
      this.#bind(request);
    } else {
      this.#countFailure(request.user);
      request.reject(403);
    }
  }

  #bind(request: Registration): void {
    const wanted = request.expiresSeconds;
    const seconds = Math.min(wanted, MAX_EXPIRES_SECONDS);
    if (request.contact === null) {
      request.accept({});
    } else if (request.contact === '*' || seconds === 0) {
      this.#agents.unregister(request.user);
      request.accept({});
    } else if (wanted < MIN_EXPIRES_SECONDS) {
      request.reject(423, { 'Min-Expires': String(MIN_EXPIRES_SECONDS) });
    } else {
      this.#agents.register(request.user, { uri: request.contact, proxy: request.source }, seconds);
      request.accept({ Contact: `<${request.contact}>;expires=${seconds}` });
    }
  }

  #matches(user: string, digest: ReadonlyMap<string, string>): boolean {
    const password = this.#passwords.get(user);
    if (password === undefined || digest.get('username') !== user || digest.get('realm') !== REALM)
      return false;
    const ha1 = md5(`${user}:${REALM}:${password}`);
    const ha2 = md5(`REGISTER:${digest.get('uri') ?? ''}`);
    const nonce = digest.get('nonce') ?? '';
    const middle = digest.get('qop')
      ? `${digest.get('nc')}:${digest.get('cnonce')}:${digest.get('qop')}:`
      : '';
    return sameText(md5(`${ha1}:${nonce}:${middle}${ha2}`), (digest.get('response') ?? '').toLowerCase());
  }

  #challenge(request: Registration, stale: boolean): void {
    const time = this.#now().toString(36);
    const nonce = `${time}.${this.#sign(time)}`;
    request.reject(401, {
      'WWW-Authenticate': `Digest realm="${REALM}", nonce="${nonce}", algorithm=MD5, qop="auth"${stale ? ', stale=true' : ''}`,
    });
  }

  #nonceIsFresh(nonce: string): boolean {
    const [time = '', signature = ''] = nonce.split('.');
    const age = this.#now() - Number.parseInt(time, 36);
    return age >= 0 && age < NONCE_LIFE_MS && sameText(this.#sign(time), signature);
  }

  #sign(time: string): string {
    return createHmac('sha256', this.#key).update(time).digest('hex');
  }

  #locked(user: string): boolean {
    const entry = this.#failures.get(user);
    return entry !== undefined && entry.count >= MAX_FAILURES && entry.until > this.#now();
  }

  #countFailure(user: string): void {
    // Only known names are counted: a stranger must not be able to fill the memory.
    if (!this.#passwords.has(user)) return;
    const entry = this.#failures.get(user);
    const count = entry && entry.until > this.#now() ? entry.count + 1 : 1;
    this.#failures.set(user, { count, until: this.#now() + LOCK_MS });
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The fields of a Digest credentials header, or null when it is none. */
function parseDigest(header: string): ReadonlyMap<string, string> | null {
  const start = /^\s*Digest\s+/i.exec(header);
  if (!start || header.length > 2048) return null;
  const fields = new Map<string, string>();
  for (const match of header.slice(start[0].length).matchAll(/([a-z]+)=(?:"([^"]*)"|([^\s,"]*))/gi)) {
    fields.set((match[1] ?? '').toLowerCase(), match[2] ?? match[3] ?? '');
  }
  return fields;
}
