import { randomUUID } from 'node:crypto';
import type { Flow } from '../../flows/flow.js';
import type { MediaServer } from '../../media/media-server.js';
import type { Conversation } from '../call/conversation.js';
import type { CallEvents } from '../call/events.js';
import { TacetError } from '../errors.js';
import type { Flows } from '../flows/published-flows.js';
import type { LogGate } from '../log/log-gate.js';
import { SecureSession, type SecureSessionOptions } from './secure-session.js';
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
  readonly connectors: SecureSessionOptions['connectors'];
  readonly dataActions: SecureSessionOptions['dataActions'];
  readonly bots: SecureSessionOptions['bots'];
  readonly shieldTimeoutMs: number;
  readonly leavingGuardMs: number;
  readonly leavingGuardMaxMs: number;
  readonly maxSessionMs: number;
}

type Request = Pick<SecureSessionOptions, 'invocationData' | 'source' | 'disconnect' | 'shutdown'> & {
  readonly flow: string;
};

/** Makes secure sessions and is the one place that lists their shields. */
export class SecureSessions {
  readonly #options: SecureSessionsOptions;

  constructor(options: SecureSessionsOptions) {
    this.#options = options;
  }

  /** A session in state `requested`, entered in the conversation's record. Throws TacetError for an unusable flow. */
  create(conversation: Conversation, request: Request): SecureSession {
    const {
      connectors,
      dataActions,
      bots,
      shieldTimeoutMs,
      leavingGuardMs,
      leavingGuardMaxMs,
      maxSessionMs,
    } = this.#options;
    const session = new SecureSession({
      ...request,
      id: randomUUID(),
      conversation,
      flow: this.#secureFlow(request.flow),
      flows: this.#options.flows,
      shields: this.#shields(conversation),
      connectors,
      dataActions,
      bots,
      shieldTimeoutMs,
      leavingGuardMs,
      leavingGuardMaxMs,
      maxSessionMs,
    });
    conversation.sessions.push(session);
    return session;
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
