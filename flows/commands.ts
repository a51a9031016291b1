/**
 * What the pure interpreter asks for and what it is told. One command is outstanding at a time; the
 * server executes it and answers with exactly one event of the matching type.
 */

import type { BotReply } from './bots/reply.js';

/** One piece of a prompt after its expressions were evaluated. Files are absolute paths. */
export type AudioItem = { readonly text: string } | { readonly file: string };

/** Plain data of flows; never a secure value. */
export type PlainValue = string | number | boolean | null;

export type FieldKind =
  | 'cardNumber'
  | 'expiry'
  | 'securityCode'
  | 'postalCode'
  | 'routingNumber'
  | 'accountNumber'
  | 'digits'
  | 'date'
  | 'menu';

/** Capture errors by the names the field's products share (FEATURES: Twilio `<Pay>`). */
export type CaptureError =
  | 'timeout'
  | 'invalid-card-number'
  | 'invalid-card-type'
  | 'invalid-date'
  | 'invalid-security-code'
  | 'invalid-postal-code'
  | 'invalid-bank-routing-number'
  | 'invalid-bank-account-number'
  | 'invalid-input'
  | 'input-matching-failed'
  | 'caller-interrupted-with-star'
  | 'caller-hung-up'
  | 'cancelled-by-agent';

/** How an attempt ended without a valid field. */
export type CollectFailure =
  | { readonly ok: false; readonly error: CaptureError }
  /** The agent wants another field instead: one of the `focusable` of the command. */
  | { readonly ok: false; readonly error: 'focus'; readonly field: string };

/** What an agent may have done to the field that is being keyed; nothing of the caller's leads to one. */
export type CaptureCommand =
  | { readonly do: 'askAgain' | 'clear' | 'cancel' | 'complete' }
  | { readonly do: 'extendTime'; readonly ms: number }
  | { readonly do: 'focus'; readonly field: string };

export type DateFormat = 'DDMMYY' | 'MMDDYY' | 'YYMMDD' | 'DDMMYYYY' | 'MMDDYYYY' | 'YYYYMMDD';

/** Days as `2026-11-27`, or `today`; null for no bound. Both belong to the range. */
export interface DateRule {
  readonly format: DateFormat;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
}

/** One attempt at one field. Times are in milliseconds. */
export interface CollectCommand {
  readonly do: 'collect';
  readonly field: {
    readonly kind: FieldKind;
    /** Fewest and most digits. */
    readonly min: number;
    readonly max: number;
    /** Card brands accepted (`cardNumber`); empty accepts every known brand. */
    readonly brands: readonly string[];
    /** Name of the secure variable with the card number whose brand decides the length (`securityCode`). */
    readonly cardVariable: string | null;
    /** The keys that can be chosen (`menu`), each a character. */
    readonly choices?: string;
    /** How the digits of a `date` are read, and between which days it lies. */
    readonly date?: DateRule;
  };
  /**
   * `secure`: the digits stay with the server as a secure value under this name. `flow` and `menu`: they come back in the
   * event, for the variable or the action of this name.
   */
  readonly into: { readonly scope: 'secure' | 'flow' | 'menu'; readonly name: string };
  readonly audio: readonly AudioItem[];
  /** Asks for the same keys once more, to be compared; null: they are keyed once. */
  readonly again: readonly AudioItem[] | null;
  readonly bargeIn: boolean;
  readonly firstDigitTimeoutMs: number;
  readonly interDigitTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly terminator: '#' | '*' | null;
  /** Throws away what was keyed so far and starts the field anew; null for none. */
  readonly clearKey: '#' | '*' | null;
  /** Ends the attempt as `caller-interrupted-with-star`, whichever key it is; absent or null for none. */
  readonly cancelKey?: '#' | '*' | null;
  /** `flush`: keys that come before a pause of 400 ms are dropped, as typed before the prompt was heard. Default `keep`. */
  readonly typeAhead?: 'keep' | 'flush';
  /** `hidden`: progress does not even tell how many keys were pressed. Default `count`. */
  readonly mask?: 'count' | 'hidden';
  /** Names of the fields that are still to be keyed, this one first. Absent: this one alone. */
  readonly required?: readonly string[];
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly attempts: number;
  /** Names of the fields that the agent may go to instead; the attempt then ends as `focus`. Absent: none. */
  readonly focusable?: readonly string[];
}

