import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { BotServer } from '../kit/bot-server.js';
import { type Certificate, selfSigned } from '../kit/gateway.js';
import { findLeaks } from './leaks.js';
import { Scene } from './scene.js';

const CANARY = { card: '378282246310005', securityCode: '9731' };
const FAST = { onMs: 60, offMs: 40 } as const;

const DESK = `
name: desk
type: bot
kind: dialogEngine
opening: { prompt: Balance one. }
intents:
  balance: { key: '1', slots: [account] }
  other: { key: '2' }
slots:
  account: { length: 4, prompt: Account. }
`;

const LINE = `
name: line
type: inbound
variables: { account: { type: string } }
tasks:
  main:
    - do: callBotFlow
      bot: desk
      outputs: { account: flow.account }
      onIntent:
        balance:
          - do: callBotFlow
            bot: far
            inputs: { account: flow.account }
            into: far
            onIntent:
              agree:
                - { do: playAudio, name: agreed, prompt: 'Done {{ data.far.word }}.' }
                - { do: disconnect }
            onFailure: [{ do: wait, name: farFailed, duration: 1s }, { do: disconnect }]
      onFailure: [{ do: disconnect }]
    - do: disconnect
`;

const FAR = `
name: far
type: bot
kind: dialogEngine
remote: far
inputs: { account: { type: string } }
intents:
  agree: { slots: [word] }
slots:
  word: {}
`;

const VAULT_BOT = `
name: bank
type: bot
kind: dialogEngine
remote: bank
prompts: { ask: Card number. }
intents:
  known: { slots: [level, card] }
slots:
  level: { values: [basic, full] }
  card: { secure: true }
`;

const CODE_BOT = `
name: coder
type: bot
kind: dialogEngine
intents:
  coded: { slots: [code] }
slots:
  code: { length: 4, secure: true, prompt: Security code. }
`;

const IDENTIFY = `
name: identify
type: secure
variables: { level: { type: string }, card: { type: secure }, code: { type: secure } }
tasks:
  main:
    - do: callBotFlow
      bot: coder
      outputs: { code: secure.code }
      onFailure: [{ do: returnToAgent, data: { status: '"no code"' } }]
    - do: callBotFlow
      bot: bank
      into: bank
      outputs: { level: flow.level, card: secure.card }
      onFailure: [{ do: returnToAgent, data: { status: data.bank.reason } }]
    - do: returnToAgent
      data: { status: data.bank.intent, level: flow.level }
`;

