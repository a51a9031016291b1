import Type from 'typebox';
import type { Conversations } from '../../call/conversations.js';
import { AttributeChanges, ConversationView, ParticipantView } from '../../call/views.js';
import type { Logger } from '../../log/logger.js';
import type { Api } from '../api.js';
import { ErrorReply } from '../error-replies.js';
import { ATTRIBUTES, CONVERSATION, ConversationParams, ParticipantParams } from '../parameters.js';

const Body = Type.Object(AttributeChanges.properties, {
  additionalProperties: false,
  examples: [{ attributes: { customer: '4711', vip: true } }],
});

function setAttributes(app: Api, conversations: Conversations, log: Logger): void {
  app.patch(
    ATTRIBUTES,
    {
      schema: {
        tags: ['conversations'],
        summary: 'Set attributes of a participant',
        description:
          'Those that are not named stay as they are. Must not hold sensitive data: it is shown to whoever may read the ' +
          'conversation. Refused while a secure session lasts.',
        params: ParticipantParams,
        body: Body,
        response: {
          200: ParticipantView,
          400: ErrorReply,
          401: ErrorReply,
          404: ErrorReply,
          409: ErrorReply,
          413: ErrorReply,
          415: ErrorReply,
          429: ErrorReply,
        },
      },
    },
    (request) => {
      const { id, participantId } = request.params;
      const participant = conversations.setAttributes(id, participantId, request.body);
      log.info({ by: request.tokenName, conversation: id, participant: participant.id }, 'attributes set');
      return participant;
    },
  );
}

/** `GET /api/v1/conversations`, one of them, and the attributes of its participants. */
export function conversationRoutes(app: Api, conversations: Conversations, log: Logger): void {
  setAttributes(app, conversations, log);
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
