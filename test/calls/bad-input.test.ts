import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { ConfigError } from '../../config/config.js';
import { FlowError } from '../../flows/problems.js';
import { Phone } from '../kit/phone.js';
import { Refused } from '../kit/phone-sip.js';
import { TestTacet } from '../kit/tacet.js';
import { Scene } from './scene.js';

describe('calls that cannot be taken', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start();
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  const refused = async (status: number, dialled: Promise<unknown>) => {
    await assert.rejects(dialled, (error) => error instanceof Refused && error.status === status);
    await scene.leaveNothing();
  };

  it('answers 404 with a clear reason to an unknown number', async () => {
    const dialled = scene.callerPhone.call(scene.tacet.uri('nobody'));
    await assert.rejects(dialled, (error) => {
      assert.ok(error instanceof Refused);
      assert.equal(error.status, 404);
      assert.match(error.message, /no route for this number/i);
      return true;
    });
    await scene.leaveNothing();
  });

  it('answers 488 when no codec is in common', async () => {
    const phone = await Phone.start({ codecs: ['G722' as never] });
    await refused(488, phone.call(scene.tacet.uri('pay')));
    await phone.close();
  });

  it('takes a call without SDP in its INVITE', async () => {
    const caller = await scene.dial('pay', { lateOffer: true });
    await caller.waitForAudio({ deadlineMs: 10_000 });
    await scene.leaveNothing(caller);
  });
});

describe('a flow with an error', () => {
  it('keeps the server from starting and says where and why', async () => {
    const broken = 'name: broken\ntype: inbound\ntasks:\n  main:\n    - do: playAudoi\n      prompt: hi\n';
    await assert.rejects(TestTacet.start({ flows: { broken } }), (error) => {
      assert.ok(error instanceof FlowError);
      assert.match(error.message, /broken\.yaml:5:/);
      assert.match(error.message, /playAudio/);
      return true;
    });
  });
});

describe('a connector that is not flagged as PCI', () => {
  it('keeps the server from starting and names flow, place and remedy', async () => {
    const payment = { type: 'https', url: 'https://gateway.example/charges' };
    await assert.rejects(TestTacet.start({ config: { connectors: { payment } } }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /connectors\.payment\.pci: flow card-payment \(tasks\.main\[\d+\]\)/);
      assert.match(error.message, /write pci: true/);
      return true;
    });
  });
});

describe('a connector that nobody configured', () => {
  it('keeps the server from starting and names flow and place', async () => {
    await assert.rejects(
      TestTacet.start({ config: { connectors: { other: { type: 'sandbox' } } } }),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /connectors\.payment/);
        assert.match(error.message, /card-payment \(tasks\.main\[\d+\]\)/);
        return true;
      },
    );
  });
});
