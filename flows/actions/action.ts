import type { Static, TObject } from 'typebox';
import type { AudioItem, FieldKind, FlowCommand, FlowEvent, PlainValue } from '../commands.js';
import type { ExpressionSource } from '../expressions/evaluate.js';
import type { Action, Flow, FlowType } from '../flow.js';
import type { BlockPattern } from '../nested-blocks.js';
import type { Prompt } from '../prompt.js';
import type { ActionMemory, BotTalk, LoopTurn } from '../state.js';

/** What an action may change on its way: values of `flow.*`, whole results under `data.*`, and the language. */
export interface Changes {
  readonly variables?: Readonly<Record<string, PlainValue>>;
  readonly data?: Readonly<Record<string, Readonly<Record<string, PlainValue>>>>;
  /** The language from now on, one of those that the flow declares. */
  readonly language?: string;
}

export interface ModuleCall {
  readonly module: string;
  readonly inputs: Readonly<Record<string, PlainValue>>;
  /** Names of the caller's secure variables by input. */
  readonly secureInputs: Readonly<Record<string, string>>;
  /** Variables of the caller by output, as `flow.x` or `secure.x`. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** What an action decided. */
export type Outcome =
  /** Have the server do this and wait for its answer. */
  | {
      readonly kind: 'wait';
      readonly command: FlowCommand;
      readonly attempt?: number;
      readonly memory?: ActionMemory;
      readonly talk?: BotTalk;
    }
  /** Go on after this action. */
  | ({ readonly kind: 'next' } & Changes)
  /** Take this path out of the action; without such a path in the document the run fails with `reason`. */
  | ({ readonly kind: 'path'; readonly block: string; readonly reason: string } & Changes)
  /** Run this task, then go on after this action. */
  | ({ readonly kind: 'task'; readonly task: string } & Changes)
  /** Run this module or local bot with these inputs; when it has come to its end, put its outputs here and go on. */
  | ({ readonly kind: 'module' } & ModuleCall)
  /** Take this path out of the action and come back to it, with `loop` as the run's. */
  | ({ readonly kind: 'turn'; readonly block: string; readonly loop: LoopTurn } & Changes)
  /** Leave the innermost loop, or end its turn. */
  | ({ readonly kind: 'exitLoop' | 'nextLoop' } & Changes)
  /** The run is over with this command. */
  | { readonly kind: 'end'; readonly command: FlowCommand };

/** How a module or local bot came back. */
export type Back =
  /** Every plain variable of it. */
  | { readonly ok: true; readonly values: Readonly<Record<string, PlainValue>> }
  | { readonly ok: false; readonly reason: string; readonly message: string };

/** What a running action can see. The three readers throw ExpressionError. */
export interface Run {
  readonly action: Action;
  readonly flow: Flow;
  /** The run began with a flow of type secure, whatever module it is in. */
  readonly secure: boolean;
  /** From 1. */
  readonly attempt: number;
  /** The turn that the run comes back from; null when it enters the action anew. */
  readonly loop: LoopTurn | null;
  /** What the action kept when it waited last; null when it enters. */
  readonly memory: ActionMemory | null;
  /** What prompts are heard in. */
  readonly language: string;
  /** The remote bot that the action talks with. */
  readonly talk: BotTalk | null;
  /** Unique for this entry of this action in this run. */
  readonly occurrence: string;
  /** A module or bot that the run can come to; null when there is none of this name. */
  callee(name: string): Flow | null;
  evaluate(source: ExpressionSource): PlainValue;
  text(template: string): string;
  /** `data`: results that the prompt may use though the action has not come to its end. */
  audio(prompt: Prompt | undefined, data?: Changes['data']): readonly AudioItem[];
}

export type ResultType = 'bool' | 'string' | 'number' | 'any';

/** Something outside its document that an action names, and that must exist before a call needs it. */
export interface Use {
  readonly kind: 'flow' | 'connector' | 'dataAction' | 'agent' | 'queue' | 'trunk';
  readonly name: string;
  /** The key of the action that has the name. */
  readonly key: string;
  /** The types that a flow may be of. */
  readonly types?: readonly FlowType[];
}

/** What the loader gives an action to check its fields with. Keys are relative to the action. */
export interface ActionCheck {
  readonly flowType: FlowType;
  /** Those that the flow declares. */
  readonly languages: readonly string[];
  /** What each secure variable is collected as somewhere in the flow. */
  readonly collected: ReadonlyMap<string, ReadonlySet<FieldKind>>;
  problem(key: readonly (string | number)[], message: string, remedy: string): void;
  /** Returns what the expression is as far as that is known (`any` else), or null after a problem. */
  expression(
    key: readonly (string | number)[],
    source: ExpressionSource,
    result: ResultType,
  ): ResultType | null;
  template(key: readonly (string | number)[], text: string): void;
  /** Checks that a length of time lies between two, both in ms. */
  duration(key: readonly (string | number)[], text: string | undefined, least: number, most: number): void;
  prompt(key: readonly (string | number)[], prompt: Prompt | undefined): void;
  /** What is known of a module or bot; null after a problem, or when other documents are not looked at. */
  callee(
    type: 'module' | 'bot',
    key: readonly (string | number)[],
    name: string,
  ): Pick<Flow, 'inputs' | 'outputs' | 'bot'> | null;
  /** Checks that there is a task of this name to be called. */
  task(key: readonly (string | number)[], name: string): void;
  /** Checks a target like `flow.amount`; returns its type, or null after a problem. */
  flowVariable(key: readonly (string | number)[], reference: string): 'string' | 'number' | 'boolean' | null;
  /** Checks a name like `secure.card`; returns it without `secure.`, or null after a problem. */
  secureVariable(key: readonly (string | number)[], reference: string): string | null;
}

/** One action of the language: its keys, what is wrong beyond them, and what it does. */
export interface ActionDefinition<Fields = unknown> {
  readonly name: string;
  readonly description: string;
  /** The action's own keys, without `do`, `name` and the paths. */
  readonly schema: TObject;
  /** Keys that hold a list of actions. */
  readonly blocks: readonly string[];
  /** Where more of them are, below other keys. One is known by its path in the action, as `cases[0].actions`. */
  readonly nested?: readonly BlockPattern[];
  /** Flow types it may stand in; absent for all. */
  readonly only?: { readonly types: readonly FlowType[]; readonly remedy: string };
  /** It puts the call in secure mode, whatever the type of the flow: it runs there itself, or hands the call to a flow that does. */
  readonly secure?: 'runs' | 'hands-over';
  /** Why a key that this action refuses is refused; null when it is just unknown. */
  refusedKey?(key: string): { readonly message: string; readonly remedy: string } | null;
  /** The name under `data.*` that it fills; `name` is the author's, null when there is none. */
  dataName?(fields: Fields, name: string | null): string | null;
  /** What it names outside its document, as far as that is known before a call. */
  uses?(fields: Fields, flowType: FlowType): readonly Use[];
  /** The secure variables that it fills, and with what. */
  collects?(fields: Fields): readonly { readonly variable: string; readonly kind: FieldKind }[];
  check?(fields: Fields, check: ActionCheck): void;
  /**
   * True when the run never goes on after this action. `ends` tells it of a path and is false for one that is not
   * there; `taskEnds` tells it of a task.
   */
  ends(ends: (block: string) => boolean, action: Action, taskEnds: (task: string) => boolean): boolean;
  /** Every prompt of the action, so that those without expressions can be made ready before a call. */
  prompts?(fields: Fields): readonly (Prompt | undefined)[];
  begin(fields: Fields, run: Run): Outcome;
  /** The answer to the command that {@link begin} waited with. Absent: the action never waits. */
  resume?(fields: Fields, run: Run, event: FlowEvent): Outcome;
  /** What it goes on with after the module or bot that it ran. Absent: as `callModule` does. */
  back?(fields: Fields, run: Run, result: Back): Outcome;
}

/** Ties the type of the fields to their schema; the registry keeps definitions of all actions alike. */
export function defineAction<Schema extends TObject>(
  definition: Omit<ActionDefinition<Static<Schema>>, 'schema'> & { readonly schema: Schema },
): ActionDefinition {
  return definition;
}

/** The answers that an action waits for, by the command it waits with. */
export const ANSWERS: Readonly<Record<FlowCommand['do'], FlowEvent['type'] | null>> = {
  play: 'played',
  wait: 'waited',
  collect: 'collected',
  held: 'held',
  fill: 'collected',
  callData: 'dataAnswered',
  callSecureData: 'dataCalled',
  botTurn: 'botAnswered',
  extract: 'extracted',
  transferToSecureFlow: 'transferFailed',
  transferToAgent: 'transferFailed',
  transferToQueue: 'transferFailed',
  transferToNumber: 'transferFailed',
  setParticipantData: 'applied',
  getParticipantData: 'participantData',
  sendEvent: 'applied',
  transferToFlow: null,
  returnToAgent: null,
  disconnect: null,
};
