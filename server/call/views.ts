import Type, { type Static } from 'typebox';
import { IDENTIFIER } from '../../flows/actions/fields.js';
import { LONGEST_TEXT, MOST_ENTRIES } from '../../flows/plain-data.js';

/** What the API shows of calls. Schemas and types in one; none has a place for a secure value. */

const PlainData = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);

/** Calls stay on the version they began with. */
const FlowVersion = Type.Union([Type.Integer(), Type.Null()], {
  description: 'its published version; null: the flow is that of a file',
});

export const ParticipantView = Type.Object({
  id: Type.String({ description: 'unique within the conversation' }),
  role: Type.Union([Type.Literal('customer'), Type.Literal('agent'), Type.Literal('external')], {
    description: 'external: somebody beyond a trunk',
  }),
  /** The agent's identifier; null for everybody else. */
  agentId: Type.Union([Type.String(), Type.Null()]),
  state: Type.Union([
    Type.Literal('ringing'),
    Type.Literal('connected'),
    Type.Literal('parked'),
    Type.Literal('ended'),
  ]),
  address: Type.String({ description: 'SIP address of record' }),
  attributes: Type.Record(Type.String(), PlainData, {
    description: 'plain data by name, from flows and from this API',
  }),
});
export type ParticipantView = Static<typeof ParticipantView>;

export const SECURE_STATES = ['requested', 'shielding', 'active', 'unshielding', 'ended'] as const;
export type SecureState = (typeof SECURE_STATES)[number];

/** Why a secure session is over. A closed list: it feeds events, metrics and logs. */
export const SECURE_ENDS = [
  'returned',
  'completed',
  'transferred',
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
  flowVersion: FlowVersion,
  state: Type.Enum(SECURE_STATES),
  sourceParticipantId: Type.Union([Type.String(), Type.Null()], {
    description: 'the agent who started it; null when a flow did',
  }),
  disconnect: Type.Boolean({ description: 'the agent was dropped at the start' }),
  shields: Type.Array(Type.String(), { description: 'engaged now, in order of engagement' }),
  end: Type.Union([Type.Enum(SECURE_ENDS), Type.Null()]),
  reason: Type.Union([Type.String(), Type.Null()], { description: 'why it was refused or failed' }),
  result: Type.Record(Type.String(), PlainData, {
    description: 'plain data for the agent script, as the flow returned it',
  }),
  reconciled: Type.Array(
    Type.Object({
      idempotencyKey: Type.String(),
      status: Type.Enum(['approved', 'declined', 'unknown']),
      at: Type.String({ format: 'date-time' }),
    }),
    { description: 'what the gateway said afterwards of charges in doubt' },
  ),
  startedAt: Type.String({ format: 'date-time' }),
  endedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
});
export type SecureSessionView = Static<typeof SecureSessionView>;

/** Why a conversation is over. A closed list: it feeds events, metrics and logs. */
export const CALL_ENDS = [
  'customer-hung-up',
  'agent-hung-up',
  'external-hung-up',
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
    Type.Literal('ringing-external'),
    Type.Literal('talking'),
    Type.Literal('secure'),
    Type.Literal('ended'),
  ]),
  from: Type.String(),
  to: Type.String(),
  flow: Type.String({ description: 'the inbound flow that answered' }),
  flowVersion: FlowVersion,
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

export const AttributeChanges = Type.Object(
  {
    attributes: Type.Record(Type.String({ pattern: IDENTIFIER }), PlainData, {
      additionalProperties: false,
      minProperties: 1,
      maxProperties: MOST_ENTRIES,
      description: `values by name; null removes one; a text has at most ${LONGEST_TEXT} characters`,
    }),
  },
  { additionalProperties: false },
);
export type AttributeChanges = Static<typeof AttributeChanges>;
