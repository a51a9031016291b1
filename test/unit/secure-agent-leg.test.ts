import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Leg } from '../../server/call/leg.js';
import { AgentLegShield } from '../../server/secure/shields/agent-leg.js';
import { FakeEndpoint, FakeMedia } from './secure-fakes.js';

describe('agent leg shield', () => {
  let media: FakeMedia;
  let customer: FakeEndpoint;
  let agent: FakeEndpoint;
  let shield: AgentLegShield;
  beforeEach(async () => {
    media = new FakeMedia();
    customer = new FakeEndpoint(media, 'customer');
    agent = new FakeEndpoint(media, 'agent');
    const [customerLeg, agentLeg] = [new Leg(customer), new Leg(agent)];
    shield = new AgentLegShield(media, customerLeg, () => (agent.closed ? null : agentLeg));
    await media.bridge(customer, agent);
  });

  it('parts the two, gives the agent a comfort tone, and joins them again', async () => {
    await customer.setLoop('hold-music');
    await shield.engage();
    assert.deepEqual(
      [customer.peer, agent.peer, agent.loop, customer.loop],
      [null, null, 'comfort-tone', null],
    );
    await shield.release();
    assert.deepEqual([customer.peer, agent.peer, agent.loop], [agent, customer, null]);
  });

  it('is not engaged by an engine that only says so: the customer is still joined', async () => {
    media.unbridge = async () => {
      agent.peer = null;
    };
    await assert.rejects(shield.engage(), /customer leg is still bridged/);
  });

  it('is not engaged by an engine that only says so: the agent is still joined', async () => {
    media.unbridge = async () => {
      customer.peer = null;
    };
    await assert.rejects(shield.engage(), /agent leg is not parked/);
  });

  it('is not engaged without the comfort tone', async () => {
    agent.setLoop = async () => {};
    await assert.rejects(shield.engage(), /agent leg is not parked/);
  });

  it('is not engaged when the customer is joined to somebody although the agent is gone', async () => {
    await agent.close();
    customer.peer = new FakeEndpoint(media, 'stranger');
    media.unbridge = async () => {};
    await assert.rejects(shield.engage(), /customer leg is still bridged/);
  });

  for (const side of ['customer', 'agent'] as const) {
    it(`is not released by an engine that only says so: the ${side} is not joined`, async () => {
      await shield.engage();
      media.bridge = async (a, b) => {
        a.peer = side === 'customer' ? null : b;
        b.peer = side === 'agent' ? null : a;
      };
      await assert.rejects(shield.release(), /not bridged/);
    });
  }

  it('joins nobody when the agent is gone', async () => {
    await shield.engage();
    await agent.close();
    await shield.release();
    assert.equal(customer.peer, null);
  });
});
