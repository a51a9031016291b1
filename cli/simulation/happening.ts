import type { CommandRefusal } from '../../flows/collector.js';
import type {
  CallDataResult,
  CaptureCommand,
  CaptureError,
  CollectCommand,
  DataResult,
  FlowCommand,
  FlowNote,
  PlainValue,
  Transform,
} from '../../flows/commands.js';
import type { FieldProgress } from '../../server/call/events.js';
import type { CallEnd, SecureEnd, SecureState } from '../../server/call/views.js';

/** What happens in a simulated call. None of it can hold a digit of a secure field. */
export type HappeningBody =
  | { readonly type: 'flow'; readonly flow: string }
  | { readonly type: 'action'; readonly note: FlowNote }
  /** Prompts are heard in another one from now on. */
  | { readonly type: 'language'; readonly language: string }
  | { readonly type: 'prompt'; readonly text: string }
  | {
      readonly type: 'field';
      readonly scope: CollectCommand['into']['scope'];
      readonly progress: FieldProgress;
    }
  /** A field had a plain value of the flow's; `error`: it was none that the field can have. */
  | { readonly type: 'filled'; readonly name: string; readonly error: CaptureError | null }
  | { readonly type: 'extract'; readonly transform: Transform; readonly source: string }
  | {
      readonly type: 'data-call';
      readonly action: string;
      readonly inputs: Readonly<Record<string, PlainValue>>;
    }
  | { readonly type: 'data-answer'; readonly status: CallDataResult['status']; readonly error: string }
  /** A turn of a remote bot: counts alone. */
  | {
      readonly type: 'bot-turn';
      readonly bot: string;
      readonly turn: number;
      readonly event: (FlowCommand & { readonly do: 'botTurn' })['event'];
    }
  | { readonly type: 'bot-answer'; readonly status: 'success' | 'failure'; readonly error: string }
  | { readonly type: 'charge'; readonly command: FlowCommand & { readonly do: 'callSecureData' } }
  | { readonly type: 'verdict'; readonly status: DataResult['status']; readonly reason: string }
  | { readonly type: 'to-agent'; readonly agent: string; readonly result: string }
  | { readonly type: 'to-queue'; readonly queue: string; readonly result: string }
  | {
      readonly type: 'to-number';
      readonly trunk: string;
      readonly number: string;
      readonly result: string;
    }
  | { readonly type: 'to-flow'; readonly flow: string; readonly invocationData: string }
  | { readonly type: 'attributes'; readonly attributes: Readonly<Record<string, PlainValue>> }
  | {
      readonly type: 'event';
      readonly name: string;
      readonly data: Readonly<Record<string, PlainValue>>;
    }
  | { readonly type: 'to-secure-flow'; readonly flow: string; readonly invocationData: string }
  | { readonly type: 'secure'; readonly state: SecureState; readonly end: SecureEnd | null }
  /** A command of the agent to the field that is being keyed; why it was refused, or null. */
  | {
      readonly type: 'command';
      readonly command: CaptureCommand['do'];
      readonly refusal: CommandRefusal | null;
    }
  /** Keys that the leaving guard kept from the agent. */
  | { readonly type: 'swallowed'; readonly keys: number }
  /** What the agent's script receives. */
  | { readonly type: 'result'; readonly data: Readonly<Record<string, PlainValue>> }
  | { readonly type: 'end'; readonly end: CallEnd | 'talking' };

export type Happening = HappeningBody & {
  /** Ms since the call began. */
  readonly at: number;
  /** The call is in secure mode. */
  readonly secure: boolean;
};
