import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { BotServiceConfig } from '../../config/bot.js';
import type { BotResult } from '../../flows/commands.js';
import { BotTalks } from '../../server/bots/bot-talks.js';
import { Bots } from '../../server/bots/bots.js';
import type { CallEventBody } from '../../server/call/events.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { SecureValues } from '../../server/secure/secure-values.js';
import { BotServer } from '../kit/bot-server.js';
import { within } from '../kit/deadline.js';
import { type Certificate, selfSigned } from '../kit/gateway.js';
import { GatewayClock } from '../kit/gateway-clock.js';

const DEFAULTS = {
  timeoutMs: 5000,
  pci: false,
  breakerFailures: 3,
  breakerPauseMs: 30_000,
  allowInsecureHttp: false,
};
const ASKS = { say: ['Account number.'], collect: { max: 8 } };
const PIN = '730615948';

type Turned = Parameters<BotTalks['turn']>[0];
const turned = (changes: Partial<Turned>): Turned => ({
  do: 'botTurn',
  bot: 'helper',
  service: 'desk',
  session: 'tasks.main[0]#1',
  turn: 1,
  event: 'start',
  context: {},
  digits: null,
  secureDigits: null,
  ...changes,
});
const soon = (result: Promise<BotResult>) => within(result, 5000, 'the turn');
const errorOf = (result: BotResult) => (result.ok ? '' : result.error);

