import Type from 'typebox';
import type { Conversations } from '../../call/conversations.js';
import { SecureSessionRequest, SecureSessionView } from '../../call/views.js';
import type { Logger } from '../../log/logger.js';
import type { Api } from '../api.js';
import { ErrorReply } from '../error-replies.js';
import { ConversationParams, SECURE_SESSIONS, SessionParams } from '../parameters.js';

const tags = ['secure sessions'];
const refusals = { 401: ErrorReply, 404: ErrorReply, 429: ErrorReply };

const Body = Type.Object(SecureSessionRequest.properties, {
  additionalProperties: false,
  examples: [
    {
      flow: 'card-payment',
      invocationData: '{"amount":"49.90","currency":"EUR","reference":"invoice 4711"}',
      sourceParticipantId: 'agent-1',
      disconnect: false,
    },
  ],
});

function start(app: Api, conversations: Conversations, log: Logger): void {
  app.post(
    SECURE_SESSIONS,
    {
      schema: {
        tags,
        summary: 'Start a secure session',
        description:
          'Asks for a secure session in the name of the agent of the conversation. 202 as soon as the request is accepted; ' +
          'the states follow as `secure.state` events.',
        params: ConversationParams,
        body: Body,
        response: {
          202: SecureSessionView,
          400: ErrorReply,
          403: ErrorReply,
          409: ErrorReply,
          413: ErrorReply,
          415: ErrorReply,
          422: ErrorReply,
          503: ErrorReply,
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const session = await conversations.startSecureSession(request.params.id, request.body);
      log.info(
        { by: request.tokenName, conversation: session.conversationId, session: session.id },
        'secure session requested',
      );
      reply.header('location', `${SECURE_SESSIONS.replace(':id', session.conversationId)}/${session.id}`);
      return reply.status(202).send(session);
    },
  );
}

function cancel(app: Api, conversations: Conversations, log: Logger): void {
  app.delete(
    `${SECURE_SESSIONS}/:sessionId`,
    {
      schema: {
        tags,
        summary: 'Cancel a secure session',
        description:
          'The caller returns to the agent after the leaving guard; a flow whose own actions were secure goes to its error path. 202: the session ends as `cancelled` soon.',
        params: SessionParams,
        response: { 202: SecureSessionView, 409: ErrorReply, ...refusals },
      },
    },
    async (request, reply) => {
      const { id, sessionId } = request.params;
      const session = await conversations.cancelSecureSession(id, sessionId);
      log.info(
        { by: request.tokenName, conversation: session.conversationId, session: session.id },
        'secure session cancelled',
      );
      return reply.status(202).send(session);
    },
  );
}

/** Secure sessions of a conversation: start, list, one, cancel (G14). */
export function secureSessionRoutes(app: Api, conversations: Conversations, log: Logger): void {
  start(app, conversations, log);
  app.get(
    SECURE_SESSIONS,
    {
      schema: {
        tags,
        summary: 'List the secure sessions of a conversation',
        params: ConversationParams,
        response: { 200: Type.Object({ secureSessions: Type.Array(SecureSessionView) }), ...refusals },
      },
    },
    (request) => ({ secureSessions: [...conversations.secureSessions(request.params.id)] }),
  );
  app.get(
    `${SECURE_SESSIONS}/:sessionId`,
    {
      schema: {
        tags,
        summary: 'One secure session',
        params: SessionParams,
        response: { 200: SecureSessionView, ...refusals },
      },
    },
    (request) => conversations.secureSession(request.params.id, request.params.sessionId),
  );
  cancel(app, conversations, log);
}
