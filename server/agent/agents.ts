/** One agent as the configuration names it. */
export interface AgentConfig {
  readonly id: string;
  readonly name?: string;
  /** Fixed SIP URI; without one the agent's phone registers. */
  readonly uri?: string;
}

/** Where an agent's phone is reached. */
export interface AgentContact {
  readonly uri: string;
  /** Where to send the request when this differs from the URI (source of the REGISTER). */
  readonly proxy?: string;
}

/** An agent held for one conversation. Releasing is idempotent. */
export interface Reservation {
  readonly agentId: string;
  readonly name: string;
  readonly contact: AgentContact;
  release(): void;
}

interface Registered extends AgentContact {
  readonly expiresAt: number;
}

/**
 * Who the agents are, where they are reached and who is free. An agent is reserved from the first ring to the
 * end of the agent leg, secure sessions included (G6), and gets no other call meanwhile.
 */
export class Agents {
  readonly #agents: ReadonlyMap<string, AgentConfig>;
  readonly #now: () => number;
  readonly #registered = new Map<string, Registered>();
  readonly #reserved = new Set<string>();
  readonly #waiting = new Set<() => void>();

  constructor(agents: readonly AgentConfig[], now: () => number = Date.now) {
    this.#agents = new Map(agents.map((agent) => [agent.id, agent]));
    this.#now = now;
  }

  /** True when an agent this call may go to can be reached, free or not, and is not in `except`. */
  reachable(wanted: string, except: ReadonlySet<string>): boolean {
    return this.#candidates(wanted).some(({ agent }) => !except.has(agent.id));
  }

  /** Reserves the wanted agent, or for `any` the first free one that is not in `except`; null when there is none now. */
  reserve(wanted: string, except: ReadonlySet<string>): Reservation | null {
    for (const { agent, contact } of this.#candidates(wanted)) {
      if (this.#reserved.has(agent.id) || except.has(agent.id)) continue;
      this.#reserved.add(agent.id);
      let held = true;
      const release = () => {
        if (!held) return;
        held = false;
        this.#reserved.delete(agent.id);
        this.#changed();
      };
      return { agentId: agent.id, name: agent.name ?? agent.id, contact, release };
    }
    return null;
  }

  /** Resolves at the next change (an agent is free again, or registers), or when the signal aborts. */
  nextChange(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  register(agentId: string, contact: AgentContact, expiresSeconds: number): void {
    this.#registered.set(agentId, { ...contact, expiresAt: this.#now() + expiresSeconds * 1000 });
    this.#changed();
  }

  unregister(agentId: string): void {
    this.#registered.delete(agentId);
  }

  get reservedCount(): number {
    return this.#reserved.size;
  }

  #candidates(wanted: string): { agent: AgentConfig; contact: AgentContact }[] {
    const found: { agent: AgentConfig; contact: AgentContact }[] = [];
    for (const agent of this.#agents.values()) {
      if (wanted !== 'any' && wanted !== agent.id) continue;
      const contact = this.#contact(agent);
      if (contact) found.push({ agent, contact });
    }
    return found;
  }

  #contact(agent: AgentConfig): AgentContact | null {
    if (agent.uri) return { uri: agent.uri };
    const registered = this.#registered.get(agent.id);
    if (!registered) return null;
    if (registered.expiresAt > this.#now()) return registered;
    this.#registered.delete(agent.id);
    return null;
  }

  #changed(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
