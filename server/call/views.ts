import Type, { type Static } from 'typebox';

/** What the API shows of calls. Schemas and types in one; none has a place for a secure value. */

export const ParticipantView = Type.Object({
  id: Type.String({ description: 'unique within the conversation' }),
  role: Type.Union([Type.Literal('customer'), Type.Literal('agent')]),
  /** The agent's identifier; null for the customer. */
  agentId: Type.Union([Type.String(), Type.Null()]),
  state: Type.Union([
    Type.Literal('ringing'),
    Type.Literal('connected'),
    Type.Literal('parked'),
    Type.Literal('ended'),
  ]),
  address: Type.String({ description: 'SIP address of record' }),
});
export type ParticipantView = Static<typeof ParticipantView>;

export const SECURE_STATES = ['requested', 'shielding', 'active', 'unshielding', 'ended'] as const;
export type SecureState = (typeof SECURE_STATES)[number];

/** Why a secure session is over. A closed list: it feeds events, metrics and logs. */
export const SECURE_ENDS = [
  'returned',
  'completed',
  'disconnected',
  'cancelled',
  'customer-hung-up',
  'agent-gone',
  'shield-failed',
  'flow-error',
  'shutdown',
] as const;
export type SecureEnd = (typeof SECURE_ENDS)[number];

export const SecureSessionView = Type.Object({
  id: Type.String(),
  conversationId: Type.String(),
  flow: Type.String(),
  state: Type.Enum(SECURE_STATES),
  sourceParticipantId: Type.Union([Type.String(), Type.Null()], {
    description: 'the agent who started it; null when a flow did',
  }),
  disconnect: Type.Boolean({ description: 'the agent was dropped at the start' }),
  shields: Type.Array(Type.String(), { description: 'engaged now, in order of engagement' }),
  end: Type.Union([Type.Enum(SECURE_ENDS), Type.Null()]),
  reason: Type.Union([Type.String(), Type.Null()], { description: 'why it was refused or failed' }),
  result: Type.Record(
    Type.String(),
    Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
    {
      description: 'plain data for the agent script, as the flow returned it',
    },
  ),
  startedAt: Type.String({ format: 'date-time' }),
  endedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
});
export type SecureSessionView = Static<typeof SecureSessionView>;

/** Why a conversation is over. A closed list: it feeds events, metrics and logs. */
export const CALL_ENDS = [
  'customer-hung-up',
  'agent-hung-up',
  'flow-disconnected',
  'flow-error',
  'agent-gone',
  'media-failed',
  'signalling-failed',
  'media-timeout',
  'shutdown',
] as const;
export type CallEnd = (typeof CALL_ENDS)[number];

export const ConversationView = Type.Object({
  id: Type.String(),
  state: Type.Union([
    Type.Literal('ivr'),
    Type.Literal('ringing-agent'),
    Type.Literal('talking'),
    Type.Literal('secure'),
    Type.Literal('ended'),
  ]),
  from: Type.String(),
  to: Type.String(),
  flow: Type.String({ description: 'the inbound flow that answered' }),
  participants: Type.Array(ParticipantView),
  secureSessions: Type.Array(SecureSessionView),
  end: Type.Union([Type.Enum(CALL_ENDS), Type.Null()]),
  startedAt: Type.String({ format: 'date-time' }),
  endedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
});
export type ConversationView = Static<typeof ConversationView>;

export const SecureSessionRequest = Type.Object(
  {
    flow: Type.String({ minLength: 1, maxLength: 100, description: 'name of a secure flow' }),
    invocationData: Type.Optional(
      Type.String({ maxLength: 4096, description: 'handed to the flow; must not hold sensitive data' }),
    ),
    sourceParticipantId: Type.String({ minLength: 1, maxLength: 100, description: 'the agent who asks' }),
    disconnect: Type.Optional(
      Type.Boolean({ default: false, description: 'drop the agent instead of parking the agent leg' }),
    ),
  },
  { additionalProperties: false },
);
export type SecureSessionRequest = Static<typeof SecureSessionRequest>;
