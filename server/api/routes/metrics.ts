import type { Registry } from 'prom-client';
import Type from 'typebox';
import type { Api } from '../api.js';
import { ErrorReply } from '../error-replies.js';

/** `GET /metrics` for Prometheus. */
export function metricsRoute(app: Api, registry: Registry): void {
  app.get(
    '/metrics',
    {
      schema: {
        tags: ['operations'],
        summary: 'Metrics',
        description: 'Prometheus text format. Needs a token: give it to the scraper as `authorization`.',
        produces: ['text/plain'],
        response: { 200: Type.String(), 401: ErrorReply, 429: ErrorReply },
      },
    },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}
