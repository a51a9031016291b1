import type { BotResult } from '../../flows/commands.js';
import { exchange } from '../connectors/exchange.js';
import { overwriteStack } from '../connectors/stack.js';
import { agentOf, jsonHeaders } from '../connectors/target.js';
import type { SecureValue } from '../secure/secure-value.js';
import {
  type BotError,
  type BotSession,
  botFailed,
  type TransportOptions,
  type Turn,
} from './bot-service.js';
import { readReply, turnBody } from './turn-body.js';

/** What an exchange without an answer is called in the words of bots. */
const REASONS: Readonly<Record<string, BotError>> = {
  'gateway-unreachable': 'unreachable',
  'connection-lost': 'connection-lost',
  'no-answer': 'timeout',
  'oversized-answer': 'oversized-answer',
  'card-data-gone': 'digits-gone',
  cancelled: 'cancelled',
};

/** Posts each turn. Reads secret and CA file once; throws an Error that says what is wrong, without any secret. */
export function httpTransport({ config, clock, shutdown }: TransportOptions): () => BotSession {
  const url = new URL(config.url);
  const agent = agentOf(url, config.caFile);
  const options = { agent, headers: { ...jsonHeaders(config), 'Content-Type': 'application/json' } };
  const post = async (turn: Turn, secure: SecureValue | null, signal: AbortSignal): Promise<BotResult> => {
    const limitMs = config.timeoutMs;
    const begun = clock.now();
    const result = await exchange({ url, options, ...turnBody(turn, secure), limitMs, clock, signal });
    if (result.kind === 'failed') {
      // The exchange calls a connection that never stood unreachable, whatever time it took.
      const late = result.reason === 'gateway-unreachable' && clock.now() - begun >= limitMs;
      return botFailed(late ? 'timeout' : (REASONS[result.reason] ?? 'connection-lost'));
    }
    const { http, body } = result.answer;
    try {
      return http >= 200 && http < 300 ? readReply(body, secure) : botFailed(`http-${http}`);
    } finally {
      body.fill(0);
      if (secure) await overwriteStack();
    }
  };
  return () => ({
    turn: post,
    end: (turn) => void post(turn, null, shutdown),
    close: () => {},
  });
}
