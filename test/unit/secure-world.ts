import { setImmediate as turn } from 'node:timers/promises';
import type { FieldKind } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { linked } from '../../flows/flow-interface.js';
import { loadFlow } from '../../flows/loader.js';
import { Agents } from '../../server/agent/agents.js';
import { DirectQueues, type QueueConfig } from '../../server/agent/queues.js';
import { Bots } from '../../server/bots/bots.js';
import { Calls } from '../../server/call/calls.js';
import { type CallEvent, CallEvents } from '../../server/call/events.js';
import type { SecureSessionRequest, SecureSessionView } from '../../server/call/views.js';
import type { Connector } from '../../server/connectors/connector.js';
import { DataActions } from '../../server/data-actions/data-actions.js';
import { LogGate } from '../../server/log/log-gate.js';
import { SecureSessions } from '../../server/secure/secure-sessions.js';
import { type IncomingCall, type Signalling, SipFailure } from '../../server/sip/signalling.js';
import { type TrunkConfig, Trunks } from '../../server/transfer/trunks.js';
import { within } from '../kit/deadline.js';
import { FakeDialog, type FakeEndpoint, FakeMedia, type OnStep } from './secure-fakes.js';

export const CARD = '4242424242424242';
export const CODE = '837';

const RECEPTION = `
name: reception
type: inbound
tasks:
  main:
    - { do: transferToAgent, agent: any, onFailure: [{ do: disconnect }] }
`;

const PAYMENT = `
name: payment
type: secure
variables: { card: { type: secure }, code: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: collectInput, field: securityCode, card: secure.card, into: secure.code, prompt: Security code. }
    - do: callSecureData
      connector: payment
      secureInputs: { cardNumber: secure.card, securityCode: secure.code }
      inputs: { amount: '1250', currency: '"EUR"' }
      processingAudio: Wait.
      into: charge
      onApproved:
        - &return { do: returnToAgent, data: { status: data.charge.status, reason: data.charge.reason, asked: call.invocationData } }
      onDeclined: [*return]
      onInDoubt: [*return]
      onError: [*return]
`;

export interface WorldOptions {
  /** The flow that answers calls. Default: it rings an agent. */
  readonly reception?: string;
  readonly onStep?: OnStep;
  /** Flows in the place of `reception` and `payment`, or beside them. */
  readonly flows?: readonly string[];
  readonly charge?: Connector['charge'];
  /** The customer's media moves into a vault. Default false. */
  readonly vault?: boolean;
  /** Who receives the digits where there is a vault. Default `vault`. */
  readonly capture?: 'vault' | 'media-server';
  /** The caller's SDP. */
  readonly offer?: string;
  readonly guardMs?: number;
  readonly shieldTimeoutMs?: number;
  readonly maxSessionMs?: number;
  /** Agents who are rung first and refuse. Default none. */
  readonly busy?: number;
  readonly trunks?: readonly TrunkConfig[];
  readonly queues?: readonly QueueConfig[];
  /** URIs that refuse, with their SIP status. */
  readonly refuse?: Readonly<Record<string, number>>;
  /** Called when the agent answers, before the server knows. */
  readonly onAnswer?: () => void;
}

function flowsByName(...texts: string[]): ReadonlyMap<string, Flow> {
  return linked(new Map(texts.map((text) => loadFlow(text, 'flow.yaml')).map((flow) => [flow.name, flow])));
}

/** Calls, agents, sessions and shields as the server has them, between a fake SIP side and a fake engine. */
export class World {
  readonly media = new FakeMedia();
  /** The engine of the vault, where there is one. */
  readonly vault: FakeMedia | null;
  readonly #offer: string;
  readonly events = new CallEvents();
  readonly seen: CallEvent[] = [];
  readonly gate = new LogGate({ write: () => {} });
  readonly agents: Agents;
  readonly dialogs: FakeDialog[] = [];
  readonly charges: string[] = [];
  /** Who was called, and in which state of the session. */
  readonly called: { readonly uri: string; readonly state: string }[] = [];
  /** What calls failed with. */
  readonly errors: unknown[] = [];
  readonly calls: Calls;
  /** The state of the session each time a bridge came to stand, and when. */
  readonly bridges: { readonly state: string; readonly at: number }[] = [];
  /** The states of the session in which a prompt was played. */
  readonly playedIn = new Set<string>();
  customer: FakeDialog | null = null;
  agent: FakeDialog | null = null;

