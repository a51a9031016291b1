import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { FieldKind } from '../../flows/commands.js';
import type { SecureSessionView } from '../../server/call/views.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { acknowledged } from '../kit/acknowledged.js';
import { TestTacet } from '../kit/tacet.js';

export const CARD = {
  cardNumber: '4242424242424242#',
  expiry: '1230',
  securityCode: '837',
  postalCode: '90210#',
} as const satisfies Partial<Record<FieldKind, string>>;
export type CardField = keyof typeof CARD;
export const FIELDS = ['cardNumber', 'expiry', 'securityCode', 'postalCode'] as const;

/** Of agents who register. */
export const PASSWORD = 'correct-horse-battery';

/** How long a person takes to press the first key of a field, ms. Keys that come at once count for the field before. */
const REACTION_MS = 400;

/** A payment with the shortest prompts; the library's is `card-payment`. */
const QUICK_PAYMENT = acknowledged(`
name: quick-payment
type: secure
variables:
  last4: { type: string }
  card: { type: secure }
  expiry: { type: secure }
  code: { type: secure }
  postal: { type: secure }
tasks:
  main:
    - { do: collectInput, name: askCard, field: cardNumber, into: secure.card, prompt: Card. }
    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.last4 }
    - { do: collectInput, name: askExpiry, field: expiry, into: secure.expiry, prompt: Expiry. }
    - { do: collectInput, name: askCode, field: securityCode, card: secure.card, into: secure.code, prompt: Code. }
    - { do: collectInput, name: askPostal, field: postalCode, into: secure.postal, prompt: Postal code. }
    - do: callSecureData
      name: chargeCard
      connector: payment
      secureInputs: { cardNumber: secure.card, expiry: secure.expiry, securityCode: secure.code, postalCode: secure.postal }
      inputs: { amount: '1250', currency: '"EUR"' }
      into: charge
      onApproved:
        - &return { do: returnToAgent, data: { status: data.charge.status, confirmation: 'get(data.charge, "confirmation", "")', last4: flow.last4 } }
      onDeclined: [*return]
      onInDoubt: [*return]
      onError: [*return]
onError:
  - { do: returnToAgent, data: { status: '"error"' } }
`);

/** Talks long enough for any call of a test, and takes keys that mean nothing. */
const LONG_TALK = `
name: long-talk
type: inbound
tasks:
  main:
    - do: playAudio
      prompt: ${'This call goes on and on, so that there is always something to hear. '.repeat(12)}
    - { do: disconnect }
`;

/** A whole Tacet for programs to call: `pay`, `support`, and `talk`, which only talks. */
export class ClientServer {
  readonly tacet: TestTacet;

  private constructor(tacet: TestTacet) {
    this.tacet = tacet;
  }

  /** The agents as in the configuration: with a URI, or with a password to register by. */
  static async start(agents: readonly object[] = []): Promise<ClientServer> {
    const routes = [
      { user: 'pay', flow: 'pay-by-phone' },
      { user: 'support', flow: 'support' },
      { user: 'talk', flow: 'long-talk' },
    ];
    const tacet = await TestTacet.start({
      config: { routes, ...(agents.length > 0 ? { agents } : {}) },
      flows: { 'quick-payment': QUICK_PAYMENT, 'long-talk': LONG_TALK },
    });
    return new ClientServer(tacet);
  }

  /** `user@address:port`, as SIPp wants it. */
  target(user: string): string {
    return this.tacet.uri(user).replace('sip:', '');
  }

  /** Number of the last event so far: what a test waits for comes after it. */
  get mark(): number {
    return this.tacet.mark;
  }

  /** Waits for an inbound flow to reach an action, then for as long as a person takes. */
  async reached(name: string, mark: number): Promise<void> {
    await this.tacet.event('flow.action', (event) => event.seq > mark && event.name === name, 30_000);
    await setTimeout(REACTION_MS);
  }

  /** Waits until caller and agent talk, asks for a session as that agent, and resolves when it is active. */
  async secure(mark: number, flow = 'quick-payment'): Promise<{ conversationId: string; sessionId: string }> {
    const { conversationId, participantId } = await this.tacet.event(
      'participant.connected',
      ({ seq, role }) => seq > mark && role === 'agent',
    );
    await this.tacet.event('conversation.state', ({ seq, state }) => seq > mark && state === 'talking');
    const { status, body } = await this.tacet.api<SecureSessionView>(
      'POST',
      `/api/v1/conversations/${conversationId}/secure-sessions`,
      {
        flow,
        sourceParticipantId: participantId,
        invocationData: '{"amount":"12.50","currency":"EUR","reference":"INV-7"}',
      },
    );
    assert.equal(status, 202, JSON.stringify(body));
    await this.active(mark);
    return { conversationId, sessionId: body.id };
  }

  /** Waits for an active session; resolves with its identifier. */
  async active(mark: number): Promise<string> {
    const event = await this.tacet.event(
      'secure.state',
      ({ seq, state }) => seq > mark && state === 'active',
      30_000,
    );
    return event.sessionId;
  }

  /** What the agent's script received. */
  async paid(sessionId: string) {
    const { data } = await this.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    assert.equal(data.status, 'approved');
    assert.equal(data.last4, '4242');
    assert.match(String(data.confirmation), /^\d{6}$/);
    return data;
  }

  /** Waits until the two talk again after a session. */
  async returned(sessionId: string): Promise<void> {
    const ended = await this.tacet.event(
      'secure.state',
      (event) => event.sessionId === sessionId && event.state === 'ended',
      30_000,
    );
    assert.equal(ended.end, 'returned');
  }

  /** Has every field pressed as the flow asks for it, a moment into its prompt. */
  async keyCard(sessionId: string, press: (field: CardField) => Promise<void>): Promise<void> {
    for (const field of FIELDS) {
      await this.tacet.event(
        'secure.progress',
        (event) =>
          event.sessionId === sessionId && event.progress.field === field && event.progress.state === 'asked',
        30_000,
      );
      await setTimeout(REACTION_MS);
      await press(field);
    }
  }

  /** Waits for the end of every call and checks that no leg, port, dialog, secure value or reservation is left. */
  async leaveNothing(): Promise<void> {
    const { app } = this.tacet;
    await this.tacet.until(() => app.calls.liveCount === 0, 'the end of every call', 40_000);
    const { endpoints, bridges, portsInUse } = await app.media.stats();
    const left = {
      endpoints,
      bridges,
      portsInUse,
      dialogs: app.dialogs,
      secureValues: liveSecureValues(),
      reserved: app.agents.reservedCount,
    };
    const nothing = { endpoints: 0, bridges: 0, portsInUse: 0, dialogs: 0, secureValues: 0, reserved: 0 };
    assert.deepEqual(left, nothing);
  }

  close(): Promise<void> {
    return this.tacet.close();
  }
}
