import type { AgentSource } from './agent-source.js';
import type { Agents } from './agents.js';

/** How a queue gives callers to agents. */
export interface QueuePort {
  /** Where the next caller of the queue finds an agent; null when there is no such queue. */
  source(queue: string): AgentSource | null;
}

/** One queue as the configuration names it. */
export interface QueueConfig {
  readonly name: string;
  /** Identifiers of its agents, in the order they are rung. */
  readonly agents: readonly string[];
}

const NOBODY = { error: 'no-agent-available', message: 'no agent of the queue is available' };

/** Queues without waiting lines: each caller goes to the first agent of the queue who is free. */
export class DirectQueues implements QueuePort {
  readonly #queues: ReadonlyMap<string, readonly string[]>;
  readonly #agents: Agents;

  constructor(queues: readonly QueueConfig[], agents: Agents) {
    this.#queues = new Map(queues.map((queue) => [queue.name, queue.agents]));
    this.#agents = agents;
  }

  source(queue: string): AgentSource | null {
    const ids = this.#queues.get(queue);
    if (!ids) return null;
    const agents = this.#agents;
    return {
      reachable: (except) => ids.some((id) => agents.reachable(id, except)),
      reserve(except) {
        for (const id of ids) {
          const reservation = agents.reserve(id, except);
          if (reservation) return reservation;
        }
        return null;
      },
      nextChange: (signal) => agents.nextChange(signal),
      unreachable: NOBODY,
      busy: NOBODY,
    };
  }
}
