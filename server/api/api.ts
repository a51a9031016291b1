import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import type { Registry } from 'prom-client';
import type { Conversations } from '../call/conversations.js';
import type { CallEvents } from '../call/events.js';
import { ERRORS } from '../errors.js';
import type { FlowPublishing } from '../flows/flow-publishing.js';
import type { FlowStore } from '../flows/flow-store.js';
import type { Flows } from '../flows/published-flows.js';
import type { Logger } from '../log/logger.js';
import { authenticate } from './authenticate.js';
import { errorReply, refuseGarbage, shapeErrors } from './error-replies.js';
import { FailedAttempts } from './failed-attempts.js';
import type { FlowChecker } from './flow-checker.js';
import { flowPermission } from './flow-permission.js';
import { describeApi } from './openapi.js';
import { captureRoute } from './routes/capture.js';
import { conversationRoutes } from './routes/conversations.js';
import { eventRoute, type StreamLimits } from './routes/events.js';
import { flowDraftRoutes } from './routes/flow-drafts.js';
import { flowValidationRoute } from './routes/flow-validation.js';
import { flowVersionRoutes } from './routes/flow-versions.js';
import { flowRoutes } from './routes/flows.js';
import { healthRoutes, type Readiness } from './routes/health.js';
import { metricsRoute } from './routes/metrics.js';
import { secureSessionRoutes } from './routes/secure-sessions.js';
import type { TokenStore } from './tokens.js';

/** The application as routes see it: schemas give the types of requests. */
export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface ApiDependencies {
  readonly conversations: Conversations;
  readonly events: CallEvents;
  readonly flows: Flows;
  readonly flowStore: FlowStore;
  readonly flowPublishing: FlowPublishing;
  readonly flowChecker: FlowChecker;
  readonly tokens: TokenStore;
  readonly health: { ready(): Readiness };
  readonly metrics: Registry;
  readonly log: Logger;
  /** Milliseconds; default the system's clock. Locks of addresses are measured by it. */
  readonly now?: () => number;
  /** Default: a heartbeat every 15 s, 256 KiB unread. */
  readonly streams?: StreamLimits;
}

const BODY_BYTES = 16 * 1024;
const REQUEST_MS = 10_000;
/** After `close()`, requests under way have this long; then every connection is cut. */
const CLOSE_MS = 500;
const STREAMS: StreamLimits = { heartbeatMs: 15_000, maxUnreadBytes: 256 * 1024 };

function bareServer(log: Logger): Api {
  return Fastify({
    loggerInstance: log as FastifyBaseLogger,
    // Fastify's own lines hold the whole URL; `logRequests` writes the route instead.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    clientErrorHandler: refuseGarbage,
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      const code = error.code === 'FST_ERR_MAX_PARAM_LENGTH' ? 'not-found' : 'bad-request';
      reply.status(ERRORS[code].http).send(errorReply(code, ERRORS[code].text));
    },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, discriminator: true } },
  });
}

/** One line a request: never a header, a body, a query, or the path as it was written. */
function logRequests(app: Api, log: Logger): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, tokenName, ip, routeOptions } = request;
    const route = routeOptions.url ?? null;
    const ms = Math.round(reply.elapsedTime);
    const fields = { method, route, status: reply.statusCode, ms, by: tokenName, address: ip };
    // Probes and scrapers come every few seconds.
    if (tokenName === null && reply.statusCode === 200) log.debug(fields, 'request');
    else log.info(fields, 'request');
  });
}

/** Node closes idle connections only: one that never sent a request, or half of one, would hold the server up. */
function boundClosing(app: Api): void {
  app.addHook('preClose', async () => {
    setTimeout(() => app.server.closeAllConnections(), CLOSE_MS).unref();
  });
}

function addFlowRoutes(app: Api, dependencies: ApiDependencies): void {
  const { flows, flowChecker, flowStore: store, flowPublishing: publishing, tokens } = dependencies;
  const permit = flowPermission(tokens);
  flowRoutes(app, flows, permit);
  flowValidationRoute(app, flowChecker, permit);
  flowDraftRoutes(app, { store, publishing, permit });
  flowVersionRoutes(app, { store, publishing, permit });
}

/**
 * The HTTP API, ready to listen. Everything but `/healthz`, `/readyz` and `/docs` needs a bearer token; every
 * refusal has the shape of ErrorReply. `close()` ends the open event streams
 * and resolves within about half a second.
 */
export async function createApi(dependencies: ApiDependencies): Promise<Api> {
  const { conversations, events, tokens, health, metrics } = dependencies;
  const log = dependencies.log.child({ part: 'http' });
  const app = bareServer(log);
  // Only JSON is taken; Fastify would also read text/plain.
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('tokenName', null);
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
  app.addHook('onRequest', authenticate(tokens, new FailedAttempts(dependencies.now), log));
  logRequests(app, log);
  shapeErrors(app, log);
  await describeApi(app);
  healthRoutes(app, () => health.ready());
  metricsRoute(app, metrics);
  conversationRoutes(app, conversations, log);
  secureSessionRoutes(app, conversations, log);
  captureRoute(app, conversations, log);
  addFlowRoutes(app, dependencies);
  eventRoute(app, events, conversations, dependencies.streams ?? STREAMS);
  boundClosing(app);
  await app.ready();
  return app;
}
