import type { onRequestHookHandler } from 'fastify';
import { TacetError } from '../errors.js';
import type { FlowRight, TokenStore } from './tokens.js';

/** A hook of a route, after authentication. Throws TacetError `not-permitted`. */
export type Permit = (needed: FlowRight) => onRequestHookHandler;

export function flowPermission(tokens: Pick<TokenStore, 'mayFlows'>): Permit {
  return (needed) => async (request) => {
    if (tokens.mayFlows(request.tokenName, needed)) return;
    throw new TacetError('not-permitted', `it needs flows: ${needed} (http.tokens)`);
  };
}
