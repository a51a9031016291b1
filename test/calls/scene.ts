import assert from 'node:assert/strict';
import type { FieldKind } from '../../flows/commands.js';
import type { SecureSessionView } from '../../server/call/views.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import type { PressOptions } from '../kit/keypad.js';
import { Phone, type PhoneOptions } from '../kit/phone.js';
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
  digits: '',
};

export const INVOCATION = JSON.stringify({ amount: '12.50', currency: 'EUR', reference: 'INV-7' });

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

/** A Tacet with one agent, a phone for the caller and a phone for the agent, all over loopback sockets. */
export class Scene {
  readonly tacet: TestTacet;
  readonly callerPhone: Phone;
  readonly agentPhone: Phone;

  private constructor(tacet: TestTacet, callerPhone: Phone, agentPhone: Phone) {
    this.tacet = tacet;
    this.callerPhone = callerPhone;
    this.agentPhone = agentPhone;
  }

  static async start(options: SceneOptions = {}): Promise<Scene> {
    const agentPhone = await Phone.start({ user: 'anna', ...options.agent });
    const callerPhone = await Phone.start({ user: 'caller', ...options.caller });
    const config = { agents: [{ id: 'anna', uri: agentPhone.uri }], ...options.config };
    return new Scene(await TestTacet.start({ ...options, config }), callerPhone, agentPhone);
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
    const caller = await this.callerPhone.call(this.tacet.uri('support'));
    caller.tone(CALLER_HZ);
    const agent = await answered;
    await Promise.all([
      caller.waitForAudio({ hz: AGENT_HZ, deadlineMs: 10_000 }),
      agent.waitForAudio({ hz: CALLER_HZ, deadlineMs: 10_000 }),
    ]);
    const connected = this.tacet.events.findLast(
      (event) => event.type === 'participant.connected' && event.role === 'agent',
    );
    assert.ok(connected?.type === 'participant.connected');
    const { conversationId, participantId } = connected;
    return { conversationId, agentParticipantId: participantId, caller, agent };
  }

  /** The agent asks for a secure session; resolves when it is active. */
  async secure(talk: Talk, request: Record<string, unknown> = {}): Promise<string> {
    const answer = await this.request(talk, request);
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    await this.state(answer.body.id, 'active');
    return answer.body.id;
  }

  request(talk: Talk, request: Record<string, unknown> = {}) {
    const body = {
      flow: 'card-payment',
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

  /** Keys in every field as it is asked for. */
  async keyCard(
    sessionId: string,
    caller: PhoneCall,
    options: PressOptions = {},
    card: Partial<Record<FieldKind, string>> = {},
  ): Promise<void> {
    for (const field of ['cardNumber', 'expiry', 'securityCode', 'postalCode'] as const) {
      await this.asked(sessionId, field);
      await caller.press(card[field] ?? CARD[field], options);
    }
  }

  /** What secure mode must never allow: the two are bridged while the session is active. Used to prove that tests would notice. */
  async joinBehindTheShields({ conversationId }: Talk): Promise<void> {
    const { customer, agent } = this.tacet.app.calls.legs(conversationId);
    assert.ok(agent);
    await this.tacet.app.media.bridge(customer.endpoint, agent.endpoint);
  }

  /** Hangs up, and checks that no leg, port, secure value or reservation is left. */
  async leaveNothing(...calls: PhoneCall[]): Promise<void> {
    await Promise.all(calls.map((call) => call.hangUp()));
    const { app } = this.tacet;
    await this.tacet.until(() => app.calls.liveCount === 0, 'the end of every call', 40_000);
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
