import assert from 'node:assert/strict';
import type { FieldKind } from '../../flows/commands.js';
import type { SecureSessionView } from '../../server/call/views.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { acknowledged } from '../kit/acknowledged.js';
import { within } from '../kit/deadline.js';
import type { PressOptions } from '../kit/keypad.js';
import { type CallOptions, Phone, type PhoneOptions } from '../kit/phone.js';
import type { PhoneCall } from '../kit/phone-call.js';
import { type TacetOptions, TestTacet } from '../kit/tacet.js';

/** What the caller says all the time: any of it at the agent's is a leak. Far from every DTMF frequency. */
export const CALLER_HZ = 1900;
export const AGENT_HZ = 2200;

export const CARD: Readonly<Record<FieldKind, string>> = {
  cardNumber: '4242424242424242#',
  expiry: '1230',
  securityCode: '837',
  postalCode: '90210#',
  routingNumber: '110000000',
  accountNumber: '000123456789#',
  digits: '',
  date: '',
  menu: '',
};

export const INVOCATION = JSON.stringify({ amount: '12.50', currency: 'EUR', reference: 'INV-7' });

/** `support` of the library without its greeting. */
export const RECEPTION = `
name: reception
type: inbound
tasks:
  main:
    - do: transferToAgent
      agent: any
      onFailure:
        - { do: playAudio, prompt: Nobody there. }
        - { do: disconnect }
`;

/** `card-payment` of the library with the shortest prompts, for tests that are not about its words. */
export const SHORT_PAYMENT = acknowledged(`
name: short-payment
type: secure
variables:
  brand: { type: string }
  last4: { type: string }
  card: { type: secure }
  expiry: { type: secure }
  code: { type: secure }
  postal: { type: secure }
tasks:
  main:
    - { do: collectInput, name: askCard, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: extractSecureData, from: secure.card, transform: brand, into: flow.brand }
    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.last4 }
    - { do: collectInput, name: askExpiry, field: expiry, into: secure.expiry, prompt: Expiry date. }
    - { do: collectInput, name: askCode, field: securityCode, card: secure.card, into: secure.code, prompt: Security code. }
    - { do: collectInput, name: askPostal, field: postalCode, into: secure.postal, prompt: Postal code. }
    - do: callSecureData
      name: chargeCard
      connector: payment
      secureInputs: { cardNumber: secure.card, expiry: secure.expiry, securityCode: secure.code, postalCode: secure.postal }
      inputs: { amount: '1250', currency: '"EUR"' }
      processingAudio: Wait.
      into: charge
      onApproved:
        - { do: playAudio, prompt: Paid. }
        - &return { do: returnToAgent, data: { status: data.charge.status, reason: data.charge.reason, confirmation: 'get(data.charge, "confirmation", "")', brand: flow.brand, last4: flow.last4 } }
      onDeclined: [*return]
      onInDoubt: [*return]
      onError: [*return]
onError:
  - { do: returnToAgent, data: { status: '"error"', reason: data.failure.reason } }
`);

export interface SceneOptions extends TacetOptions {
  readonly caller?: PhoneOptions;
  readonly agent?: PhoneOptions;
}

/** A customer and an agent who talk. */
export interface Talk {
  readonly conversationId: string;
  readonly agentParticipantId: string;
  readonly caller: PhoneCall;
  readonly agent: PhoneCall;
}

/** What a request for a secure session needs of a talk. */
export type Asking = Pick<Talk, 'conversationId' | 'agentParticipantId'>;

/** A Tacet with one agent, a phone for the caller and a phone for the agent, all over loopback sockets. */
export class Scene {
  readonly tacet: TestTacet;
  readonly callerPhone: Phone;
  readonly agentPhone: Phone;
  readonly #calls: PhoneCall[] = [];

  private constructor(tacet: TestTacet, callerPhone: Phone, agentPhone: Phone) {
    this.tacet = tacet;
    this.callerPhone = callerPhone;
    this.agentPhone = agentPhone;
  }

  static async start(options: SceneOptions = {}): Promise<Scene> {
    const agentPhone = await Phone.start({ user: 'anna', ...options.agent });
    const callerPhone = await Phone.start({ user: 'caller', ...options.caller });
    const routes = [
      { user: 'support', flow: 'reception' },
      { user: 'pay', flow: 'pay-by-phone' },
    ];
    const config = { agents: [{ id: 'anna', uri: agentPhone.uri }], routes, ...options.config };
    const flows = { reception: RECEPTION, 'short-payment': SHORT_PAYMENT, ...options.flows };
    try {
      return new Scene(await TestTacet.start({ ...options, config, flows }), callerPhone, agentPhone);
    } catch (error) {
      await Promise.all([callerPhone.close(), agentPhone.close()]);
      throw error;
    }
  }

  /** The caller dials a user of this Tacet. */
  async dial(user: string, options: CallOptions = {}): Promise<PhoneCall> {
    const call = await this.callerPhone.call(this.tacet.uri(user), options);
    this.#calls.push(call);
    return call;
  }

