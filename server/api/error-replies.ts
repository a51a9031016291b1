import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FastifySchemaValidationError } from 'fastify/types/schema.js';
import Type, { type Static } from 'typebox';
import { ERRORS, type ErrorCode, TacetError } from '../errors.js';
import type { Logger } from '../log/logger.js';
import { scrubText } from '../log/scrub.js';

/** One thing wrong in a flow document. */
export const Problem = Type.Object({
  line: Type.Integer({ description: 'from 1' }),
  column: Type.Integer({ description: 'from 1' }),
  message: Type.String(),
  remedy: Type.String({ description: 'what to do about it' }),
});

/** The one shape of every error. Holds nothing of the request: what came in might be card digits. */
export const ErrorReply = Type.Object(
  {
    error: Type.Object({
      code: Type.Enum(Object.keys(ERRORS) as ErrorCode[]),
      message: Type.String({ description: 'what is wrong and what to do, for people' }),
      field: Type.Optional(Type.String({ description: 'the part of the request that is at fault' })),
      problems: Type.Optional(Type.Array(Problem, { description: 'of a flow document' })),
      neededBy: Type.Optional(Type.Array(Type.String(), { description: 'what stands in the way' })),
    }),
  },
  {
    description: 'the request was refused',
    examples: [{ error: { code: 'conversation-not-found', message: 'no such conversation' } }],
  },
);
export type ErrorReply = Static<typeof ErrorReply>;

export function errorReply(code: ErrorCode, message: string, field?: string): ErrorReply {
  return { error: { code, message: scrubText(message), ...(field === undefined ? {} : { field }) } };
}

const PARTS: Readonly<Record<string, string>> = { querystring: 'query', params: 'path' };

/** What is wrong with a part of the request, from ajv's verdict; never a value, nor a key we do not know. */
function explain(
  { keyword, instancePath, params, message }: FastifySchemaValidationError,
  part: string,
): { readonly field: string; readonly message: string } {
  // Below the first there are names that the client chose.
  const path = instancePath.split('/').slice(1, 2);
  if (keyword === 'required') path.push(String(params.missingProperty));
  if (keyword === 'discriminator') path.push(String(params.tag));
  // Fields of the body go by their own name, others by their part of the request first.
  const field = [...(part === 'body' && path.length > 0 ? [] : [PARTS[part] ?? part]), ...path].join('.');
  if (keyword === 'required') return { field, message: `${field} is missing: add it` };
  if (keyword === 'discriminator')
    return { field, message: `${field} has no value that is known (see /docs)` };
  if (keyword === 'additionalProperties') {
    return { field, message: `${field} has a property that is not known: remove it (see /docs)` };
  }
  return { field, message: `${field} ${message ?? 'is not valid'}` };
}

/** Fastify's own refusals, by its codes. */
const OWN: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', ERRORS['unsupported-media-type'].text],
  FST_ERR_CTP_BODY_TOO_LARGE: [
    'too-large',
    'the body may have at most 16 KiB, with a flow document in it 1 MiB',
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['bad-request', 'the body is empty: send JSON, or no content-type'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad-request', 'content-length does not fit the body'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['bad-request', 'the body is not valid JSON'],
  FST_ERR_MAX_PARAM_LENGTH: ['not-found', 'an identifier has at most 100 characters'],
  FST_ERR_BAD_URL: ['bad-request', 'the path is not validly encoded'],
};

function answer(error: FastifyError | TacetError, reply: FastifyReply, log: Logger): ErrorReply {
  if (error instanceof TacetError) {
    reply.status(error.httpStatus);
    const { problems, neededBy } = error.parts;
    const { error: reason } = errorReply(error.code, error.message);
    return {
      error: {
        ...reason,
        ...(problems ? { problems: [...problems] } : {}),
        ...(neededBy ? { neededBy: [...neededBy] } : {}),
      },
    };
  }
  const [first] = error.validation ?? [];
  if (first !== undefined) {
    const { field, message } = explain(first, error.validationContext ?? 'request');
    reply.status(400);
    return errorReply('bad-request', `${ERRORS['bad-request'].text}: ${message}`, field);
  }
  const [code, text] =
    OWN[error.code] ?? (error.statusCode === 400 ? OWN.FST_ERR_CTP_INVALID_JSON_BODY : null) ?? [];
  if (code !== undefined && text !== undefined) {
    reply.status(ERRORS[code].http);
    return errorReply(code, text);
  }
  log.error({ err: error }, 'a request failed');
  reply.status(500);
  return errorReply('internal', ERRORS.internal.text);
}

interface Pattern {
  readonly expression: RegExp;
  readonly methods: Set<string>;
}

/** `/a/:id/*` as an expression over paths. */
function expressionOf(route: string): RegExp {
  const parts = route.split('/').map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}

/** Answers what no route takes: 404, or 405 and OPTIONS with the methods that the path has. */
function answerUnrouted(app: FastifyInstance): void {
  const patterns = new Map<string, Pattern>();
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = patterns.get(url) ?? { expression: expressionOf(url), methods: new Set(['OPTIONS']) };
    for (const one of [method].flat()) pattern.methods.add(one);
    patterns.set(url, pattern);
  });
  const allowed = (request: FastifyRequest): string[] => {
    const path = request.url.split('?')[0] ?? '';
    const matching = [...patterns.values()].filter(({ expression }) => expression.test(path));
    return [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort();
  };
  app.setNotFoundHandler((request, reply) => {
    const methods = allowed(request);
    if (methods.length === 0) throw new TacetError('not-found', 'the API is described at /docs');
    reply.header('allow', methods.join(', '));
    if (request.method === 'OPTIONS') return reply.status(204).send();
    throw new TacetError('method-not-allowed', `it takes ${methods.join(', ')}`);
  });
}

/** Gives every refusal the one shape. To be called before any route is added. */
export function shapeErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error: FastifyError | TacetError, _request, reply) => {
    reply.send(answer(error, reply, log));
  });
  answerUnrouted(app);
}

/** Answers bytes that are not HTTP; the connection is then closed. */
export function refuseGarbage(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const body = JSON.stringify(errorReply('bad-request', ERRORS['bad-request'].text));
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}
