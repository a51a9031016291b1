/**
 * What the pure interpreter asks for and what it is told. One command is outstanding at a time; the
 * server executes it and answers with exactly one event of the matching type.
 */

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
  | 'caller-hung-up';

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
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly attempts: number;
}

export type Transform = 'last4' | 'bin' | 'brand' | 'length';

export type FlowCommand =
  | { readonly do: 'play'; readonly audio: readonly AudioItem[]; readonly bargeIn: boolean }
  /** Nothing for so many milliseconds; a hang-up ends it at once. */
  | { readonly do: 'wait'; readonly ms: number }
  | CollectCommand
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
      readonly operation: 'charge';
      /** Input name to name of a secure variable. */
      readonly secureInputs: Readonly<Record<string, string>>;
      readonly inputs: Readonly<Record<string, PlainValue>>;
      readonly processingAudio: readonly AudioItem[];
      /** Unique for this action in this run; part of the idempotency key. */
      readonly occurrence: string;
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

export type FlowEvent =
  | { readonly type: 'started' }
  | { readonly type: 'played' }
  | { readonly type: 'waited' }
  | {
      readonly type: 'collected';
      readonly result:
        | { readonly ok: true /** Absent for scope `secure`. */; readonly value?: string }
        | { readonly ok: false; readonly error: CaptureError };
    }
  | { readonly type: 'dataCalled'; readonly result: DataResult }
  | { readonly type: 'dataAnswered'; readonly result: CallDataResult }
  | { readonly type: 'extracted'; readonly value: PlainValue }
  /** The transfer did not come about; a successful one ends the run without an event. */
  | { readonly type: 'transferFailed'; readonly error: string; readonly message: string }
  /** Answers whatever a secure action waits for: secure mode could not be entered, or was given up. */
  | { readonly type: 'secureFailed'; readonly reason: SecureFailure; readonly message: string };

/** Why a secure action of a flow that is not secure could not run. */
export type SecureFailure = 'shield-failed' | 'cancelled';

/** Something worth an event or a log line, free of caller data: the run entered this action. */
export interface FlowNote {
  readonly action: string;
  /** Where in the document, e.g. `tasks.main[2].onDeclined[0]`. */
  readonly path: string;
  readonly name: string;
  /** It runs in secure mode; before one that does not, the call leaves it. */
  readonly secure: boolean;
}

/** Read-only facts of the call, as expressions see them under `call.*`. */
export interface CallFacts {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** What the caller of a secure flow handed over; must not hold sensitive data (G4). */
  readonly invocationData: string;
}
