import type { CallFacts, FlowCommand, FlowEvent, FlowNote, PlainValue } from './commands.js';
import type { Flow } from './flow.js';

/** Results of data actions, collects and transfers, by the name expressions know them under. */
export type DataResults = Readonly<Record<string, Readonly<Record<string, PlainValue>>>>;

/** Block, index, block, index, ...: `['tasks.main', 2, 'onDeclined', 0]`. */
export type Position = readonly (string | number)[];

/** How far a loop is. */
export interface LoopTurn {
  /** From 1. */
  readonly turn: number;
  /** The most there will be, by the loop's count; null without one. */
  readonly turns: number | null;
}

/** A loop or a called task that has not come to its end. */
export interface Visit {
  /** The `loop` or `callTask` that the run comes back to. */
  readonly position: Position;
  /** Null for a task. */
  readonly loop: LoopTurn | null;
}

/** Plain data of one action; never a secure value. */
export type ActionMemory = Readonly<Record<string, PlainValue | readonly PlainValue[]>>;

/** What the secure variables of a flow or module are held under by the server. */
export interface SecureNames {
  /** Of one call of a module, so that its variables are no other's; empty for the flow that the run began with. */
  readonly prefix: string;
  /** Variables that hold what another flow or module has collected. */
  readonly handed: Readonly<Record<string, string>>;
}

/** How far a remote bot is that the running action talks with. Nothing keyed in secure mode is in it. */
export interface BotTalk {
  /** From 1. */
  readonly turn: number;
  /** Secure slots that were keyed. */
  readonly filled: readonly string[];
  /** The secure slot that is being keyed; null for digits that go to the bot alone. */
  readonly slot: string | null;
  /** What the bot has found, while its last words are said. */
  readonly found: { readonly intent: string; readonly slots: Readonly<Record<string, string>> } | null;
  /** Why it was given up. */
  readonly failure: string | null;
}

/** A flow or module that runs, with what is its own. */
export interface Frame {
  readonly flow: Flow;
  /** Values of `flow.*`. */
  readonly variables: Readonly<Record<string, PlainValue>>;
  readonly secureNames: SecureNames;
  readonly data: DataResults;
  /** The action that is running; null when the run has ended. */
  readonly position: Position | null;
  /** What the run comes back to, outermost first. */
  readonly visits: readonly Visit[];
  /** What put it on its error path; null while it is on its main path. */
  readonly failure: string | null;
}

/** A frame that waits for the module it called. */
export interface Caller extends Frame {
  /** Variables of this frame by the output that goes into them, as `{last4: 'flow.last4', card: 'secure.card'}`. */
  readonly outputs: Readonly<Record<string, string>>;
  /** What its caller hears prompts in: a module has a language of its own. */
  readonly language: string;
}

/** A run between two events: immutable, and JSON can carry it. It has no place for a secure value. */
export interface FlowState extends Frame {
  readonly call: CallFacts;
  /** What waits for the module that is running, outermost first; empty when none is. */
  readonly callers: readonly Caller[];
  /** The event that answers the outstanding command; null when none can come. */
  readonly awaits: FlowEvent['type'] | null;
  /** Attempt of the running action, from 1. */
  readonly attempt: number;
  /** What the running action keeps from one of its commands to the next; null for most. */
  readonly memory: ActionMemory | null;
  /** The bot that the running action talks with; null when it does not. */
  readonly talk: BotTalk | null;
  /** Actions entered in this run. */
  readonly actions: number;
}

export interface Step {
  readonly state: FlowState;
  /** The actions entered by this step, in order. */
  readonly notes: readonly FlowNote[];
  /** What the server has to do now; null when nothing is left. */
  readonly command: FlowCommand | null;
  /** The command is one of a secure action: it must not be executed but in secure mode. */
  readonly secure: boolean;
}