for (const transport of ['http', 'ws'] as const) {
  describe(`a remote bot over ${transport}`, () => {
    let certificate: Certificate;
    let plain: BotServer;
    let secret: BotServer;
    let clock: GatewayClock;
    let hangUp: AbortController;
    let published: CallEventBody[];
    let bots: Bots;

    before(() => {
      certificate = selfSigned();
    });
    after(() => certificate.remove());
    beforeEach(async () => {
      plain = await BotServer.start();
      secret = await BotServer.start(certificate);
      clock = new GatewayClock();
      hangUp = new AbortController();
      published = [];
    });
    afterEach(async () => {
      bots.close();
      await Promise.all([plain.close(), secret.close()]);
      assert.equal(liveSecureValues(), 0);
    });

    const talksOf = (
      server: BotServer,
      changes: Partial<BotServiceConfig> = {},
      values: SecureValues | null = null,
    ) => {
      bots = Bots.of({ desk: { ...DEFAULTS, url: server.url(transport), ...changes } }, clock);
      const { signal } = hangUp;
      return new BotTalks({ bots, runId: 'c1', signal, values, publish: (event) => published.push(event) });
    };

    it('is told inputs and digits, turn after turn, and answers each', async () => {
      process.env.TEST_BOT_SECRET = 'Bearer of-the-test';
      const talks = talksOf(plain, { authorization: { env: 'TEST_BOT_SECRET' } });
      plain.script(ASKS, { done: true, intent: 'balance', slots: { account: '4711' } });
      assert.deepEqual(await soon(talks.turn(turned({ context: { name: 'Ann' } }))), {
        ok: true,
        reply: ASKS,
      });
      const result = await soon(talks.turn(turned({ turn: 2, event: 'digits', digits: '4711' })));
      assert.equal(result.ok && result.reply.intent, 'balance');
      const session = 'c1:tasks.main[0]#1';
      assert.deepEqual(plain.turns, [
        { session, turn: 1, flow: 'helper', event: 'start', context: { name: 'Ann' } },
        { session, turn: 2, flow: 'helper', event: 'digits', digits: '4711' },
      ]);
      assert.equal(plain.authorizations[0], 'Bearer of-the-test');
      talks.close();
      await plain.idle();
      assert.equal(plain.turns.length, 2, 'a talk that is done has no end to be told');
    });

    it('is told the end when the run is over', async () => {
      const talks = talksOf(plain);
      plain.script(ASKS);
      await soon(talks.turn(turned({})));
      talks.close();
      await plain.received('end');
      await plain.idle();
    });

    it('a hang-up gives the turn up and tells the end', async () => {
      const talks = talksOf(plain);
      plain.script('never');
      const result = talks.turn(turned({}));
      await plain.received('start');
      hangUp.abort();
      assert.equal(errorOf(await soon(result)), 'cancelled');
      await plain.received('end');
    });

    it('late is a failure', async () => {
      const talks = talksOf(plain);
      plain.script('never');
      const result = talks.turn(turned({}));
      await plain.received('start');
      clock.advance(DEFAULTS.timeoutMs);
      assert.equal(errorOf(await soon(result)), 'timeout');
      assert.deepEqual(published, [
        { type: 'flow.bot', bot: 'helper', turn: 1, event: 'start', status: 'failure', error: 'timeout' },
      ]);
    });

    it('a connection that ends is a failure', async () => {
      const talks = talksOf(plain);
      plain.script('reset');
      assert.equal(errorOf(await soon(talks.turn(turned({})))), 'connection-lost');
    });

    for (const [title, act] of [
      ['no JSON', 'nonsense'],
      ['neither keys nor an end', { say: ['Hello.'] }],
      ['both keys and an end', { ...ASKS, done: true }],
      ['an intent before its end', { ...ASKS, intent: 'balance' }],
      ['a key that nobody knows', { done: true, transfer: 'agent' }],
      ['more digits than a field has', { collect: { max: 99 } }],
      ['fewest above most', { collect: { min: 5, max: 4 } }],
      ['a slot that is no text', { done: true, slots: { account: 4711 } }],
      ['a text that is too long', { say: ['x'.repeat(1001)], done: true }],
    ] as const) {
      it(`refuses an answer with ${title}`, async () => {
        const talks = talksOf(plain);
        plain.script(act);
        assert.equal(errorOf(await soon(talks.turn(turned({})))), 'bad-answer');
      });
    }

    it('refuses an answer beyond 64 KiB', async () => {
      const talks = talksOf(plain);
      plain.script(`{"done":true,"x":"${'x'.repeat(70_000)}"}`);
      assert.equal(errorOf(await soon(talks.turn(turned({})))), 'oversized-answer');
    });

    it('is not asked for a while after it failed too often', async () => {
      const talks = talksOf(plain);
      plain.script('reset', 'reset', 'reset');
      for (const session of ['a', 'b', 'c']) await soon(talks.turn(turned({ session })));
      assert.equal(errorOf(await soon(talks.turn(turned({ session: 'd' })))), 'circuit-open');
      assert.equal(plain.turns.filter(({ event }) => event === 'start').length, 3);
    });

    const keyed = () => {
      const values = new SecureValues();
      const value = values.create('pin', 'digits');
      for (const code of Buffer.from(PIN)) value.append(code);
      return values;
    };

    it('is told what was keyed in secure mode when it is flagged and the way is encrypted', async () => {
      const values = keyed();
      const talks = talksOf(secret, { pci: true, caFile: certificate.caFile }, values);
      secret.script(ASKS, { done: true, intent: 'pay' });
      await soon(talks.turn(turned({})));
      const secureDigits = { name: 'pin', keep: false };
      const result = await soon(talks.turn(turned({ turn: 2, event: 'digits', secureDigits })));
      assert.ok(result.ok);
      assert.equal(secret.turns[1]?.digits, PIN);
      assert.equal(values.get('pin'), undefined, 'what nobody keeps is gone once it was sent');
      assert.ok(!JSON.stringify(published).includes(PIN));
    });

    it('long digits that it repeats are masked before they are text', async () => {
      const values = keyed();
      const talks = talksOf(secret, { pci: true, caFile: certificate.caFile }, values);
      secret.script(ASKS, { done: true, slots: { pin: `keyed ${PIN}` } });
      await soon(talks.turn(turned({})));
      const secureDigits = { name: 'pin', keep: true };
      const result = await soon(talks.turn(turned({ turn: 2, event: 'digits', secureDigits })));
      assert.equal(result.ok && result.reply.slots?.pin, 'keyed 111111111');
      values.wipe();
    });

    it('is not asked from a secure flow when it is not flagged, or the way is not encrypted', async () => {
      for (const [server, pci] of [
        [secret, false],
        [plain, true],
      ] as const) {
        const talks = talksOf(server, { pci, caFile: certificate.caFile }, new SecureValues());
        assert.equal(errorOf(await soon(talks.turn(turned({})))), 'not-pci');
        assert.equal(server.turns.length, 0);
        bots.close();
      }
    });

    it('a certificate that nobody vouches for is no connection', async () => {
      const talks = talksOf(secret);
      assert.equal(errorOf(await soon(talks.turn(turned({})))), 'unreachable');
      assert.equal(secret.turns.length, 0);
    });

    it('no input shows what was keyed', async () => {
      const values = keyed();
      const talks = talksOf(secret, { pci: true, caFile: certificate.caFile }, values);
      assert.equal(errorOf(await soon(talks.turn(turned({ context: { note: `x${PIN}` } })))), 'secure-value');
      assert.equal(secret.turns.length, 0);
      values.wipe();
    });
  });
}
