import type { Refusal } from '../../flows/commands.js';
import type { AgentSource } from '../agent/agent-source.js';
import type { Participant } from '../call/participant.js';
import { connect, invite, type TransferContext, type TransferResult, userOf } from './connect.js';

/** Rings the agents of a source until one answers, one at a time, and connects the customer with that one. */
export async function transferToAgent(
  context: TransferContext,
  source: AgentSource,
  ringTimeoutMs: number,
): Promise<TransferResult> {
  if (!source.reachable(new Set())) return { ok: false, ...source.unreachable };
  return connect(context, {
    state: 'ringing-agent',
    loop: 'hold-music',
    ringTimeoutMs,
    ring: (signal) => firstToAnswer(context, source, signal),
  });
}

async function firstToAnswer(
  context: TransferContext,
  source: AgentSource,
  signal: AbortSignal,
): Promise<Participant | Refusal> {
  const { conversation } = context;
  const tried = new Set<string>();
  while (!signal.aborted && source.reachable(tried)) {
    const reservation = source.reserve(tried);
    if (!reservation) {
      await source.nextChange(signal);
      continue;
    }
    tried.add(reservation.agentId);
    const invited = {
      ...reservation.contact,
      role: 'agent',
      reservation,
      from: { user: userOf(conversation.from) },
      headers: (id: string) => ({ 'X-Tacet-Conversation': conversation.id, 'X-Tacet-Participant': id }),
    } as const;
    const answered = await invite(context, invited, signal);
    if (typeof answered !== 'number') return answered;
  }
  return tried.size === 0 ? source.busy : { error: 'no-answer', message: 'no agent answered' };
}
