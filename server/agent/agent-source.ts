import type { Refusal } from '../../flows/commands.js';
import type { Agents, Reservation } from './agents.js';

/** Where a transfer finds its agent. `except` are those that were rung in vain. */
export interface AgentSource {
  /** True when an agent can be reached, free or not. */
  reachable(except: ReadonlySet<string>): boolean;
  /** Reserves the next agent to be rung; null when none is free now. */
  reserve(except: ReadonlySet<string>): Reservation | null;
  /** Resolves when asking again may help, or when the signal aborts. */
  nextChange(signal: AbortSignal): Promise<void>;
  /** What the flow is told when no agent can be reached. */
  readonly unreachable: Refusal;
  /** What it is told when none was free in time. */
  readonly busy: Refusal;
}

/** One agent by its identifier, or `any`. */
export function agentSource(agents: Agents, wanted: string): AgentSource {
  return {
    reachable: (except) => agents.reachable(wanted, except),
    reserve: (except) => agents.reserve(wanted, except),
    nextChange: (signal) => agents.nextChange(signal),
    unreachable: { error: 'no-agent', message: 'no agent can be reached' },
    busy: { error: 'no-answer', message: 'no agent answered' },
  };
}
