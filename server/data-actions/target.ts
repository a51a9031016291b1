import type { RequestOptions } from 'node:https';
import type { DataActionConfig } from '../../config/data-action.js';
import type { PlainValue } from '../../flows/commands.js';
import { agentOf, jsonHeaders } from '../connectors/target.js';
import type { DataRequest } from './data-action.js';

/** What of one call goes out. */
export interface Outgoing {
  readonly url: URL;
  readonly options: RequestOptions;
  readonly body: string | null;
}

/**
 * How requests are made of a configuration. Reads the referenced secret and the CA file once. Throws an Error that says
 * what is wrong with the configuration and never holds a secret.
 */
export function outgoing(config: DataActionConfig): (request: DataRequest) => Outgoing {
  const target = new URL(config.url);
  const agent = agentOf(target, config.caFile);
  const isPost = config.method === 'POST';
  const fixed = { ...jsonHeaders(config), ...(isPost && { 'Content-Type': 'application/json' }) };
  return ({ inputs, idempotencyKey }) => {
    const body = isPost ? JSON.stringify(inputs) : null;
    const headers = {
      ...fixed,
      ...(config.idempotencyKey && { 'Idempotency-Key': idempotencyKey }),
      ...(body !== null && { 'Content-Length': Buffer.byteLength(body) }),
    };
    const url = isPost ? target : withQuery(target, inputs);
    return { url, body, options: { agent, method: config.method, headers } };
  };
}

/** Inputs that are null are left out. */
function withQuery(target: URL, inputs: Readonly<Record<string, PlainValue>>): URL {
  const url = new URL(target);
  for (const [name, value] of Object.entries(inputs)) {
    if (value !== null) url.searchParams.append(name, String(value));
  }
  return url;
}
