import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { acknowledged } from '../kit/acknowledged.js';
import { Gateway } from '../kit/gateway.js';
import type { PressMethod } from '../kit/keypad.js';
import { digitPatterns, memoryUnreadable, type Pattern, searchMemory } from '../kit/memory-scan.js';
import { Phone } from '../kit/phone.js';
import type { PhoneCall } from '../kit/phone-call.js';
import { TacetProcess } from './tacet-process.js';

/** Cards of their own: what one payment left must not be found by the search after another. */
const CARDS: Readonly<Record<PressMethod, string>> = {
  rfc4733: '4539578763621486',
  'sip-info': '4916338506082832',
  'sip-info-dtmf': '4024007103939509',
  'in-band': '4485275742308327',
};
const PLANTED = '4716461583322103';
const CODE = '739';

const PAY = `
name: pay-now
type: inbound
tasks:
  main: [{ do: transferToSecureFlow, flow: payment }]
`;

const PAYMENT = acknowledged(`
name: payment
type: secure
variables: { card: { type: secure }, code: { type: secure }, last4: { type: string } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.last4 }
    - { do: collectInput, field: securityCode, card: secure.card, into: secure.code, prompt: Security code. }
    - do: callSecureData
      connector: payment
      secureInputs: { cardNumber: secure.card, securityCode: secure.code }
      inputs: { amount: '1250', currency: '"EUR"' }
      processingAudio: Wait.
      into: charge
      onApproved:
        - &return { do: returnToAgent, data: { status: data.charge.status, last4: flow.last4 } }
      onDeclined: [*return]
      onInDoubt: [*return]
      onError: [*return]
`);

const wanted = (card: string): Pattern[] => [
  ...digitPatterns(card),
  { what: 'the security code as sent', bytes: Buffer.from(`"securityCode":"${CODE}"`) },
];

describe('memory of the server', { skip: memoryUnreadable }, () => {
  let gateway: Gateway;
  let tacet: TacetProcess;
  before(async () => {
    gateway = await Gateway.start();
    const payment = {
      type: 'https',
      pci: true,
      url: gateway.url,
      allowInsecureHttp: true,
      timeoutMs: 20_000,
    };
    tacet = await TacetProcess.start(
      { connectors: { payment }, routes: [{ user: '*', flow: 'pay-now' }], log: { level: 'debug' } },
      { 'pay-now': PAY, payment: PAYMENT },
    );
  });
  after(async () => {
    assert.equal(await tacet.stop(), 0, 'SIGTERM ends it in order');
    await gateway.close();
  });

  const search = (card: string) => searchMemory(tacet.pid, wanted(card));

  /** Waits for the field to be asked and keys it in, like a person a moment into the prompt. */
  async function key(call: PhoneCall, sessionId: string, name: string, keys: string, method: PressMethod) {
    const at = (state: string) =>
      tacet.event(
        'secure.progress',
        ({ sessionId: id, progress }) =>
          id === sessionId && progress.name === name && progress.state === state,
      );
    await at('asked');
    await call.waitForAudio({ minMs: 400 });
    await call.press(keys, { method, onMs: 60, offMs: 40 });
    await at('accepted');
  }

  for (const [method, card] of Object.entries(CARDS) as [PressMethod, string][]) {
    it(`holds the card in its secure value only, and nowhere after the call, keys by ${method}`, async () => {
      const phone = await Phone.start({ telephoneEvent: method !== 'in-band' });
      try {
        const charges = gateway.requests.length;
        const since = tacet.events.length;
        const call = await phone.call(tacet.uri('pay'));
        await tacet.until(
          () => tacet.events.slice(since).some(({ type }) => type === 'secure.progress'),
          'a session',
        );
        const asked = tacet.events.slice(since).find((event) => event.type === 'secure.progress');
        const sessionId = asked?.type === 'secure.progress' ? asked.sessionId : '';
        await key(call, sessionId, 'card', `${card}#`, method);
        assert.deepEqual(places(search(card)), ['ASCII'], 'the secure value and no copy of it');
        gateway.script({ do: 'hold', outputs: ({ number }) => ({ number }) });
        await key(call, sessionId, 'code', CODE, method);
        await gateway.received(charges + 1);
        assert.equal(gateway.requests[charges]?.body.card.number, card, 'the gateway did get the card');
        assert.deepEqual(places(search(card)), ['ASCII'], 'no copy while the charge is under way');
        gateway.release();
        assert.equal((await call.ended).by, 'them');
        const data = await tacet.event('agent.data', (event) => event.sessionId === sessionId);
        assert.deepEqual(data.data, { status: 'approved', last4: card.slice(-4) });
        await tacet.event(
          'conversation.ended',
          ({ conversationId }) => conversationId === data.conversationId,
        );
        assert.deepEqual(search(card).places, []);
      } finally {
        await phone.close();
      }
    });
  }

  it('is searched by something that finds a number that was planted', async () => {
    const phone = await Phone.start({ user: PLANTED });
    try {
      const call = await phone.call(tacet.uri('pay'));
      await call.hangUp();
      const { places: found, bytes } = search(PLANTED);
      assert.ok(found.length > 0, 'the caller who is called like a card is found');
      assert.ok(bytes > 50_000_000, `searched ${bytes} bytes`);
    } finally {
      await phone.close();
    }
  });
});

/** What was found, without where. */
const places = ({ places: found }: { places: readonly string[] }) =>
  found.map((place) => (found.length === 1 ? place.slice(0, place.indexOf(' in ')) : place));