/** `accountEnd`: the last four of eight or more. */
export type Transform = 'last4' | 'bin' | 'brand' | 'length' | 'accountEnd';

export type FlowCommand =
  | { readonly do: 'play'; readonly audio: readonly AudioItem[]; readonly bargeIn: boolean }
  /** Nothing for so many milliseconds; a hang-up ends it at once. */
  | { readonly do: 'wait'; readonly ms: number }
  | CollectCommand
  /** Which of these secure variables hold a value. */
  | { readonly do: 'held'; readonly names: readonly string[] }
  /** Gives a secure variable the digits of plain data, judged as if they had been keyed; nothing stays of what is refused. */
  | {
      readonly do: 'fill';
      readonly field: CollectCommand['field'];
      readonly into: string;
      readonly value: string;
    }
  | {
      readonly do: 'callData';
      readonly action: string;
      readonly inputs: Readonly<Record<string, PlainValue>>;
      readonly processingAudio: readonly AudioItem[];
      /** Unique for this action in this run; part of the idempotency key. */
      readonly occurrence: string;
    }
  | {
      readonly do: 'callSecureData';
      readonly connector: string;
      readonly operation: 'charge' | 'tokenise';
      /** Input name to name of a secure variable. */
      readonly secureInputs: Readonly<Record<string, string>>;
      /** Output name to name of the secure variable that it goes into. */
      readonly secureOutputs: Readonly<Record<string, string>>;
      /** Handed to the gateway as they are, beside the inputs. */
      readonly parameters: Readonly<Record<string, PlainValue>>;
      readonly inputs: Readonly<Record<string, PlainValue>>;
      readonly processingAudio: readonly AudioItem[];
      /** Unique for this action in this run; part of the idempotency key. */
      readonly occurrence: string;
    }
  | {
      /** Tells a remote bot what happened, and waits for what it wants done. */
      readonly do: 'botTurn';
      /** The bot flow. */
      readonly bot: string;
      /** The configured service. */
      readonly service: string;
      /** Unique for this talk in this run. */
      readonly session: string;
      /** From 1. */
      readonly turn: number;
      /** `end`: the bot is not asked any more, and its answer is not waited for. */
      readonly event: 'start' | 'digits' | 'noInput' | 'noMatch' | 'end';
      /** The inputs, with `start`. */
      readonly context: Readonly<Record<string, PlainValue>>;
      /** What was keyed outside secure mode. */
      readonly digits: string | null;
      /** The secure value that was keyed in secure mode; one that is not kept is gone once it was sent. */
      readonly secureDigits: { readonly name: string; readonly keep: boolean } | null;
    }
  | { readonly do: 'extract'; readonly source: string; readonly transform: Transform }
  | {
      readonly do: 'transferToSecureFlow';
      readonly flow: string;
      readonly invocationData: string;
      readonly connectTimeoutMs: number;
      readonly preTransferAudio: readonly AudioItem[];
      readonly failedTransferAudio: readonly AudioItem[];
    }
  | {
      readonly do: 'transferToAgent';
      /** An agent's identifier, or `any` for the first one that is free. */
      readonly agent: string;
      readonly ringTimeoutMs: number;
      readonly preTransferAudio: readonly AudioItem[];
      readonly failedTransferAudio: readonly AudioItem[];
    }
  | {
      readonly do: 'transferToQueue';
      readonly queue: string;
      readonly ringTimeoutMs: number;
      readonly preTransferAudio: readonly AudioItem[];
      readonly failedTransferAudio: readonly AudioItem[];
    }
  | {
      readonly do: 'transferToNumber';
      /** As the flow wrote it. */
      readonly number: string;
      readonly trunk: string;
      readonly ringTimeoutMs: number;
      readonly preTransferAudio: readonly AudioItem[];
      readonly failedTransferAudio: readonly AudioItem[];
    }
  /** Sets attributes of the customer; null removes one. All of them, or none when the event has a refusal. */
  | { readonly do: 'setParticipantData'; readonly attributes: Readonly<Record<string, PlainValue>> }
  | { readonly do: 'getParticipantData'; readonly names: readonly string[] }
  | {
      readonly do: 'sendEvent';
      /** What the author calls it. */
      readonly type: string;
      readonly data: Readonly<Record<string, PlainValue>>;
    }
  /** Ends the run. Another one goes on, of a flow of the same type; it counts its actions on from this one's. */
  | {
      readonly do: 'transferToFlow';
      readonly flow: string;
      readonly invocationData: string;
      readonly preTransferAudio: readonly AudioItem[];
    }
  /** Ends the run. `data` goes to the agent's script. */
  | { readonly do: 'returnToAgent'; readonly data: Readonly<Record<string, PlainValue>> }
  /** Ends the run. `error`: the flow failed and has no path left. */
  | { readonly do: 'disconnect'; readonly reason: 'flow' | 'error'; readonly message: string };

