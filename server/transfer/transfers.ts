import type { FlowCommand } from '../../flows/commands.js';
import { agentSource } from '../agent/agent-source.js';
import type { Agents } from '../agent/agents.js';
import type { QueuePort } from '../agent/queues.js';
import type { TransferContext, TransferResult } from './connect.js';
import { transferToAgent } from './to-agent.js';
import { transferToNumber } from './to-number.js';
import type { Trunks } from './trunks.js';

/** Commands that hand the customer to somebody. */
export type TransferCommand = FlowCommand & {
  readonly do: 'transferToAgent' | 'transferToQueue' | 'transferToNumber';
};

/** Who callers can be handed to. */
export interface TransferTargets {
  readonly agents: Agents;
  readonly queues: QueuePort;
  readonly trunks: Trunks;
}

/** Carries a transfer out. One that does not come about leaves the customer in the flow. */
export async function transferBy(
  command: TransferCommand,
  { agents, queues, trunks }: TransferTargets,
  context: TransferContext,
): Promise<TransferResult> {
  const { ringTimeoutMs } = command;
  switch (command.do) {
    case 'transferToAgent':
      return transferToAgent(context, agentSource(agents, command.agent), ringTimeoutMs);
    case 'transferToQueue': {
      const source = queues.source(command.queue);
      if (!source) return { ok: false, error: 'unknown-queue', message: 'there is no such queue' };
      return transferToAgent(context, source, ringTimeoutMs);
    }
    case 'transferToNumber':
      return transferToNumber(context, trunks, command);
  }
}

/** What of a transfer says where it goes, to be searched for what must not be seen. */
export function targetOf(command: TransferCommand): Readonly<Record<string, string>> {
  switch (command.do) {
    case 'transferToAgent':
      return { agent: command.agent };
    case 'transferToQueue':
      return { queue: command.queue };
    case 'transferToNumber':
      return { number: command.number };
  }
}
