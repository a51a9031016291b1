import { randomUUID } from 'node:crypto';
import type { Refusal } from '../../flows/commands.js';
import type { AudioLoop } from '../../media/endpoint.js';
import { MediaError, type MediaServer } from '../../media/media-server.js';
import { firstOf, pause } from '../abort.js';
import type { Reservation } from '../agent/agents.js';
import type { Conversation } from '../call/conversation.js';
import { Leg } from '../call/leg.js';
import { Participant } from '../call/participant.js';
import { type OutgoingCall, type Signalling, SipFailure } from '../sip/signalling.js';
import { rebridge } from './rebridge.js';

/** What every transfer works with. */
export interface TransferContext {
  readonly conversation: Conversation;
  readonly signalling: Signalling;
  readonly media: MediaServer;
  /** Aborted when the customer is gone or the process stops. */
  readonly signal: AbortSignal;
}

export type TransferResult = { readonly ok: true } | ({ readonly ok: false } & Refusal);

export interface Connecting {
  readonly state: 'ringing-agent' | 'ringing-external';
  /** What the customer hears meanwhile. */
  readonly loop: AudioLoop;
  readonly ringTimeoutMs: number;
  /** Rings somebody until the signal aborts. Resolves with who answered, or with why nobody did. */
  readonly ring: (signal: AbortSignal) => Promise<Participant | Refusal>;
}

/**
 * Has somebody rung while the customer waits, then bridges the two. A failed transfer leaves the customer as before, in
 * the flow.
 */
export async function connect(
  { conversation, media, signal }: TransferContext,
  { state, loop, ringTimeoutMs, ring }: Connecting,
): Promise<TransferResult> {
  const customer = conversation.customer.leg;
  conversation.moveTo(state);
  await customer.endpoint.setLoop(loop);
  const party = await inTime(ringTimeoutMs, signal, ring);
  if (signal.aborted) {
    if (party instanceof Participant) await conversation.endParticipant(party);
    return { ok: false, error: 'cancelled', message: 'the caller is gone' };
  }
  if (!(party instanceof Participant)) {
    await customer.endpoint.setLoop(null);
    conversation.moveTo('ivr');
    return { ok: false, ...party };
  }
  await rebridge(media, customer.endpoint, party.leg.endpoint);
  // Said only now: whoever reacts to it by asking for a secure session finds the two talking.
  const { id: participantId, role, agentId } = party;
  conversation.publish({ type: 'participant.connected', participantId, role, agentId });
  conversation.moveTo('talking');
  return { ok: true };
}

async function inTime<T>(
  ms: number,
  signal: AbortSignal,
  work: (over: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const done = new AbortController();
  void pause(ms, firstOf(signal, done.signal)).then(() => over.abort());
  try {
    return await work(over.signal);
  } finally {
    done.abort();
  }
}

/** Who is rung, and by what request. */
export interface Invited extends Pick<OutgoingCall, 'uri' | 'proxy' | 'from'> {
  readonly role: 'agent' | 'external';
  /** Given back when the participant ends, or cannot even be rung. */
  readonly reservation?: Reservation;
  /** Headers of the request; `id` is the participant's. */
  readonly headers?: (id: string) => Readonly<Record<string, string>>;
}

/**
 * Calls one party. Resolves with the participant that answered, or with the SIP status of the refusal (488 when no media
 * could be agreed on). Rejects when the media engine is lost.
 */
export async function invite(
  { conversation, signalling, media }: TransferContext,
  { role, reservation, headers, ...target }: Invited,
  signal: AbortSignal,
): Promise<Participant | number> {
  const beside = conversation.customer.leg.endpoint;
  const endpoint = await media.createEndpoint({ beside }).catch((error: unknown) => {
    reservation?.release();
    throw error;
  });
  const leg = new Leg(endpoint);
  const id = randomUUID();
  const party = new Participant({
    id,
    role,
    address: target.uri,
    leg,
    state: 'ringing',
    ...(reservation ? { reservation } : {}),
  });
  conversation.add(party);
  const { agentId } = party;
  conversation.publish({ type: 'participant.ringing', participantId: id, role, agentId });
  try {
    const offer = await leg.offer();
    const over = firstOf(signal, leg.gone);
    const request = { ...target, offer, signal: over, ...(headers ? { headers: headers(id) } : {}) };
    const answered = await signalling.call(request, leg.handlers);
    leg.attach(answered.dialog);
    await leg.acceptAnswer(answered.answer);
  } catch (error) {
    await conversation.endParticipant(party);
    if (error instanceof MediaError && error.code === 'engine-lost') throw error;
    return error instanceof SipFailure ? error.status : 488;
  }
  party.moveTo('connected');
  return party;
}

/** The user part of a SIP URI, to be shown to whoever is called. */
export function userOf(uri: string): string {
  return /^sips?:([^@;:]+)[^@]*@/i.exec(uri)?.[1] ?? 'anonymous';
}
