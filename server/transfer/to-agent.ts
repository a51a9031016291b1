import { randomUUID } from 'node:crypto';
import { MediaError, type MediaServer } from '../../media/media-server.js';
import type { Agents, Reservation } from '../agent/agents.js';
import { pause } from '../call/abort.js';
import type { Conversation } from '../call/conversation.js';
import { Leg } from '../call/leg.js';
import { Participant } from '../call/participant.js';
import type { Signalling } from '../sip/signalling.js';
import { rebridge } from './rebridge.js';

export interface AgentTransfer {
  readonly conversation: Conversation;
  /** An agent's identifier, or `any`. */
  readonly wanted: string;
  readonly ringTimeoutMs: number;
  readonly agents: Agents;
  readonly signalling: Signalling;
  readonly media: MediaServer;
  /** Aborted when the customer is gone or the process stops. */
  readonly signal: AbortSignal;
}

export type TransferResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: string; readonly message: string };

/**
 * Rings agents until one answers, one at a time, while the customer hears hold music; then bridges the two.
 * A failed transfer leaves the customer as before, in the flow.
 */
export async function transferToAgent(transfer: AgentTransfer): Promise<TransferResult> {
  const { conversation, wanted, agents } = transfer;
  if (!agents.reachable(wanted, new Set())) {
    return { ok: false, error: 'no-agent', message: 'no agent can be reached' };
  }
  const customer = conversation.customer.leg;
  conversation.moveTo('ringing-agent');
  await customer.endpoint.setLoop('hold-music');
  const agent = await firstToAnswer(transfer);
  if (transfer.signal.aborted) {
    if (agent) await conversation.endParticipant(agent);
    return { ok: false, error: 'cancelled', message: 'the caller is gone' };
  }
  if (!agent) {
    await customer.endpoint.setLoop(null);
    conversation.moveTo('ivr');
    return { ok: false, error: 'no-answer', message: 'no agent answered' };
  }
  await rebridge(transfer.media, customer.endpoint, agent.leg.endpoint);
  // Said only now: whoever reacts to it by asking for a secure session finds the two talking.
  const { id: participantId, agentId } = agent;
  conversation.publish({ type: 'participant.connected', participantId, role: 'agent', agentId });
  conversation.moveTo('talking');
  return { ok: true };
}

async function firstToAnswer(transfer: AgentTransfer): Promise<Participant | null> {
  const { agents, wanted } = transfer;
  const over = new AbortController();
  const done = new AbortController();
  void pause(transfer.ringTimeoutMs, AbortSignal.any([transfer.signal, done.signal])).then(() =>
    over.abort(),
  );
  const tried = new Set<string>();
  try {
    while (!over.signal.aborted && agents.reachable(wanted, tried)) {
      const reservation = agents.reserve(wanted, tried);
      if (!reservation) {
        await agents.nextChange(over.signal);
        continue;
      }
      tried.add(reservation.agentId);
      const agent = await ring(transfer, reservation, over.signal);
      if (agent) return agent;
    }
    return null;
  } finally {
    done.abort();
  }
}

async function ring(
  transfer: AgentTransfer,
  reservation: Reservation,
  signal: AbortSignal,
): Promise<Participant | null> {
  const { conversation, signalling, media } = transfer;
  const beside = conversation.customer.leg.endpoint;
  const endpoint = await media.createEndpoint({ beside }).catch((error: unknown) => {
    reservation.release();
    throw error;
  });
  const leg = new Leg(endpoint);
  const { agentId, contact } = reservation;
  const id = randomUUID();
  const agent = new Participant({
    id,
    role: 'agent',
    address: contact.uri,
    leg,
    state: 'ringing',
    reservation,
  });
  conversation.addAgent(agent);
  conversation.publish({ type: 'participant.ringing', participantId: id, role: 'agent', agentId });
  try {
    const answered = await signalling.call(
      {
        ...contact,
        offer: await leg.offer(),
        from: { user: userOf(conversation.from) },
        headers: { 'X-Tacet-Conversation': conversation.id, 'X-Tacet-Participant': id },
        signal: AbortSignal.any([signal, leg.gone]),
      },
      leg.handlers,
    );
    leg.attach(answered.dialog);
    await leg.acceptAnswer(answered.answer);
  } catch (error) {
    await conversation.endParticipant(agent);
    if (error instanceof MediaError && error.code === 'engine-lost') throw error;
    return null;
  }
  agent.moveTo('connected');
  return agent;
}

function userOf(uri: string): string {
  return /^sips?:([^@;:]+)[^@]*@/i.exec(uri)?.[1] ?? 'anonymous';
}
