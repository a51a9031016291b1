import Type from 'typebox';
import type { Api } from '../api.js';

export interface Readiness {
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

const Ready = Type.Object(
  {
    ok: Type.Boolean({ description: 'calls are taken' }),
    checks: Type.Record(
      Type.String(),
      Type.Object({ ok: Type.Boolean(), detail: Type.Optional(Type.String()) }),
      { description: 'one entry for each part that calls need' },
    ),
  },
  { examples: [{ ok: true, checks: { sip: { ok: true }, media: { ok: true } } }] },
);

/** `GET /healthz`: the process answers. `GET /readyz`: it takes calls. Both without a token. */
export function healthRoutes(app: Api, ready: () => Readiness): void {
  app.get(
    '/healthz',
    {
      schema: {
        tags: ['operations'],
        summary: 'Alive',
        description: 'Answers while the process runs. No token.',
        security: [],
        response: { 200: Type.Object({ ok: Type.Boolean() }, { examples: [{ ok: true }] }) },
      },
    },
    () => ({ ok: true }),
  );
  app.get(
    '/readyz',
    {
      schema: {
        tags: ['operations'],
        summary: 'Ready for calls',
        description:
          '200 while SIP and media are connected and the server does not drain, else 503. No token.',
        security: [],
        response: { 200: Ready, 503: Ready },
      },
    },
    (_request, reply) => {
      const readiness = ready();
      reply.status(readiness.ok ? 200 : 503);
      return { ok: readiness.ok, checks: { ...readiness.checks } };
    },
  );
}
