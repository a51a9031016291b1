/** Fields that pass while a conversation is in secure mode; all hold words of ours, never a caller's or a peer's. */
const SECURE_FIELDS: ReadonlySet<string> = new Set([
  'level',
  'time',
  'msg',
  'conversation',
  'session',
  'type',
  'seq',
  'state',
  'end',
  'shield',
  'change',
  'command',
  'by',
  'status',
  'flow',
  'action',
  'path',
  'participantId',
  'role',
]);

interface Destination {
  write(line: string): void;
  flushSync?(): void;
}

/**
 * The last step before the log's destination: lines that belong to a conversation in secure mode are cut down to
 * allow-listed fields. A line with an error keeps the error's type only, since its message is anybody's.
 */
export class LogGate implements Destination {
  readonly #destination: Destination;
  readonly #secure = new Set<string>();

  constructor(destination: Destination) {
    this.#destination = destination;
  }

  enter(conversationId: string): void {
    this.#secure.add(conversationId);
  }

  leave(conversationId: string): void {
    this.#secure.delete(conversationId);
  }

  write(line: string): void {
    this.#destination.write(this.filter(line));
  }

  flushSync(): void {
    this.#destination.flushSync?.();
  }

  /** What is written of this line now; the shield confirms by it. */
  filter(line: string): string {
    if (this.#secure.size === 0) return line;
    let parsed: Record<string, unknown>;
    try {
      parsed = JSON.parse(line);
    } catch {
      return '{"msg":"a line that is not JSON was dropped while a secure session is active"}\n';
    }
    if (!this.#secure.has(String(parsed.conversation))) return line;
    const shown = Object.fromEntries(Object.entries(parsed).filter(([key]) => SECURE_FIELDS.has(key)));
    if (typeof parsed.err === 'object' && parsed.err !== null && 'type' in parsed.err) {
      shown.err = { type: parsed.err.type };
      shown.msg = 'error in secure mode';
    }
    return `${JSON.stringify(shown)}\n`;
  }
}
