import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { LONGEST_HELLO, readHello } from '../../media/freeswitch/channel-hello.js';
import { EslGate } from '../../media/freeswitch/esl-gate.js';
import { within } from '../kit/deadline.js';

const NAME = '6f0e1c52-6a3c-4b0e-9c1d-1f2e3d4c5b6a';
const hello = (name = NAME, more = '') =>
  `Event-Name: CHANNEL_DATA\nContent-Type: command/reply\nvariable_sip_user_agent: drachtio-fsmrf%3A${name}\n${more}\n`;

describe('the gate for event sockets of channels', () => {
  const taken: { name: string; hello: string }[] = [];
  const sockets: Socket[] = [];
  let admitted = true;
  let awaited = NAME;
  let gate: EslGate;

  before(async () => {
    gate = new EslGate({
      address: '127.0.0.1',
      port: 0,
      admits: (address) => admitted && address === '127.0.0.1',
      claim: (name) =>
        name !== awaited
          ? null
          : (socket, bytes) => {
              taken.push({ name, hello: bytes.toString() });
              sockets.push(socket);
            },
      helloMs: 300,
      mostPending: 3,
    });
    await gate.start();
  });
  afterEach(() => {
    admitted = true;
    awaited = NAME;
    taken.splice(0);
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  after(() => gate.close());

  async function open(): Promise<Socket> {
    const socket = connect(gate.port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }
  const closed = (socket: Socket) =>
    within(once(socket.resume(), 'close'), 3000, 'the end of the connection');

  it('hands on a channel that is waited for, with what it said', async () => {
    const socket = await open();
    const [asked] = await once(socket, 'data');
    assert.equal(String(asked), 'connect\n\n');
    const text = hello(NAME, 'variable_x: a%20b\n');
    socket.write(text.slice(0, 40));
    socket.write(text.slice(40));
    while (taken.length === 0) await new Promise(setImmediate);
    assert.deepEqual(taken, [{ name: NAME, hello: text }]);
  });

  it('refuses who comes from elsewhere', async () => {
    admitted = false;
    await closed(await open());
    assert.deepEqual(taken, []);
  });

  const rubbish: Readonly<Record<string, string>> = {
    'a channel that nobody waits for': hello('00000000-0000-4000-8000-000000000000'),
    'another program': hello().replace('drachtio-fsmrf', 'somebody'),
    'what cannot be decoded': hello(NAME, 'variable_x: %zz\n'),
    'another kind of message': hello().replace('command/reply', 'text/event-plain'),
    'a message without end': 'x'.repeat(LONGEST_HELLO + 1),
    'nothing but an end': '\n\n',
    HTTP: 'GET / HTTP/1.1\r\nHost: a\r\n\n\n',
  };
  for (const [what, text] of Object.entries(rubbish)) {
    it(`closes on ${what}`, async () => {
      const socket = await open();
      socket.write(text);
      await closed(socket);
      assert.deepEqual(taken, []);
    });
  }

  it('closes who says nothing, who says it too slowly, and who only half closes', async () => {
    const [silent, slow, half] = [await open(), await open(), await open()];
    const drip = setInterval(() => slow.write('E'), 20);
    half.end();
    await Promise.all([closed(silent), closed(slow), closed(half)]);
    clearInterval(drip);
  });

  it('takes no more than so many at once that have not said who they are', async () => {
    const waiting = [await open(), await open(), await open()];
    await closed(await open());
    for (const socket of waiting) socket.destroy();
  });
});

it('a hello is not whole before its empty line', () => {
  assert.equal(readHello(Buffer.from(hello().slice(0, -1))), null);
  assert.equal(readHello(Buffer.from(hello())), NAME);
  assert.throws(() => readHello(Buffer.from(hello('../../etc'))));
});