/** What callSecureData is answered. `in-doubt`: the charge was sent and no answer came; nobody may repeat it. */
export interface DataResult {
  readonly status: 'approved' | 'declined' | 'in-doubt' | 'error';
  /** Short machine-readable reason, empty when approved (`insufficient-funds`, `gateway-unreachable`, ...). */
  readonly reason: string;
  /** Plain outputs of the connector (`confirmation`, ...). */
  readonly outputs: Readonly<Record<string, PlainValue>>;
}

/** What callData is answered. */
export interface CallDataResult {
  readonly status: 'success' | 'failure' | 'timeout';
  /** Short and machine-readable, empty after a success (`http-404`, `missing-output`, ...). */
  readonly error: string;
  /** For people; tells names and places, never a value of the answer. */
  readonly message: string;
  /** The declared outputs, after a success. */
  readonly outputs: Readonly<Record<string, PlainValue>>;
}

/** Why something was not done. Both texts name things, never a value. */
export interface Refusal {
  /** Short and machine-readable (`secure-value`, `too-long`, ...). */
  readonly error: string;
  /** For people. */
  readonly message: string;
}
/** What came of one turn of a remote bot. */
export type BotResult =
  | { readonly ok: true; readonly reply: BotReply }
  /** Short and machine-readable; the session with the bot is over. */
  | { readonly ok: false; readonly error: string; readonly message: string };

export type FlowEvent =
  | { readonly type: 'started' }
  | { readonly type: 'played' }
  | { readonly type: 'waited' }
  | {
      readonly type: 'collected';
      readonly result:
        | { readonly ok: true /** Absent for scope `secure`. */; readonly value?: string }
        | CollectFailure;
    }
  | { readonly type: 'dataCalled'; readonly result: DataResult }
  | { readonly type: 'dataAnswered'; readonly result: CallDataResult }
  | { readonly type: 'held'; readonly names: readonly string[] }
  | { readonly type: 'botAnswered'; readonly result: BotResult }
  | { readonly type: 'extracted'; readonly value: PlainValue }
  /** It was done, or refused. */
  | { readonly type: 'applied'; readonly refusal: Refusal | null }
  /** The attributes that there are of those that were asked for. */
  | { readonly type: 'participantData'; readonly attributes: Readonly<Record<string, PlainValue>> }
  /** The transfer did not come about; a successful one ends the run without an event. */
  | { readonly type: 'transferFailed'; readonly error: string; readonly message: string }
  /** Answers whatever a secure action waits for: secure mode could not be entered, or was given up. */
  | { readonly type: 'secureFailed'; readonly reason: SecureFailure; readonly message: string };

/** Why a secure action of a flow that is not secure could not run. */
export type SecureFailure = 'shield-failed' | 'cancelled';

/** Something worth an event or a log line, free of caller data: the run entered this action. */
export interface FlowNote {
  /** The flow or module that has it. */
  readonly flow: string;
  readonly action: string;
  /** Where in the document, e.g. `tasks.main[2].onDeclined[0]`. */
  readonly path: string;
  readonly name: string;
  /** It runs in secure mode; before one that does not, the call leaves it. */
  readonly secure: boolean;
  /** In which the caller hears prompts. */
  readonly language: string;
}

/** Read-only facts of the call, as expressions see them under `call.*`. */
export interface CallFacts {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** What was handed to the flow by whoever began it; must not hold sensitive data (G4). */
  readonly invocationData: string;
  /** In which the caller hears prompts (BCP 47). */
  readonly language: string;
}

/** What a run begins with. `language`: the one of the run before; a flow that does not declare it begins in its first. */
export type StartFacts = Omit<CallFacts, 'language'> & { readonly language?: string };
