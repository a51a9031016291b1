import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import type { Connection, EslEvent } from 'drachtio-modesl';
import { EslLine, EslRefusal } from '../../media/freeswitch/esl-line.js';
import { isSoundPath, soundPath, uuid, word } from '../../media/freeswitch/words.js';
import { MediaError } from '../../media/media-server.js';

type Reply = (event: EslEvent) => void;

/** As much of drachtio-modesl as the line uses: keeps what is asked, and answers when told. */
class FakeConnection extends EventEmitter {
  readonly asked: { readonly text: string; readonly reply: Reply }[] = [];
  readonly socket = { destroy: () => void this.emit('esl::end') };
  closing = false;

  api(text: string, reply: Reply): void {
    this.asked.push({ text, reply });
  }
  sendRecv(text: string, headers: Readonly<Record<string, string>>, reply: Reply): void {
    this.asked.push({ text: `${text} ${JSON.stringify(headers)}`, reply });
  }
  subscribe(events: readonly string[], reply: Reply): void {
    this.asked.push({ text: `event ${events.join(' ')}`, reply });
  }
  answer(body: string, replyText = body): void {
    this.asked.shift()?.reply({ getBody: () => body, getHeader: () => replyText });
  }
}

function open(deadlineMs = 1000) {
  const connection = new FakeConnection();
  let gone = 0;
  const line = new EslLine(connection as unknown as Connection, {
    deadlineMs,
    onGone: () => {
      gone += 1;
    },
  });
  return { connection, line, gone: () => gone };
}

const lost = (error: unknown) => error instanceof MediaError && error.code === 'engine-lost';

describe('commands over an event socket', () => {
  it('gives each question its answer, in their order', async () => {
    const { connection, line } = open();
    const first = line.api('status');
    const second = line.confirmed('uuid_break', 'x', 'all');
    assert.deepEqual(
      connection.asked.map(({ text }) => text),
      ['status', 'uuid_break x all'],
    );
    connection.answer('UP');
    connection.answer('+OK');
    assert.equal(await first, 'UP');
    assert.equal(await second, '+OK');
  });

  it('takes nothing but +OK for done', async () => {
    const { connection, line } = open();
    for (const answer of ['-ERR No such channel!', '-USAGE: <uuid>', '', 'OK']) {
      const asked = line.confirmed('uuid_bridge', 'a', 'b');
      connection.answer(answer);
      await assert.rejects(asked, EslRefusal);
    }
    const executed = line.execute('a', 'b', 'playback', '/x.wav');
    connection.answer('', '-ERR invalid session id');
    await assert.rejects(executed, EslRefusal);
  });

  it('gives the connection up when one answer is missing, and fails all that wait', async () => {
    const { connection, line, gone } = open(20);
    const all = [line.api('status'), line.api('version'), line.subscribe(['DTMF'])];
    for (const one of await Promise.allSettled(all)) {
      assert.ok(one.status === 'rejected' && lost(one.reason));
    }
    assert.equal(gone(), 1);
    assert.equal(line.up, false);
    connection.answer('too late');
    await assert.rejects(line.api('status'), lost);
  });

  it('fails what waits when the connection ends, or drachtio-modesl cannot read it', async () => {
    for (const event of ['esl::end', 'error']) {
      const { connection, line, gone } = open();
      const asked = line.api('status');
      connection.emit(event, new Error('unreadable'));
      await assert.rejects(asked, lost);
      assert.equal(gone(), 1);
    }
  });

  it('asks nothing that could be more than one command', () => {
    const { connection, line } = open();
    for (const bad of ['a b', 'a\nb', 'a\r\n\r\napi shutdown', '', '\u0000', 'ü']) {
      assert.throws(() => line.api('uuid_kill', bad));
      assert.throws(() => word(bad));
    }
    assert.deepEqual(connection.asked, []);
  });
});

it('only a channel is a channel, and only a plain path a path', () => {
  assert.equal(uuid('8f65b662-545d-44a7-9509-098ecda45447'), '8f65b662-545d-44a7-9509-098ecda45447');
  for (const bad of ['', 'all', '8f65b662', '8f65b662-545d-44a7-9509-098ecda45447\n'])
    assert.throws(() => uuid(bad));
  assert.equal(soundPath('/srv/prompts/a-1.wav'), '/srv/prompts/a-1.wav');
  for (const bad of [
    'a.wav',
    '/a b.wav',
    '/a!b.wav',
    '/../etc',
    '/{x=y}a.wav',
    '/a@@9.wav',
    'tone_stream://x',
  ]) {
    assert.equal(isSoundPath(bad), false, bad);
  }
});
