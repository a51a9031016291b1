import { randomUUID } from 'node:crypto';
import type { Flow } from '../../flows/flow.js';
import type { MediaServer } from '../../media/media-server.js';
import type { Conversation } from '../call/conversation.js';
import type { CallEvents } from '../call/events.js';
import { TacetError } from '../errors.js';
import type { Flows } from '../flows/published-flows.js';
import type { LogGate } from '../log/log-gate.js';
import { SecureSession } from './secure-session.js';
import { SecureStay, type SecureStayOptions } from './secure-stay.js';
import { AgentLegShield } from './shields/agent-leg.js';
import { EventsShield } from './shields/events.js';
import { LogShield } from './shields/log.js';
import { MediaServerShield } from './shields/media-server.js';
import type { Shield } from './shields/shield.js';
import { VaultShield } from './shields/vault.js';

export interface SecureSessionsOptions {
  readonly flows: Flows;
  readonly media: MediaServer;
  /** Where the customer's media can go while a session lasts; null: `media` is in this process itself. */
  readonly vault: MediaServer | null;
  /**
   * Who receives the digits where there is a vault. A phone without telephone-events is vaulted in either case: the
   * detector of the media server loses keys.
   */
  readonly capture: 'vault' | 'media-server';
  readonly events: CallEvents;
  readonly logGate: LogGate;
  readonly connectors: SecureStayOptions['connectors'];
  readonly dataActions: SecureStayOptions['dataActions'];
  readonly bots: SecureStayOptions['bots'];
  readonly shieldTimeoutMs: number;
  readonly leavingGuardMs: number;
  readonly leavingGuardMaxMs: number;
  readonly maxSessionMs: number;
}

type Request = Pick<SecureStayOptions, 'source' | 'disconnect' | 'shutdown'>;

/** Makes secure sessions and is the one place that lists their shields. */
export class SecureSessions {
  readonly #options: SecureSessionsOptions;

  constructor(options: SecureSessionsOptions) {
    this.#options = options;
  }

  /** A session in state `requested`, entered in the conversation's record. Throws TacetError for an unusable flow. */
  create(
    conversation: Conversation,
    {
      flow,
      invocationData,
      ...request
    }: Request & { readonly flow: string; readonly invocationData: string },
  ): SecureSession {
    const options = this.#stay(conversation, this.#secureFlow(flow), request);
    const session = new SecureSession({ ...options, invocationData });
    conversation.sessions.push(session.stay);
    return session;
  }

  /** The same for secure actions in the run of a flow that is not secure. */
  forActions(conversation: Conversation, flow: Flow, shutdown: AbortSignal): SecureStay {
    const request = { source: null, disconnect: false, shutdown };
    const stay = new SecureStay(this.#stay(conversation, flow, request));
    conversation.sessions.push(stay);
    return stay;
  }

  #stay(conversation: Conversation, flow: Flow, request: Request): SecureStayOptions {
    const { flows, connectors, dataActions, bots } = this.#options;
    const { shieldTimeoutMs, leavingGuardMs, leavingGuardMaxMs, maxSessionMs } = this.#options;
    return {
      ...request,
      id: randomUUID(),
      conversation,
      flow,
      flows,
      shields: this.#shields(conversation),
      connectors,
      dataActions,
      bots,
      shieldTimeoutMs,
      leavingGuardMs,
      leavingGuardMaxMs,
      maxSessionMs,
    };
  }

  /** In the order they are engaged; released in reverse, so the agent hears the caller last of all. */
  #shields(conversation: Conversation): readonly Shield[] {
    const { media, vault, capture, events, logGate, shieldTimeoutMs } = this.#options;
    const customer = conversation.customer.leg;
    const vaulted = vault !== null && (capture === 'vault' || !customer.sendsEvents);
    return [
      new AgentLegShield(media, customer, () => conversation.agent?.leg ?? null),
      new MediaServerShield(media, customer.endpoint),
      ...(vaulted ? [new VaultShield(vault, customer, shieldTimeoutMs)] : []),
      new LogShield(logGate, conversation.id),
      new EventsShield(events, conversation.id),
    ];
  }

  #secureFlow(name: string): Flow {
    const flow = this.#options.flows.get(name);
    if (!flow) throw new TacetError('flow-not-found');
    if (flow.type !== 'secure') throw new TacetError('flow-not-secure');
    return flow;
  }
}
