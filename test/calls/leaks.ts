import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Scene, Talk } from './scene.js';

/** Shortest part of a card number that counts as a leak: one digit more than the BIN that may be shown. */
const TELLING_DIGITS = 7;

/** What was keyed in and must be found nowhere. */
export interface Canary {
  readonly card: string;
  readonly securityCode: string;
}

/** One place where a keyed digit turned up. Names the place, never the digits. */
export type Leak = 'log' | 'event' | 'http' | 'metrics' | 'file' | 'agent-audio' | 'agent-digits';

/** Looks at everything that Tacet wrote, answered or sent to the agent, and says where the canary turned up. */
export async function findLeaks(scene: Scene, talk: Talk, canary: Canary): Promise<Leak[]> {
  const { tacet } = scene;
  const found = new Set<Leak>();
  const look = (place: Leak, text: string) => {
    if (tells(text, canary)) found.add(place);
  };
  for (const line of tacet.logLines) look('log', line);
  for (const event of tacet.events) look('event', JSON.stringify(event));
  const conversation = `/api/v1/conversations/${talk.conversationId}`;
  for (const path of [
    '/api/v1/conversations',
    conversation,
    `${conversation}/secure-sessions`,
    '/healthz',
    '/readyz',
  ]) {
    look('http', JSON.stringify((await tacet.api('GET', path)).body));
  }
  look('http', await streamed(scene));
  const metrics = await fetch(`${tacet.listening.httpUrl}/metrics`, {
    headers: { authorization: `Bearer ${tacet.token}` },
  });
  look('metrics', await metrics.text());
  for (const file of filesUnder(tacet.dataDirectory)) {
    if (readFileSync(file).includes(canary.card) || tells(readFileSync(file, 'latin1'), canary))
      found.add('file');
  }
  const digits = talk.agent.heardDigits();
  if (digits.some(({ method }) => method === 'in-band')) found.add('agent-audio');
  if (digits.some(({ method }) => method !== 'in-band')) found.add('agent-digits');
  return [...found].sort();
}

/** Of a line of a server's log. FreeSWITCH's has a load behind it: with its separators taken out, one in ten thousand ends like a part of a canary card. */
const STAMP = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}(?: \d{1,3}\.\d\d%?)?/g;

/** True when the text holds the security code as a value, or seven digits of the card in a row, however separated. */
export function tells(text: string, { card, securityCode }: Canary): boolean {
  if (new RegExp(`["':= ]${securityCode}["',} ]`).test(text)) return true;
  const joined = text.replace(STAMP, '').replace(/(?<=\d)[ ./-](?=\d)/g, '');
  for (let start = 0; start + TELLING_DIGITS <= card.length; start += 1) {
    if (joined.includes(card.slice(start, start + TELLING_DIGITS))) return true;
  }
  return false;
}

/** What a reader of the event stream gets who asks for everything that is kept. */
async function streamed(scene: Scene): Promise<string> {
  const stop = new AbortController();
  const { httpUrl } = scene.tacet.listening;
  const response = await fetch(`${httpUrl}/api/v1/events`, {
    headers: { authorization: `Bearer ${scene.tacet.token}`, 'last-event-id': '0' },
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)]),
  });
  const last = scene.tacet.mark;
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('utf8');
    if (text.includes(`id: ${last}\n`)) break;
  }
  stop.abort();
  return text;
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}
