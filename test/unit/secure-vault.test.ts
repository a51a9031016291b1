import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { MediaError } from '../../media/media-server.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { within } from '../kit/deadline.js';
import { FakeEndpoint } from './secure-fakes.js';
import { CARD, CODE, World, type WorldOptions } from './secure-world.js';

let world: World;

async function begin(options: WorldOptions = {}): Promise<void> {
  world = new World({ vault: true, ...options });
  await world.talk();
}

/** What serves the customer now, by the digits that arrive there. */
const inVault = () => world.vault?.endpoints.find(({ closed }) => !closed) ?? null;
const home = () => world.caller;

describe('the vault', () => {
  afterEach(async () => {
    world.customer?.farEndHangsUp();
    await within(world.calls.whenIdle(), 5000, 'the end of the call');
    assert.deepEqual([liveSecureValues(), world.media.open, world.vault?.open], [0, 0, 0]);
  });

  it('receives the keys, and the media server none of them', async () => {
    await begin();
    await world.start();
    await world.asked('cardNumber');
    assert.deepEqual(world.session().shields, ['agent-leg', 'media-server', 'vault', 'log', 'events']);
    assert.equal(home()?.held, true);
    assert.equal(home()?.listeners, 0);
    inVault()?.press(`${CARD}#`);
    await world.asked('securityCode');
    inVault()?.press(CODE);
    await world.state('ended');
    assert.equal(world.session().end, 'returned');
    assert.equal(inVault(), null);
    assert.deepEqual([home()?.held, home()?.peer?.id], [false, world.media.endpoints[1]?.id]);
  });

  for (const status of [488, 491, 408, 0]) {
    it(`refuses the session when the phone answers ${status}; the call goes on as it was`, async () => {
      await begin();
      if (world.customer) world.customer.onReinvite = () => status;
      await world.start();
      await world.state('ended');
      const { end, reason } = world.session();
      assert.equal(end, 'shield-failed');
      assert.match(reason ?? '', new RegExp(`vault did not engage: .*SIP ${status}`));
      assert.equal(world.playedIn.has('active'), false);
      assert.deepEqual([home()?.held, home()?.peer?.id], [false, world.media.endpoints[1]?.id]);
      assert.equal(inVault(), null);
      assert.equal(world.calls.get(world.conversationId).state, 'talking');
    });
  }

  it('refuses the session when the vault cannot use what the phone answers, and calls the media back', async () => {
    await begin();
    const offers: string[] = [];
    if (world.customer) {
      world.customer.onReinvite = (offer) => {
        offers.push(offer);
        return 'sdp';
      };
    }
    if (world.vault) {
      world.vault.onStep = (_step, operation) => {
        if (operation === 'acceptAnswer') throw new MediaError('no-common-codec', 'no codec in common');
      };
    }
    await world.start();
    await world.state('ended');
    assert.match(world.session().reason ?? '', /cannot be taken \(no codec in common\)/);
    assert.equal(offers.length, 2);
    assert.deepEqual([home()?.held, home()?.peer?.id], [false, world.media.endpoints[1]?.id]);
  });

  it('ends the call when the phone does not come back: nobody is joined in between', async () => {
    await begin();
    await world.start();
    await world.asked('cardNumber');
    if (world.customer) world.customer.onReinvite = () => 488;
    inVault()?.press(`${CARD}#`);
    await world.asked('securityCode');
    inVault()?.press(CODE);
    await world.state('ended');
    await world.calls.whenIdle();
    assert.equal(world.session().end, 'shield-failed');
    assert.deepEqual(
      world.bridges.map(({ state }) => state),
      ['none'],
    );
    assert.equal(world.agent?.over, true);
  });

  it('is not engaged by a media server that only says that it holds', async () => {
    await begin();
    if (world.caller) world.caller.hold = async () => {};
    await world.start();
    await world.state('ended');
    assert.equal(world.session().end, 'shield-failed');
    assert.equal(world.playedIn.has('active'), false);
  });

  it('is not engaged with somebody else joined to it', async () => {
    await begin();
    const vault = world.vault;
    assert.ok(vault);
    vault.onStep = (_step, operation) => {
      const [inside] = vault.endpoints;
      if (operation === 'acceptAnswer' && inside) inside.peer = new FakeEndpoint(vault, 'stranger');
    };
    await world.start();
    await world.state('ended');
    assert.equal(world.session().end, 'shield-failed');
    assert.equal(world.playedIn.has('active'), false);
  });

  it('that is lost ends the call: both are hung up on, and nobody is joined', async () => {
    await begin();
    await world.start();
    await world.asked('cardNumber');
    inVault()?.press('4242');
    world.vault?.lose();
    await world.calls.whenIdle();
    assert.equal(world.calls.get(world.conversationId).end, 'media-failed');
    assert.deepEqual([world.customer?.over, world.agent?.over], [true, true]);
    assert.equal(world.bridges.length, 1);
  });

  const EVENTS = 'a=rtpmap:101 telephone-event/8000';
  for (const [what, offer, vaulted] of [
    ['takes a phone without telephone-events', 'sdp', true],
    ['leaves a phone with telephone-events where it is', `v=0\r\n${EVENTS}\r\n`, false],
  ] as const) {
    it(`${what} when the media server captures`, async () => {
      await begin({ capture: 'media-server', offer });
      await world.start();
      await world.asked('cardNumber');
      assert.equal(world.session().shields.includes('vault'), vaulted);
      assert.deepEqual([home()?.held, inVault() !== null], [vaulted, vaulted]);
    });
  }

  it('is empty when the customer hangs up in it', async () => {
    await begin();
    await world.start();
    await world.asked('cardNumber');
    inVault()?.press('4242');
    world.customer?.farEndHangsUp();
    await world.calls.whenIdle();
    assert.equal(world.session().end, 'customer-hung-up');
  });
});

describe('a media server that is not safe', () => {
  it('refuses the session, lets the two talk on, and says why', async () => {
    await begin();
    world.media.fault = 'FreeSWITCH logs at debug';
    await world.start();
    await world.state('ended');
    assert.match(world.session().reason ?? '', /media-server did not engage: FreeSWITCH logs at debug/);
    assert.deepEqual(world.bridges.length, 2);
    assert.equal(world.calls.get(world.conversationId).state, 'talking');
    world.customer?.farEndHangsUp();
    await world.calls.whenIdle();
  });
});
