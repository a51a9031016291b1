import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { CallEventBody } from '../../server/call/events.js';
import { type Fixture, fixture, TOKEN } from './api-fake.js';

const DEADLINE_MS = 5000;
const STARTED: CallEventBody = { type: 'conversation.started', from: 'sip:a@b', to: 'sip:support@c' };

/** One server-sent event as its reader sees it; a comment has only `comment`. */
interface Message {
  id?: string;
  event?: string;
  data?: string;
  comment?: string;
  retry?: string;
}

function parse(block: string): Message {
  const message: Message = {};
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w*): ?(.*)$/.exec(line) ?? [];
    message[(name || 'comment') as keyof Message] = value ?? '';
  }
  return message;
}

/** Reads a stream message by message, each with a deadline. */
class Reader {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
  readonly #messages: AsyncIterator<Message>;

  constructor(request: ClientRequest, response: IncomingMessage) {
    this.request = request;
    this.response = response;
    request.on('error', () => {});
    this.#messages = Reader.#read(response);
  }

  static async *#read(response: IncomingMessage): AsyncGenerator<Message, undefined> {
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      yield* blocks.map(parse);
    }
  }

  /** The next message, or null at the end of the stream. */
  async next(): Promise<Message | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no message in time')), DEADLINE_MS);
    });
    try {
      const { value } = await Promise.race([this.#messages.next(), late]);
      return value ?? null;
    } finally {
      clearTimeout(timer);
    }
  }
}

describe('the event stream', () => {
  let made: Fixture;
  let url: string;
  const readers: Reader[] = [];

  async function start(heartbeatMs: number, maxUnreadBytes = 256 * 1024) {
    made = await fixture({ streams: { heartbeatMs, maxUnreadBytes } });
    url = `${await made.api.listen({ host: '127.0.0.1', port: 0 })}/api/v1/events`;
  }

  async function read(query = '', headers: Record<string, string> = {}): Promise<Reader> {
    const request = get(url + query, {
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const reader = new Reader(request, response);
    readers.push(reader);
    assert.equal(response.statusCode, 200);
    assert.deepEqual(await reader.next(), { retry: '2000' });
    return reader;
  }

  beforeEach(() => start(60_000));
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.request.destroy();
    await made.api.close();
  });

  test('sends each event with its number, type and JSON', async () => {
    const reader = await read();
    assert.equal(reader.response.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.equal(reader.response.headers['cache-control'], 'no-store');
    made.events.publish('c-1', STARTED);
    const message = await reader.next();
    assert.deepEqual([message?.id, message?.event], ['1', 'conversation.started']);
    assert.deepEqual(JSON.parse(message?.data ?? ''), {
      ...STARTED,
      seq: 1,
      at: '2026-11-23T10:05:00.000Z',
      conversationId: 'c-1',
    });
  });

  test('shows one conversation only when asked', async () => {
    const reader = await read('?conversation=c-1');
    made.events.publish('c-2', STARTED);
    made.events.publish('c-1', STARTED);
    assert.equal((await reader.next())?.id, '2');
  });

  test('starts after Last-Event-ID, and without it with what comes', async () => {
    for (let n = 0; n < 3; n += 1) made.events.publish('c-1', STARTED);
    const resumed = await read('', { 'last-event-id': '1' });
    const fresh = await read();
    made.events.publish('c-1', STARTED);
    for (const id of ['2', '3', '4']) assert.equal((await resumed.next())?.id, id);
    assert.equal((await fresh.next())?.id, '4');
  });

  test('says so when events were lost: too old, or numbered by an earlier process', async () => {
    for (let n = 0; n < 1002; n += 1) made.events.publish('c-1', STARTED);
    const late = await read('', { 'last-event-id': '1' });
    assert.deepEqual(await late.next(), { event: 'events.lost', data: '{"after":1}' });
    assert.equal((await late.next())?.id, '3');
    const other = await read('', { 'last-event-id': '5000' });
    assert.deepEqual(await other.next(), { event: 'events.lost', data: '{"after":5000}' });
    assert.equal((await other.next())?.id, '3');
    const whole = await read('', { 'last-event-id': '2' });
    assert.equal((await whole.next())?.id, '3');
  });

  test('a heartbeat keeps it open', async () => {
    await made.api.close();
    await start(5);
    const reader = await read();
    assert.deepEqual(await reader.next(), { comment: 'alive' });
    assert.deepEqual(await reader.next(), { comment: 'alive' });
  });

  test('no listener is left after the reader is gone', async () => {
    const connected = once(made.api.server, 'connection') as Promise<[Socket]>;
    const reader = await read();
    assert.equal(made.events.listeners, 1);
    const [socket] = await connected;
    const closed = once(socket, 'close');
    reader.request.destroy();
    await closed;
    assert.equal(made.events.listeners, 0);
    made.events.publish('c-1', STARTED);
  });

  test('a reader that does not read is cut, and costs no more than the bound', async () => {
    await made.api.close();
    await start(60_000, 64 * 1024);
    const reader = await read();
    reader.response.pause();
    const wide: CallEventBody = { ...STARTED, from: `sip:${'a'.repeat(4000)}@b` };
    let published = 0;
    // The kernel's own buffers take some megabytes before anything stays unread here.
    while (made.events.listeners > 0 && published < 20_000) {
      made.events.publish('c-1', wide);
      published += 1;
    }
    assert.equal(made.events.listeners, 0);
  });

  test('closing the server ends the stream', async () => {
    const reader = await read();
    await made.api.close();
    assert.equal(await reader.next(), null);
    assert.equal(made.events.listeners, 0);
  });

  test('refusals come as JSON before the stream', async () => {
    const ask = (path: string, headers = {}) =>
      made.api.inject({ url: path, headers: { authorization: `Bearer ${TOKEN}`, ...headers } });
    const unknown = await ask('/api/v1/events?conversation=c-9');
    assert.deepEqual([unknown.statusCode, unknown.json().error.code], [404, 'conversation-not-found']);
    const id = await ask('/api/v1/events', { 'last-event-id': 'x' });
    assert.deepEqual([id.statusCode, id.json().error.field], [400, 'headers.last-event-id']);
    const query = await ask('/api/v1/events?after=3');
    assert.deepEqual([query.statusCode, query.json().error.field], [400, 'query']);
    assert.equal(made.events.listeners, 0);
  });
});