describe('calls with bots', () => {
  let scene: Scene;
  let far: BotServer;
  let bank: BotServer;
  let certificate: Certificate;
  before(async () => {
    certificate = selfSigned();
    far = await BotServer.start();
    bank = await BotServer.start(certificate);
    scene = await Scene.start({
      config: {
        routes: [
          { user: 'support', flow: 'reception' },
          { user: 'line', flow: 'line' },
        ],
        bots: {
          far: { url: far.url('ws') },
          bank: { url: bank.url('http'), pci: true, caFile: certificate.caFile },
        },
        log: { level: 'debug' },
      },
      flows: { desk: DESK, line: LINE, far: FAR, bank: VAULT_BOT, coder: CODE_BOT, identify: IDENTIFY },
    });
  });
  afterEach(() => scene.hangUp());
  after(async () => {
    await scene.close();
    await Promise.all([far.close(), bank.close()]);
    certificate.remove();
  });

  /** Dials, and keys in what the local bot asks for; resolves when it is the remote one's turn. */
  async function toRemoteBot() {
    const { mark } = scene.tacet;
    const caller = await scene.dial('line');
    const entered = async (name: string) => {
      await scene.tacet.event('flow.action', (event) => event.seq > mark && event.name === name);
      await caller.waitForAudio({ minMs: 400 });
    };
    await entered('opening');
    await caller.press('1');
    await entered('account');
    await caller.press('4711');
    return { caller, mark };
  }

  const answered = (mark: number, turn: number) =>
    scene.tacet.event('flow.bot', (event) => event.seq > mark && event.turn === turn);

  it('a local bot is filled by keys, and a remote one is told what it found', async () => {
    far.script(
      { say: ['Agree.'], collect: { menu: '12' } },
      { say: ['Fine.'], done: true, intent: 'agree', slots: { word: 'yes' } },
    );
    const { caller, mark } = await toRemoteBot();
    await answered(mark, 1);
    await caller.waitForAudio({ minMs: 400 });
    await caller.press('1');
    assert.equal((await answered(mark, 2)).status, 'success');
    await scene.tacet.event('flow.action', (event) => event.seq > mark && event.name === 'agreed');
    assert.equal((await caller.ended).by, 'them');
    assert.deepEqual(
      far.turns.map(({ event, digits, context }) => [event, digits, context]),
      [
        ['start', undefined, { account: '4711' }],
        ['digits', '1', undefined],
      ],
    );
    await far.idle();
    await scene.leaveNothing(caller);
  });

  it('a hang-up in a turn tells the remote bot the end, and the call is over', async () => {
    far.script('never');
    const begun = far.turns.length;
    const { caller } = await toRemoteBot();
    await far.until(() => far.turns.length > begun);
    await scene.leaveNothing(caller);
    await far.received('end');
    await far.idle();
  });

  it('a remote bot that is not there is a failure of the flow, not of the call', async () => {
    far.script('reset');
    const { caller, mark } = await toRemoteBot();
    assert.deepEqual((await answered(mark, 1)).error, 'connection-lost');
    await scene.tacet.event('flow.action', (event) => event.seq > mark && event.name === 'farFailed');
    assert.equal((await caller.ended).by, 'them');
    await scene.leaveNothing(caller);
  });

  it('in secure mode the remote bot alone is told what is keyed', async () => {
    bank.script(
      { say: [{ prompt: 'ask' }], collect: { min: 15, max: 15, slot: 'card' } },
      { done: true, intent: 'known', slots: { level: 'full' } },
    );
    const talk = await scene.talk();
    const sessionId = await scene.secure(talk, { flow: 'identify' });
    const asked = (name: string) =>
      scene.tacet.event(
        'secure.progress',
        ({ sessionId: id, progress }) =>
          id === sessionId && progress.name === name && progress.state === 'asked',
      );
    for (const [name, keys] of [
      ['code', CANARY.securityCode],
      ['card', CANARY.card],
    ] as const) {
      await asked(name);
      await talk.caller.waitForAudio({ minMs: 400 });
      await talk.caller.press(keys, FAST);
    }
    const { data } = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    assert.deepEqual(data, { status: 'known', level: 'full' });
    await scene.state(sessionId, 'ended');
    assert.equal(bank.turns.at(-1)?.digits, CANARY.card, 'the canary was really keyed in and sent');
    assert.deepEqual(await findLeaks(scene, talk, CANARY), []);
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('in secure mode a bot that wants it said ends in its failure, and the caller goes back to the agent', async () => {
    bank.script(
      { say: [{ prompt: 'ask' }], collect: { min: 15, max: 15 } },
      { say: [`You keyed ${CANARY.card}.`], collect: { max: 4 } },
    );
    const talk = await scene.talk();
    const sessionId = await scene.secure(talk, { flow: 'identify' });
    const inSession = (name: string) =>
      scene.tacet.event(
        'secure.progress',
        ({ sessionId: id, progress }) =>
          id === sessionId && progress.name === name && progress.state === 'asked',
      );
    for (const [name, keys] of [
      ['code', CANARY.securityCode],
      ['bot-turn', CANARY.card],
    ] as const) {
      await inSession(name);
      await talk.caller.waitForAudio({ minMs: 400 });
      await talk.caller.press(keys, FAST);
    }
    const { data } = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    assert.deepEqual(data, { status: 'text-in-secure-mode' });
    await bank.received('end');
    assert.deepEqual(await findLeaks(scene, talk, CANARY), []);
    await scene.leaveNothing(talk.caller, talk.agent);
  });
});
