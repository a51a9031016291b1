import type { DataResult, FlowEvent, PlainValue } from '../../flows/commands.js';
import type { CalendarDay } from '../../flows/fields/date.js';
import type { BotAnswer } from './bots.js';
import type { DataAnswer } from './data-service.js';

/** What the flow meets, beside the caller. */
export interface Scenario {
  readonly from: string;
  readonly to: string;
  /** What the agent hands to the secure flow that the simulation begins with. */
  readonly invocationData: string;
  /** The day that cards and dates are judged on. */
  readonly today: CalendarDay;
  /** Answers of the gateway in turn; the sandbox answers what is left. */
  readonly gateway: readonly DataResult[];
  /** Answers of data actions in turn; whoever calls gives what is left. */
  readonly dataActions: readonly DataAnswer[];
  /** Answers of remote bots in turn; after them none can be reached. */
  readonly bots: readonly BotAnswer[];
  /** What comes of ringing an agent, in turn; the last one stands for all that follow. */
  readonly agents: readonly AgentResult[];
  /** What comes of calling a number, in the same way. */
  readonly numbers: readonly NumberResult[];
  /** What the caller's attributes are when the call begins. */
  readonly attributes: Readonly<Record<string, PlainValue>>;
  /** The shields cannot be engaged: secure sessions are refused. */
  readonly refusesSecure: boolean;
}

export const AGENT_RESULTS = ['answered', 'no-answer', 'no-agent'] as const;
export type AgentResult = (typeof AGENT_RESULTS)[number];

export const NUMBER_RESULTS = [
  'answered',
  'no-answer',
  'busy',
  'not-connected',
  'number-not-allowed',
] as const;
export type NumberResult = (typeof NUMBER_RESULTS)[number];

/** What a flow is told of a transfer that did not come about. */
export function transferFailed(error: string, message: string): FlowEvent {
  return { type: 'transferFailed', error, message };
}