  /** The caller dials support, the agent answers, and each hears the other. */
  async talk(): Promise<Talk> {
    const answered = new Promise<PhoneCall>((resolve, reject) => {
      this.agentPhone.onCall((incoming) => {
        incoming.ring();
        incoming.answer().then((call) => {
          call.tone(AGENT_HZ);
          resolve(call);
        }, reject);
      });
    });
    const { mark } = this.tacet;
    const caller = await this.dial('support');
    caller.tone(CALLER_HZ);
    const agent = await answered;
    this.#calls.push(agent);
    await Promise.all([
      caller.waitForAudio({ hz: AGENT_HZ, deadlineMs: 10_000 }),
      agent.waitForAudio({ hz: CALLER_HZ, deadlineMs: 10_000 }),
    ]);
    // The audio may be here before the event.
    const connected = await this.tacet.event(
      'participant.connected',
      ({ seq, role }) => seq > mark && role === 'agent',
    );
    const { conversationId, participantId } = connected;
    return { conversationId, agentParticipantId: participantId, caller, agent };
  }

  /** The agent asks for a secure session; resolves when it is active. */
  async secure(talk: Asking, request: Record<string, unknown> = {}): Promise<string> {
    const answer = await this.request(talk, request);
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    await this.state(answer.body.id, 'active');
    return answer.body.id;
  }

  /**
   * From when on the agent, or the caller, must hear nothing of the other: when the packet arrived that was the next
   * to be sent at the moment of asking. Packets are told apart by their number, as the clock only says when this
   * process got round to reading them.
   */
  async deafFrom({ conversationId, ...calls }: Talk, who: 'agent' | 'caller'): Promise<number> {
    const legs = this.tacet.app.calls.legs(conversationId);
    const leg = who === 'agent' ? legs.agent : legs.customer;
    assert.ok(leg);
    const { nextSequence } = await leg.endpoint.state();
    const { heard } = calls[who];
    const already = heard.packets.length;
    // Where the engine does not tell: what it sent before is read from the socket before the second packet from now.
    const first = () =>
      nextSequence === null
        ? heard.packets[already + 1]
        : heard.packets.findLast(({ sequence }) => ((sequence - nextSequence) & 0xffff) < 100);
    await calls[who].waitUntil(() => first() !== undefined, `packet ${nextSequence}`);
    return first()?.at ?? 0;
  }

  request(talk: Asking, request: Record<string, unknown> = {}) {
    const body = {
      flow: 'short-payment',
      sourceParticipantId: talk.agentParticipantId,
      invocationData: INVOCATION,
      ...request,
    };
    return this.tacet.api<SecureSessionView>(
      'POST',
      `/api/v1/conversations/${talk.conversationId}/secure-sessions`,
      body,
    );
  }

  /** Waits for a state of the session and returns its event. */
  state(sessionId: string, state: SecureSessionView['state']) {
    return this.tacet.event(
      'secure.state',
      (event) => event.sessionId === sessionId && event.state === state,
      30_000,
    );
  }

  /** Waits until the flow asks for the field. */
  asked(sessionId: string, field: FieldKind, attempt = 1) {
    return this.tacet.event(
      'secure.progress',
      ({ sessionId: id, progress }) =>
        id === sessionId &&
        progress.field === field &&
        progress.state === 'asked' &&
        progress.attempt === attempt,
    );
  }

  /** Keys in one field like a person: a moment into its prompt. Sooner, keys count as surplus of the field before. */
  async key(
    sessionId: string,
    caller: PhoneCall,
    field: FieldKind,
    keys = CARD[field],
    options: PressOptions & { attempt?: number } = {},
  ): Promise<void> {
    await this.asked(sessionId, field, options.attempt);
    await caller.waitForAudio({ minMs: 400 });
    await caller.press(keys, options);
  }

  /** Keys in every field as it is asked for. */
  async keyCard(
    sessionId: string,
    caller: PhoneCall,
    options: PressOptions = {},
    card: Partial<Record<FieldKind, string>> = {},
  ): Promise<void> {
    for (const field of ['cardNumber', 'expiry', 'securityCode', 'postalCode'] as const) {
      await this.key(sessionId, caller, field, card[field] ?? CARD[field], options);
    }
  }

  /** What secure mode must never allow: the two are bridged while the session is active. Used to prove that tests would notice. */
  async joinBehindTheShields({ conversationId }: Talk): Promise<void> {
    const { customer, agent } = this.tacet.app.calls.legs(conversationId);
    assert.ok(agent);
    await this.tacet.app.media.bridge(customer.endpoint, agent.endpoint);
  }

  /** Ends what a test left standing, so that the next one begins with nothing. */
  async hangUp(): Promise<void> {
    await Promise.allSettled(this.#calls.splice(0).map((call) => call.hangUp()));
    await within(this.tacet.app.calls.whenIdle(), 40_000, 'the end of every call');
  }

  /** Hangs up, and checks that no leg, port, secure value or reservation is left. */
  async leaveNothing(...calls: PhoneCall[]): Promise<void> {
    await Promise.all(calls.map((call) => call.hangUp()));
    const { app } = this.tacet;
    await within(app.calls.whenIdle(), 40_000, 'the end of every call');
    const stats = await app.media.stats();
    assert.deepEqual(
      {
        endpoints: stats.endpoints,
        bridges: stats.bridges,
        ports: stats.portsInUse,
        secureValues: liveSecureValues(),
        reserved: app.agents.reservedCount,
        dialogs: app.dialogs,
      },
      { endpoints: 0, bridges: 0, ports: 0, secureValues: 0, reserved: 0, dialogs: 0 },
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.callerPhone.close(), this.agentPhone.close()]);
    await this.tacet.close();
  }
}