  constructor(options: WorldOptions = {}) {
    const { charge, guardMs = 20, shieldTimeoutMs = 1000, maxSessionMs = 60_000 } = options;
    const { media, events } = this;
    this.vault = options.vault ? new FakeMedia() : null;
    this.#offer = options.offer ?? 'sdp';
    const ids = Array.from({ length: 1 + (options.busy ?? 0) }, (_, index) => `agent${index}`);
    const agents = new Agents(ids.map((id) => ({ id, uri: `sip:${id}@192.0.2.1` })));
    this.agents = agents;
    media.onStep = (step, operation) => {
      if (operation === 'play') this.playedIn.add(this.sessionState);
      return options.onStep?.(step, operation);
    };
    media.onBridge = () => this.bridges.push({ state: this.sessionState, at: performance.now() });
    events.subscribe((event) => this.seen.push(event));
    const flows = flowsByName(options.reception ?? RECEPTION, PAYMENT, ...(options.flows ?? []));
    const payment: Connector = {
      name: 'payment',
      charge: async (request) => {
        this.charges.push(request.idempotencyKey);
        await turn();
        return charge ? charge(request) : { status: 'approved', reason: '', outputs: {} };
      },
      close: async () => {},
    };
    const dataActions = new DataActions(new Map());
    const bots = new Bots(new Map());
    const sessions = new SecureSessions({
      flows,
      media,
      vault: this.vault,
      capture: options.capture ?? 'vault',
      events,
      logGate: this.gate,
      connectors: new Map([['payment', payment]]),
      dataActions,
      bots,
      shieldTimeoutMs,
      leavingGuardMs: guardMs,
      leavingGuardMaxMs: 2000,
      maxSessionMs,
    });
    this.calls = new Calls({
      signalling: this.#signalling(options),
      media,
      vault: this.vault,
      agents,
      queues: new DirectQueues(options.queues ?? [], agents),
      trunks: new Trunks(options.trunks ?? []),
      flows,
      routes: new Map([['support', 'reception']]),
      sessions,
      dataActions,
      bots,
      events,
      onError: (_id, error) => this.errors.push(error),
    });
  }

  /** The caller dials; the agent answers at once. */
  dial(): void {
    const incoming: IncomingCall = {
      callId: 'call',
      from: 'sip:caller@192.0.2.2',
      to: 'sip:support@192.0.2.3',
      toUser: 'support',
      offer: this.#offer,
      cancelled: false,
      reject: () => {},
      answer: async (_sdp, handlers) => {
        await turn();
        this.customer = this.#dialog(handlers);
        return this.customer;
      },
    };
    this.calls.take(incoming);
  }

  get conversationId(): string {
    return this.seen[0]?.conversationId ?? '';
  }

  get caller(): FakeEndpoint | undefined {
    return this.media.endpoints[0];
  }

  get sessionId(): string | null {
    const event = this.seen.find(({ type }) => type === 'secure.state');
    return event?.type === 'secure.state' ? event.sessionId : null;
  }

  /** `none` before the first session. */
  get sessionState(): string {
    const event = this.seen.findLast(({ type }) => type === 'secure.state');
    return event?.type === 'secure.state' ? event.state : 'none';
  }

  session(): SecureSessionView {
    return this.calls.secureSession(this.conversationId, this.sessionId ?? '');
  }

  start(request: Partial<SecureSessionRequest> = {}): Promise<SecureSessionView> {
    const agent = this.seen.findLast((event) => event.type === 'participant.ringing');
    const sourceParticipantId = agent?.type === 'participant.ringing' ? agent.participantId : 'nobody';
    return this.calls.startSecureSession(this.conversationId, {
      flow: 'payment',
      sourceParticipantId,
      ...request,
    });
  }

  /** Resolves when the event has happened, or when the call or its session is over before that. */
  until(matches: (event: CallEvent) => boolean): Promise<void> {
    const over = (event: CallEvent) => event.type === 'secure.state' && event.state === 'ended';
    const done = (event: CallEvent) => over(event) || matches(event);
    if (this.seen.some(done)) return Promise.resolve();
    let stop = () => {};
    const happened = new Promise<void>((resolve) => {
      stop = this.events.subscribe((event) => {
        // Whoever published goes on first.
        if (done(event)) setImmediate(resolve);
      });
    });
    const either = Promise.race([happened, this.calls.whenIdle()]).finally(() => stop());
    return within(either, 5000, 'an event');
  }

  state(state: SecureSessionView['state']): Promise<void> {
    return this.until((event) => event.type === 'secure.state' && event.state === state);
  }

  /** Waits until the flow asks for the field. */
  asked(field: FieldKind, attempt = 1): Promise<void> {
    return this.until(
      (event) =>
        event.type === 'secure.progress' &&
        event.progress.field === field &&
        event.progress.attempt === attempt,
    );
  }

  /** Waits for the field and keys it in. */
  async key(field: FieldKind, keys: string): Promise<void> {
    await this.asked(field);
    this.caller?.press(keys);
  }

  /** Dials and waits until the two talk. */
  async talk(): Promise<void> {
    this.dial();
    await this.until((event) => event.type === 'conversation.state' && event.state === 'talking');
  }

  #dialog(handlers: FakeDialog['handlers']): FakeDialog {
    const dialog = new FakeDialog(handlers);
    this.dialogs.push(dialog);
    return dialog;
  }

  #signalling({ busy = 0, refuse = {}, onAnswer = () => {} }: WorldOptions): Signalling {
    let refused = 0;
    return {
      ready: true,
      dialogs: 0,
      start: async () => {},
      close: async () => {},
      call: async ({ uri }, handlers) => {
        this.called.push({ uri, state: this.sessionState });
        await turn();
        const status = refuse[uri];
        if (status !== undefined) throw new SipFailure(status, 'refused');
        if (refused < busy) {
          refused += 1;
          throw new SipFailure(486, 'busy');
        }
        this.agent = this.#dialog(handlers);
        onAnswer();
        return { dialog: this.agent, answer: 'sdp' };
      },
    };
  }
}
