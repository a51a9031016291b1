import type { StartFacts } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { firstUntil, whenAborted } from '../abort.js';
import type { Bots } from '../bots/bots.js';
import type { DataActions } from '../data-actions/data-actions.js';
import type { Flows } from '../flows/published-flows.js';
import { SecureActions } from '../secure/secure-actions.js';
import type { SecureSession } from '../secure/secure-session.js';
import type { SecureStay } from '../secure/secure-stay.js';
import type { TransferResult } from '../transfer/connect.js';
import type { TransferCommand } from '../transfer/transfers.js';
import type { Conversation } from './conversation.js';
import { type InboundEnd, InboundRun } from './inbound-run.js';
import type { Leg } from './leg.js';
import type { Participant } from './participant.js';
import { playTo } from './play.js';
import { runFlow } from './run-flow.js';
import type { CallEnd } from './views.js';

/** What a call needs of the rest of the server. */
export interface CallServices {
  readonly flow: Flow;
  /** What a transfer to a flow finds. */
  readonly flows: Flows;
  readonly dataActions: DataActions;
  readonly bots: Bots;
  /** Aborted when the process stops. */
  readonly shutdown: AbortSignal;
  /** Aborted when the customer is gone or the process stops. */
  readonly over: AbortSignal;
  /** Makes a session for a flow without an agent. Throws TacetError when the flow cannot be used. */
  newSession(flow: string, invocationData: string): SecureSession;
  /** Makes a session for secure actions of a flow that is not secure. */
  newStay(flow: Flow): SecureStay;
  transfer(command: TransferCommand): Promise<TransferResult>;
}

/** The secure session that an agent asked for while the call was talking. */
export type SessionRequests = { next(signal: AbortSignal): Promise<SecureSession | null> };

/**
 * One call from the answered INVITE to the last BYE, as a walk through its phases:
 *
 * ```
 * inbound flow ──▶ talk ⇄ secure session        each phase ends early when the customer hangs up,
 *      └──────────────────▶ secure session      when the process stops, or when it fails
 *                 talk ◀── transfer ┘
 * ```
 * Resolves with the reason the call ended; the caller then closes the conversation.
 */
export async function serveCall(
  conversation: Conversation,
  services: CallServices,
  requests: SessionRequests,
): Promise<CallEnd> {
  const signal = services.over;
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
      if (next === 'talk') conversation.moveTo('talking');
      else if (!(await transferOn(conversation, services, next, signal))) {
        return endOf(conversation, services, 'flow-error');
      }
    }
    session = await talk(conversation, requests, signal);
    if (!session) return endOf(conversation, services, endOfTalk(conversation));
  }
}

async function runInbound(conversation: Conversation, services: CallServices, signal: AbortSignal) {
  const { customer } = conversation;
  const secureActions = new SecureActions((flow) => services.newStay(flow));
  const run = new InboundRun({
    conversation,
    signal,
    flow: services.flow,
    secureActions,
    dataActions: services.dataActions,
    flows: services.flows,
    transfer: (command) => services.transfer(command),
    bots: services.bots,
    enterSecure: async (flow, invocationData) => {
      const session = services.newSession(flow, invocationData);
      return (await session.engage()) ? session : null;
    },
  });
  const { id, from, to } = conversation;
  const facts: StartFacts = { id, from, to, invocationData: '' };
  let end: InboundEnd | 'interrupted' = 'interrupted';
  try {
    end = await whilePlaying(customer.leg, signal, () => runFlow(services.flow, facts, run, signal));
    return end;
  } finally {
    run.close();
    await secureActions.close(end !== 'interrupted' && end.kind === 'disconnect' ? end.reason : 'error');
  }
}

/** Does work that plays prompts, the one under way stopped when the signal aborts. */
async function whilePlaying<T>(leg: Leg, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const stopPrompt = () => void leg.endpoint.stopPlaying().catch(() => {});
  signal.addEventListener('abort', stopPrompt);
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', stopPrompt);
  }
}

/** Carries out the transfer that a secure flow ended with. It is blind: false when nobody talks to the customer now. */
async function transferOn(
  conversation: Conversation,
  services: CallServices,
  command: TransferCommand,
  signal: AbortSignal,
): Promise<boolean> {
  conversation.moveTo('ivr');
  const { ok } = await services.transfer(command);
  const { leg } = conversation.customer;
  if (!ok && !signal.aborted) {
    await whilePlaying(leg, signal, () => playTo(leg, command.failedTransferAudio));
  }
  return ok;
}

/** Waits while the customer talks to somebody. Resolves with an engaged session, or null when one of them is gone. */
async function talk(
  conversation: Conversation,
  requests: SessionRequests,
  signal: AbortSignal,
): Promise<SecureSession | null> {
  for (;;) {
    const { party } = conversation;
    if (!party || signal.aborted) return null;
    const session = await requested(party, requests, signal);
    if (!session) return null;
    if (await session.engage()) return session;
  }
}

/** The next session that is asked for; null when the customer or the party is gone first. */
async function requested(
  { role, leg }: Participant,
  requests: SessionRequests,
  signal: AbortSignal,
): Promise<SecureSession | null> {
  const end = new AbortController();
  const over = firstUntil(end.signal, signal, leg.gone);
  try {
    if (role !== 'external') return await requests.next(over);
    // Nobody is there who could ask for a session (DESIGN.md section 2, rule 8).
    await whenAborted(over);
    return null;
  } finally {
    end.abort();
  }
}

function endOf(conversation: Conversation, services: CallServices, otherwise: CallEnd): CallEnd {
  if (services.shutdown.aborted) return 'shutdown';
  const { leg } = conversation.customer;
  if (leg.lost) return 'signalling-failed';
  return leg.hungUpByFarEnd ? 'customer-hung-up' : otherwise;
}

function endOfTalk(conversation: Conversation): CallEnd {
  return conversation.others.at(-1)?.role === 'external' ? 'external-hung-up' : 'agent-hung-up';
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
