import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { TacetError } from '../errors.js';
import type { Logger } from '../log/logger.js';
import { ATTEMPTS, type FailedAttempts } from './failed-attempts.js';
import type { TokenStore } from './tokens.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the token the request came with; null on the open routes. */
    tokenName: string | null;
  }
}

/** Routes that show no data. Everything else needs a token, also a route added later. */
const OPEN = /^(\/healthz|\/readyz|\/docs(\/.*)?)$/;

/** Judged by the route that matched, never by the text of the URL, which can be spelled in many ways. */
function isOpen(request: FastifyRequest): boolean {
  const route = request.routeOptions.url;
  return route === undefined ? !request.url.startsWith('/api/') : OPEN.test(route);
}

const presented = (header: string | undefined): string | null =>
  /^Bearer +([\x21-\x7e]{1,512})$/i.exec(header ?? '')?.[1] ?? null;

/** A hook that lets a request pass, or throws TacetError `unauthorized` or `too-many-failures`. */
export function authenticate(
  tokens: TokenStore,
  attempts: FailedAttempts,
  log: Logger,
): onRequestHookHandler {
  const refuse = (request: FastifyRequest, reply: FastifyReply): never => {
    attempts.failed(request.ip);
    const locked = attempts.lockedFor(request.ip) > 0;
    log.warn({ address: request.ip, locked }, 'a request came with a token that is not valid');
    reply.header('www-authenticate', 'Bearer realm="tacet", error="invalid_token"');
    throw new TacetError('unauthorized');
  };
  return async (request, reply) => {
    request.tokenName = null;
    if (isOpen(request)) return;
    if (request.headers.authorization === undefined) {
      reply.header('www-authenticate', 'Bearer realm="tacet"');
      throw new TacetError('unauthorized', 'send the header Authorization: Bearer <token>');
    }
    const token = presented(request.headers.authorization);
    const name = token === null ? null : tokens.verify(token);
    const lockedMs = attempts.lockedFor(request.ip);
    if (lockedMs > 0 && (name === null || !attempts.proven(request.ip, name))) {
      const seconds = Math.ceil(lockedMs / 1000);
      reply.header('retry-after', seconds);
      throw new TacetError('too-many-failures', `${ATTEMPTS} in a row; wait ${seconds} seconds`);
    }
    if (name === null) return refuse(request, reply);
    attempts.succeeded(request.ip, name);
    request.tokenName = name;
  };
}
