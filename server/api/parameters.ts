import Type from 'typebox';

export const CONVERSATION = '/api/v1/conversations/:id';
export const SECURE_SESSIONS = `${CONVERSATION}/secure-sessions` as const;

export const ATTRIBUTES = `${CONVERSATION}/participants/:participantId/attributes` as const;

/** Room for the longest document that is read, 262,144 characters, in any script. */
export const DOCUMENT_BYTES = 1024 * 1024;

export const FLOWS = '/api/v1/flows';
export const FLOW = `${FLOWS}/:name` as const;

const id = Type.String({ minLength: 1, maxLength: 100, description: 'identifier of the conversation' });

export const ConversationParams = Type.Object({ id });

export const SessionParams = Type.Object({
  id,
  sessionId: Type.String({ minLength: 1, maxLength: 100, description: 'identifier of the secure session' }),
});

export const ParticipantParams = Type.Object({
  id,
  participantId: Type.String({ minLength: 1, maxLength: 100, description: 'identifier of the participant' }),
});

export const FlowParams = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100, description: 'name of the flow' }),
});

export const FlowVersionParams = Type.Object({
  ...FlowParams.properties,
  version: Type.String({ pattern: '^[1-9][0-9]{0,8}$', description: 'number of the version' }),
});
