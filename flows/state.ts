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

/** A run between two events: immutable, and JSON can carry it. It has no place for a secure value. */
export interface FlowState {
  readonly flow: Flow;
  readonly call: CallFacts;
  /** Values of `flow.*`. */
  readonly variables: Readonly<Record<string, PlainValue>>;
  readonly data: DataResults;
  /** The action that is running; null when the run has ended. */
  readonly position: Position | null;
  /** What the run comes back to, outermost first. */
  readonly visits: readonly Visit[];
  /** The event that answers the outstanding command; null when none can come. */
  readonly awaits: FlowEvent['type'] | null;
  /** Attempt of the running action, from 1. */
  readonly attempt: number;
  /** Actions entered in this run. */
  readonly actions: number;
  /** What put the run on its error path; null while it is on its main path. */
  readonly failure: string | null;
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
