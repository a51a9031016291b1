import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { ERRORS, type ErrorCode } from '../../server/errors.js';
import { type Fixture, fixture, TOKEN } from './api-fake.js';

const reference = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');

interface Example {
  readonly command: string;
  /** The answer documented below the command; null when none is. */
  readonly answer: string | null;
}

/** Every `curl` command of the document, with the block that follows the last one of its own block. */
function examples(): readonly Example[] {
  const blocks = [...reference.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, kind, text]) => ({
    kind,
    text: text ?? '',
  }));
  return blocks.flatMap(({ kind, text }, index) => {
    if (kind !== 'sh') return [];
    const next = blocks[index + 1];
    const answer = next === undefined || next.kind === 'sh' ? null : next.text;
    const commands = text
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line.startsWith('curl '));
    return commands.map((command, i) => ({ command, answer: i === commands.length - 1 ? answer : null }));
  });
}

/** Splits like a shell: words, single quotes as they are, double quotes with the two variables replaced. */
function words(command: string, variables: Readonly<Record<string, string>>): readonly string[] {
  const expand = (text: string) =>
    text.replace(/\$(\w+)/g, (_all, name: string) => variables[name] ?? assert.fail(name));
  return [...command.matchAll(/(?:'([^']*)'|"([^"]*)"|(\S+))/g)].map(
    ([, single, double, bare]) => single ?? expand(double ?? bare ?? ''),
  );
}

async function run(command: string, variables: Readonly<Record<string, string>>): Promise<Response> {
  const [, ...rest] = words(command, variables);
  const headers = new Headers();
  let url = '';
  let method: string | undefined;
  let body: string | null = null;
  while (rest.length > 0) {
    const word = rest.shift() ?? '';
    const value = () => rest.shift() ?? assert.fail(`${word} has no value`);
    if (word === '-H') {
      const [name, ...text] = value().split(': ');
      headers.set(name ?? '', text.join(': '));
    } else if (word === '-d') body = value();
    else if (word === '-X') method = value();
    else if (!/^-[sN]+$/.test(word)) url = word;
  }
  const signal = AbortSignal.timeout(5000);
  return fetch(url, { method: method ?? (body === null ? 'GET' : 'POST'), headers, body, signal });
}

describe('docs/api.md', () => {
  let made: Fixture;
  let address: string;
  before(async () => {
    made = await fixture();
    address = await made.api.listen({ host: '127.0.0.1', port: 0 });
    const state = { sessionId: 's-1', state: 'active', end: null, reason: null } as const;
    made.events.publish('c-1', { type: 'secure.state', ...state });
  });
  after(() => made.api.close());

  for (const { command, answer } of examples()) {
    test(`the example works: ${command.slice(0, 100)}`, async () => {
      const response = await run(command, { TACET: address, TOKEN });
      const { body } = response;
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
        assert.ok(body !== null && answer !== null);
        const decoder = new TextDecoder();
        let text = '';
        for await (const chunk of body) {
          text += decoder.decode(chunk as Uint8Array, { stream: true });
          if (text.length >= answer.length) break;
        }
        assert.equal(text.trim(), answer.trim());
        return;
      }
      const text = await response.text();
      const expectsError = answer?.includes('"error"') ?? false;
      assert.equal(response.ok, !expectsError, text);
      if (response.headers.get('content-type')?.startsWith('application/yaml')) {
        assert.equal(text, answer);
      } else if (answer !== null) assert.deepEqual(JSON.parse(text), JSON.parse(answer));
    });
  }

  test('has an example of every route', async () => {
    const { paths } = (await made.api.inject('/docs/json')).json() as { paths: Record<string, object> };
    for (const path of Object.keys(paths)) {
      const shown = path
        .replace('{id}', 'c-1')
        .replace('{sessionId}', 's-1')
        .replace('{participantId}', 'p-1')
        .replace('{name}', 'support')
        .replace('{version}', '1');
      const one = shown === '/api/v1/conversations/c-1' ? '/api/v1/conversations/<id>' : shown;
      assert.ok(reference.includes(one), path);
    }
  });

  test('gives the status of every code it names, and names every code that a route answers', () => {
    const rows = [...reference.matchAll(/^\| (\d{3}) \| ([^|]+) \|/gm)];
    const documented = rows.flatMap(([, status, cells]) =>
      [...(cells ?? '').matchAll(/`([\w-]+)`/g)].map(([, code]) => [code, Number(status)] as const),
    );
    for (const [code, status] of documented) assert.equal(ERRORS[code as ErrorCode]?.http, status, code);
    const callOnly = ['number-not-routed', 'no-common-codec', 'srtp-refused', 'no-media-port'];
    const missing = Object.keys(ERRORS).filter((code) => !documented.some(([one]) => one === code));
    assert.deepEqual(missing.sort(), callOnly.sort());
  });

  test('names every metric of our own', async () => {
    const text = await (
      await run('curl $TACET/metrics -H "Authorization: Bearer $TOKEN"', { TACET: address, TOKEN })
    ).text();
    for (const [, name] of text.matchAll(/^# TYPE (tacet_\w+) /gm))
      assert.ok(reference.includes(`${name}`), name);
  });
});
