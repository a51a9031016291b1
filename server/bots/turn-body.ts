import { botReply } from '../../flows/bots/reply.js';
import type { BotResult } from '../../flows/commands.js';
import { maskEchoes } from '../connectors/keyed-data.js';
import { plainJson } from '../data-actions/outputs.js';
import type { SecureValue } from '../secure/secure-value.js';
import { botFailed, type Turn } from './bot-service.js';

const DIGITS = Buffer.from(',"digits":"');
const END = Buffer.from('"}');

/** A turn as JSON, cut before its end: what was keyed in secret is only ever in the tail, which is zeroed once it was sent. */
export function turnBody(turn: Turn, secure: SecureValue | null): { head: Buffer; tail: () => Buffer } {
  const head = Buffer.from(JSON.stringify(turn).slice(0, -1));
  if (secure === null) return { head, tail: () => Buffer.from('}') };
  return {
    head,
    tail: () =>
      secure.use('bot-turn', (digits) => {
        const tail = Buffer.from(new ArrayBuffer(DIGITS.length + digits.length + END.length));
        tail.set(DIGITS);
        tail.set(digits, DIGITS.length);
        tail.set(END, DIGITS.length + digits.length);
        return tail;
      }),
  };
}

/** Reads an answer strictly; long digits that it repeats are masked before it becomes text. */
export function readReply(body: Buffer, secure: SecureValue | null): BotResult {
  if (secure && !secure.wiped && secure.length >= 8) maskEchoes(body, new Map([['cardNumber', secure]]));
  const json = plainJson(body);
  const reply = typeof json === 'object' ? botReply(json.value) : null;
  return reply ? { ok: true, reply } : botFailed('bad-answer');
}
