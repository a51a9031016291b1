import type { CallFacts } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import type { DataActions } from '../data-actions/data-actions.js';
import { SecureActions } from '../secure/secure-actions.js';
import type { SecureSession } from '../secure/secure-session.js';
import type { SecureStay } from '../secure/secure-stay.js';
import type { TransferResult } from '../transfer/to-agent.js';
import { whenAborted } from './abort.js';
import type { Conversation } from './conversation.js';
import { type InboundEnd, InboundRun } from './inbound-run.js';
import { runFlow } from './run-flow.js';
import type { CallEnd } from './views.js';

/** What a call needs of the rest of the server. */
export interface CallServices {
  readonly flow: Flow;
  readonly dataActions: DataActions;
  /** Aborted when the process stops. */
  readonly shutdown: AbortSignal;
  /** Makes a session for a flow without an agent. Throws TacetError when the flow cannot be used. */
  newSession(flow: string, invocationData: string): SecureSession;
  /** Makes a session for secure actions of the flow itself. */
  newStay(): SecureStay;
  toAgent(wanted: string, ringTimeoutMs: number): Promise<TransferResult>;
}

/** The secure session that an agent asked for while the call was talking. */
export type SessionRequests = { next(signal: AbortSignal): Promise<SecureSession | null> };

/**
 * One call from the answered INVITE to the last BYE, as a walk through its phases:
 *
 * ```
 * inbound flow ──▶ talk ⇄ secure session        each phase ends early when the customer hangs up,
 *      └──────────────────▶ secure session      when the process stops, or when it fails
 * ```
 * Resolves with the reason the call ended; the caller then closes the conversation.
 */
export async function serveCall(
  conversation: Conversation,
  services: CallServices,
  requests: SessionRequests,
): Promise<CallEnd> {
  const signal = AbortSignal.any([conversation.customer.leg.gone, services.shutdown]);
  const inbound = await runInbound(conversation, services, signal);
  if (inbound === 'interrupted') return endOf(conversation, services, 'flow-error');
  if (inbound.kind === 'disconnect') {
    return endOf(conversation, services, inbound.reason === 'flow' ? 'flow-disconnected' : 'flow-error');
  }
  let session = inbound.kind === 'secure' ? inbound.session : null;
  for (;;) {
    if (session) {
      conversation.moveTo('secure');
      const next = await session.run();
      if (next === 'end') return endOf(conversation, services, endOfSession(session));
      conversation.moveTo('talking');
    }
    session = await talk(conversation, requests, signal);
    if (!session) return endOf(conversation, services, 'agent-hung-up');
  }
}

async function runInbound(conversation: Conversation, services: CallServices, signal: AbortSignal) {
  const { customer } = conversation;
  const secureActions = new SecureActions(() => services.newStay());
  const run = new InboundRun({
    conversation,
    signal,
    dataActions: services.dataActions,
    secureActions,
    toAgent: (wanted, ringTimeoutMs) => services.toAgent(wanted, ringTimeoutMs),
    enterSecure: async (flow, invocationData) => {
      const session = services.newSession(flow, invocationData);
      return (await session.engage()) ? session : null;
    },
  });
  const stopPrompt = () => void customer.leg.endpoint.stopPlaying().catch(() => {});
  signal.addEventListener('abort', stopPrompt);
  let end: InboundEnd | 'interrupted' = 'interrupted';
  try {
    const { id, from, to } = conversation;
    const facts: CallFacts = { id, from, to, invocationData: '' };
    end = await runFlow(services.flow, facts, run, signal);
    return end;
  } finally {
    signal.removeEventListener('abort', stopPrompt);
    await secureActions.close(end !== 'interrupted' && end.kind === 'disconnect' ? end.reason : 'error');
  }
}

/** Waits while customer and agent talk. Resolves with an engaged session, or null when one of them is gone. */
async function talk(
  conversation: Conversation,
  requests: SessionRequests,
  signal: AbortSignal,
): Promise<SecureSession | null> {
  for (;;) {
    const { agent } = conversation;
    if (!agent || signal.aborted) return null;
    const over = AbortSignal.any([signal, agent.leg.gone]);
    const session = await requests.next(over);
    if (!session) return null;
    if (await session.engage()) return session;
  }
}

function endOf(conversation: Conversation, services: CallServices, otherwise: CallEnd): CallEnd {
  if (services.shutdown.aborted) return 'shutdown';
  const { leg } = conversation.customer;
  if (leg.lost) return 'signalling-failed';
  return leg.hungUpByFarEnd ? 'customer-hung-up' : otherwise;
}

function endOfSession(session: SecureSession): CallEnd {
  switch (session.view().end) {
    case 'agent-gone':
      return 'agent-gone';
    case 'disconnected':
    case 'cancelled':
      return 'flow-disconnected';
    default:
      return 'flow-error';
  }
}

/** One place for the session an agent asks for; the call takes it when it is talking. */
export class SessionRequestSlot implements SessionRequests {
  #waiting: ((session: SecureSession) => void) | null = null;

  /** True while the call is talking and can take a session. */
  get open(): boolean {
    return this.#waiting !== null;
  }

  put(session: SecureSession): void {
    const take = this.#waiting;
    this.#waiting = null;
    take?.(session);
  }

  async next(signal: AbortSignal): Promise<SecureSession | null> {
    const taken = new Promise<SecureSession>((resolve) => {
      this.#waiting = resolve;
    });
    const first = await Promise.race([taken, whenAborted(signal)]);
    this.#waiting = null;
    return first === 'aborted' ? null : first;
  }
}
