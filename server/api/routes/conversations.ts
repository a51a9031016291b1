import Type from 'typebox';
import type { Conversations } from '../../call/conversations.js';
import { ConversationView } from '../../call/views.js';
import type { Api } from '../api.js';
import { ErrorReply } from '../error-replies.js';
import { CONVERSATION, ConversationParams } from '../parameters.js';

/** `GET /api/v1/conversations` and one of them. */
export function conversationRoutes(app: Api, conversations: Conversations): void {
  app.get(
    '/api/v1/conversations',
    {
      schema: {
        tags: ['conversations'],
        summary: 'List conversations',
        description: 'Live ones first, then the last ended ones, newest first.',
        response: {
          200: Type.Object({ conversations: Type.Array(ConversationView) }),
          401: ErrorReply,
          429: ErrorReply,
        },
      },
    },
    () => ({ conversations: [...conversations.list()] }),
  );
  app.get(
    CONVERSATION,
    {
      schema: {
        tags: ['conversations'],
        summary: 'One conversation',
        params: ConversationParams,
        response: { 200: ConversationView, 401: ErrorReply, 404: ErrorReply, 429: ErrorReply },
      },
    },
    (request) => conversations.get(request.params.id),
  );
}
