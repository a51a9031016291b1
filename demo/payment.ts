import { within } from '../test/kit/deadline.js';
import type { Phone } from '../test/kit/phone.js';
import type { PhoneCall } from '../test/kit/phone-call.js';
import type { TestTacet } from '../test/kit/tacet.js';
import { type AgentData, AgentDesk } from './agent-desk.js';
import type { Method } from './options.js';
import type { Screen } from './screen.js';
import type { SessionWatch } from './session-watch.js';

/** What the caller says all the time, and the agent: far from DTMF and from each other. */
export const CALLER_HZ = 1900;
const AGENT_HZ = 2200;
const VOICE_DBFS = -16;

const INVOCATION = { amount: '12.50', currency: 'EUR', reference: 'INV-7' };
/** The sandbox gateway's test card that is approved. */
const KEYS = [
  ['cardNumber', '4242424242424242#'],
  ['expiry', '1230'],
  ['securityCode', '837'],
  ['postalCode', '90210#'],
] as const;
/** What the prompts say of it; the confirmation number is for the caller and the agent. */
export const KNOWN = {
  flow: { amount: 1250, currency: 'EUR', reference: INVOCATION.reference, brand: 'visa', last4: '4242' },
  data: { charge: { confirmation: '••••••' } },
};
const STEP_MS = 30_000;

/** Who takes part. */
export interface Cast {
  readonly tacet: TestTacet;
  readonly callerPhone: Phone;
  readonly agentPhone: Phone;
  readonly watch: SessionWatch;
  readonly screen: Screen;
  readonly method: Method;
}

/** The agent's end of a conversation. */
interface AgentEnd {
  readonly call: PhoneCall;
  readonly conversationId: string;
  readonly participantId: string;
}

/** One agent-referred payment from dialling to hanging up, and what it left to be judged. */
export class Payment {
  readonly #cast: Cast;
  #desk: AgentDesk | null = null;
  /** Second 0, on the clock of `performance.now()`. */
  dialledAt: number | null = null;
  caller: PhoneCall | null = null;
  agent: PhoneCall | null = null;
  confirmationDelivered = false;

  constructor(cast: Cast) {
    this.#cast = cast;
  }

  /** Resolves when the two have talked again after the payment. Rejects when it does not come to that. */
  async run(): Promise<void> {
    const { screen } = this.#cast;
    const { caller, agent } = await this.#connect();
    await agent.call.waitForAudio({ hz: CALLER_HZ, minMs: 1500, deadlineMs: STEP_MS });
    await this.#pay(caller, agent);
    await Promise.all([
      agent.call.waitForAudio({ hz: CALLER_HZ, minMs: 1000, deadlineMs: STEP_MS }),
      caller.waitForAudio({ hz: AGENT_HZ, minMs: 1000, deadlineMs: STEP_MS }),
    ]);
    screen.line('agent', 'hears the caller again, and the caller the agent');
    await caller.hangUp();
    screen.line('caller', 'hangs up');
    await within(agent.call.ended, STEP_MS, 'the end of the call at the agent');
  }

  async close(): Promise<void> {
    await this.#desk?.close();
  }

  async #connect(): Promise<{ caller: PhoneCall; agent: AgentEnd }> {
    const { tacet, callerPhone, agentPhone, screen } = this.#cast;
    const desk = await AgentDesk.open(tacet, (data) => this.#readScript(data));
    this.#desk = desk;
    const ringing = agentPhone.nextCall(STEP_MS);
    ringing.catch(() => undefined);
    this.dialledAt = performance.now();
    screen.begin(this.dialledAt);
    screen.line('caller', `dials ${tacet.uri('support')}`);
    const caller = await callerPhone.call(tacet.uri('support'));
    this.caller = caller;
    caller.tone(CALLER_HZ, VOICE_DBFS);
    const incoming = await ringing;
    incoming.ring();
    const call = await incoming.answer();
    this.agent = call;
    call.tone(AGENT_HZ, VOICE_DBFS);
    const conversationId = incoming.header('X-Tacet-Conversation') ?? '';
    const participantId = await desk.participantOf(conversationId);
    await Promise.all([
      call.waitForAudio({ hz: CALLER_HZ, deadlineMs: STEP_MS }),
      caller.waitForAudio({ hz: AGENT_HZ, deadlineMs: STEP_MS }),
    ]);
    return { caller, agent: { call, conversationId, participantId } };
  }

  async #pay(caller: PhoneCall, agent: AgentEnd): Promise<void> {
    const { watch, screen } = this.#cast;
    const desk = this.#desk;
    if (!desk) throw new Error('the agent has no desk');
    screen.line('agent', 'asks for a secure session: POST /api/v1/conversations/…/secure-sessions');
    watch.request();
    const session = { flow: 'card-payment', sourceParticipantId: agent.participantId };
    await desk.startSecureSession(agent.conversationId, {
      ...session,
      invocationData: JSON.stringify(INVOCATION),
    });
    const early = watch.ended.then((end) => {
      throw new Error(`the secure session ended too early: ${end}`);
    });
    early.catch(() => undefined);
    for (const [field, keys] of KEYS) await Promise.race([this.#key(caller, field, keys), early]);
    await within(watch.ended, STEP_MS, 'the end of the secure session');
    const { data, participantId } = await within(desk.data, 5000, 'data for the script of the agent');
    const { status, confirmation } = data;
    const complete = status === 'approved' && typeof confirmation === 'string' && confirmation !== '';
    this.confirmationDelivered = complete && participantId === agent.participantId;
  }

  /** Keys in one field like a person: a moment into its prompt. */
  async #key(caller: PhoneCall, field: string, keys: string): Promise<void> {
    const { tacet, method } = this.#cast;
    const asks = (progress: { field: string; state: string }) =>
      progress.field === field && progress.state === 'asked';
    await tacet.event('secure.progress', ({ progress }) => asks(progress), STEP_MS);
    await caller.waitForAudio({ minMs: 400, deadlineMs: STEP_MS });
    await caller.press(keys, { method });
  }

  #readScript({ data }: AgentData): void {
    const { amount, currency, brand, last4, confirmation, status, reason } = data;
    const paid = `${(Number(amount) / 100).toFixed(2)} ${currency} with ${brand} ending in ${last4}`;
    const text = status === 'approved' ? `confirmation ${confirmation}, ${paid}` : `${status}: ${reason}`;
    this.#cast.screen.line('agent', `script shows ${text}`);
  }
}
