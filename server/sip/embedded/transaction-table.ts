import type { ClientTransaction } from './client-transaction.js';
import type { SipRequest } from './message.js';
import { headerValue } from './message.js';
import type { ServerTransaction } from './server-transaction.js';
import type { SpentTransactions } from './spent-transactions.js';
import type { Essentials } from './validate.js';

const COOKIE = 'z9hG4bK';

/** A server transaction and how it is found. */
export interface ServerEntry {
  readonly key: string;
  /** Equal for copies of one request that came over different paths (RFC 3261 section 8.2.2.2). */
  readonly mergeKey: string | undefined;
  readonly transactionId: string;
  readonly transaction: ServerTransaction;
}

/**
 * The key of the transaction a request belongs to (RFC 3261 section 17.2.3). Branches without the magic
 * cookie, and the bare cookie, are matched by the rules of RFC 2543. ACK has the key of its INVITE.
 */
export function serverKey(request: SipRequest, essentials: Essentials, method = request.method): string {
  const { via, callId, fromTag, cseq } = essentials;
  const owner = method === 'ACK' ? 'INVITE' : method;
  const branch = via.params.get('branch') ?? '';
  const sentBy = `${via.host.toLowerCase()}:${via.port ?? 5060}`;
  if (branch.startsWith(COOKIE) && branch.length > COOKIE.length) return `${branch} ${sentBy} ${owner}`;
  return ['2543', owner, request.uri, fromTag, callId, cseq.number, headerValue(request.headers, 'via')].join(
    ' ',
  );
}

/** Whether the peer follows RFC 3261 rather than RFC 2543. */
export function hasMagicCookie(essentials: Essentials): boolean {
  return (essentials.via.params.get('branch') ?? '').startsWith(COOKIE);
}

/** The key by which merged requests are recognised; undefined inside a dialog. */
export function mergeKeyOf({ callId, fromTag, toTag, cseq }: Essentials): string | undefined {
  return toTag === '' ? `${callId} ${fromTag} ${cseq.number} ${cseq.method}` : undefined;
}

/** Every transaction alive, and those that only wait for late copies of their request. */
export class TransactionTable {
  readonly spent: SpentTransactions;
  readonly #servers = new Map<string, ServerEntry>();
  readonly #merges = new Map<string, ServerEntry>();
  readonly #clients = new Map<string, ClientTransaction>();

  constructor(spent: SpentTransactions) {
    this.spent = spent;
  }

  get size(): number {
    return this.#servers.size + this.#clients.size + this.spent.size;
  }

  server(key: string): ServerEntry | undefined {
    return this.#servers.get(key);
  }

  merged(mergeKey: string | undefined): boolean {
    return mergeKey !== undefined && (this.#merges.has(mergeKey) || this.spent.merged(mergeKey));
  }

  addServer(entry: ServerEntry): void {
    this.#servers.set(entry.key, entry);
    if (entry.mergeKey !== undefined) this.#merges.set(entry.mergeKey, entry);
  }

  removeServer(entry: ServerEntry): void {
    this.#servers.delete(entry.key);
    if (entry.mergeKey !== undefined) this.#merges.delete(entry.mergeKey);
  }

  /** Responses find their transaction by branch and CSeq method (RFC 3261 section 17.1.3). */
  client(branch: string, method: string): ClientTransaction | undefined {
    return this.#clients.get(`${branch} ${method}`);
  }

  addClient(branch: string, method: string, transaction: ClientTransaction): void {
    this.#clients.set(`${branch} ${method}`, transaction);
  }

  removeClient(branch: string, method: string): void {
    this.#clients.delete(`${branch} ${method}`);
  }

  /** Stops every transaction and forgets it. */
  clear(): void {
    for (const entry of this.#servers.values()) entry.transaction.destroy();
    for (const transaction of this.#clients.values()) transaction.destroy();
    this.spent.clear();
    this.#servers.clear();
    this.#merges.clear();
    this.#clients.clear();
  }
}
