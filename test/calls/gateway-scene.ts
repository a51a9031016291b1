import type { CallEvent } from '../../server/call/events.js';
import { Gateway, type Reply } from '../kit/gateway.js';
import { Scene, type Talk } from './scene.js';

export const CARD = '4539578763621486';
export const CODE = '739';
const TIMEOUT_MS = 600;

/** Card and security code, then a charge whose paths each say a word of their own. */
const payment = (name: string, connector: string) => `
name: ${name}
type: secure
variables: { card: { type: secure }, code: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: collectInput, field: securityCode, card: secure.card, into: secure.code, prompt: Security code. }
    - do: callSecureData
      connector: ${connector}
      secureInputs: { cardNumber: secure.card, securityCode: secure.code }
      inputs: { amount: '1250', currency: '"EUR"' }
      processingAudio: Wait.
      into: charge
      onApproved:
        - { do: playAudio, name: approved, prompt: Paid. }
        - &return { do: returnToAgent, data: { status: data.charge.status, reason: data.charge.reason, confirmation: 'get(data.charge, "confirmation", "")', note: 'get(data.charge, "note", "")' } }
      onDeclined: [{ do: playAudio, name: declined, prompt: Declined. }, *return]
      onInDoubt: [{ do: playAudio, name: inDoubt, prompt: Not known. }, *return]
      onError: [{ do: playAudio, name: error, prompt: Failed. }, *return]
`;

const FLOWS = {
  payment: payment('payment', 'payment'),
  'payment-nowhere': payment('payment-nowhere', 'nowhere'),
};

const connector = (url: string) => ({
  type: 'https',
  pci: true,
  url,
  allowInsecureHttp: true,
  timeoutMs: TIMEOUT_MS,
  retries: 1,
});

/** A gateway, a port where nobody listens, and a scene whose connectors name both. */
export async function start(
  flows: Readonly<Record<string, string>> = {},
): Promise<{ scene: Scene; gateway: Gateway }> {
  const gone = await Gateway.start();
  const nowhere = connector(gone.url);
  await gone.close();
  const gateway = await Gateway.start();
  const connectors = { payment: connector(gateway.url), nowhere };
  return { gateway, scene: await Scene.start({ flows: { ...FLOWS, ...flows }, config: { connectors } }) };
}

/** Starts a session and keys in card and code; resolves with the session's identifier. */
export async function pay(scene: Scene, talk: Talk, flow = 'payment'): Promise<string> {
  const sessionId = await scene.secure(talk, { flow });
  const fast = { method: 'sip-info', onMs: 20, offMs: 0 } as const;
  await scene.key(sessionId, talk.caller, 'cardNumber', `${CARD}#`, fast);
  await scene.key(sessionId, talk.caller, 'securityCode', CODE, fast);
  return sessionId;
}

export const agentData = (scene: Scene, sessionId: string) =>
  scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);

/** What the caller was told: the names of the prompts after the charge was answered. */
export function told(events: readonly CallEvent[], talk: Talk): string[] {
  return events.flatMap((event) =>
    event.type === 'flow.action' &&
    event.conversationId === talk.conversationId &&
    event.action === 'playAudio'
      ? [event.name]
      : [],
  );
}

/** What one test made the gateway do. */
export class Account {
  readonly #gateway: Gateway;
  readonly #requests: number;
  readonly #charges: number;

  constructor(gateway: Gateway, ...script: readonly Reply[]) {
    this.#gateway = gateway;
    this.#requests = gateway.requests.length;
    this.#charges = gateway.charges;
    gateway.script(...script);
  }

  get requests() {
    return this.#gateway.requests.slice(this.#requests);
  }

  get charges(): number {
    return this.#gateway.charges - this.#charges;
  }

  get keys(): number {
    return new Set(this.requests.map(({ headers }) => headers['idempotency-key'])).size;
  }

  received(count: number): Promise<void> {
    return this.#gateway.received(this.#requests + count);
  }
}

/** Charges, and says nothing. */
export const NEVER: Reply = { do: 'never', charges: true };
