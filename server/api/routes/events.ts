import Type from 'typebox';
import type { Conversations } from '../../call/conversations.js';
import type { CallEvents } from '../../call/events.js';
import type { Api } from '../api.js';
import { ErrorReply } from '../error-replies.js';
import { type StreamOptions, streamEvents } from '../event-stream.js';

export type StreamLimits = Pick<StreamOptions, 'heartbeatMs' | 'maxUnreadBytes'>;

const Query = Type.Object(
  {
    conversation: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'only events of this conversation' }),
    ),
  },
  { additionalProperties: false },
);

const Headers = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      pattern: '^[0-9]{1,15}$',
      description: 'number of the last event seen; what came after it is sent first',
    }),
  ),
});

const DESCRIPTION = `Server-sent events: \`id\` is the event's number, \`event\` its type, \`data\` JSON with \`seq\`, \`at\`,
\`conversationId\`, \`type\` and the fields of that type. The last 1,000 events are kept: a reader that comes back with
\`Last-Event-ID\` misses none, or first gets \`events.lost\`. A reader that is too slow is cut.`;

/** `GET /api/v1/events`. Open streams end when the server closes. */
export function eventRoute(
  app: Api,
  events: CallEvents,
  conversations: Pick<Conversations, 'get'>,
  limits: StreamLimits,
): void {
  const open = new Set<() => void>();
  app.addHook('preClose', async () => {
    for (const end of open) end();
  });
  app.get(
    '/api/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        tags: ['events'],
        summary: 'Events as they happen',
        description: DESCRIPTION,
        produces: ['text/event-stream'],
        querystring: Query,
        headers: Headers,
        response: { 200: Type.String(), 400: ErrorReply, 401: ErrorReply, 404: ErrorReply, 429: ErrorReply },
      },
    },
    (request, reply) => {
      const conversation = request.query.conversation ?? null;
      if (conversation !== null) conversations.get(conversation);
      const last = request.headers['last-event-id'];
      reply.hijack();
      const after = last === undefined ? null : Number(last);
      const end = streamEvents(reply.raw, events, { ...limits, after, conversation });
      open.add(end);
      reply.raw.once('close', () => open.delete(end));
    },
  );
}
