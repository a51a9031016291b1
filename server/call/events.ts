import type {
  CallDataResult,
  CaptureCommand,
  CaptureError,
  FieldKind,
  PlainValue,
  Transform,
} from '../../flows/commands.js';
import type { CallEnd, ConversationView, ParticipantView, SecureEnd, SecureState } from './views.js';

/** How far a secure field is. `entered` counts keys; no field of this event can hold a digit of the caller's. */
export interface FieldProgress {
  readonly field: FieldKind;
  readonly name: string;
  /** `left`: the agent went to another field. */
  readonly state: 'asked' | 'entering' | 'accepted' | 'rejected' | 'cleared' | 'left';
  readonly entered: number;
  /** A dot for each key; empty, with `entered` 0, for a field that does not even tell their number. */
  readonly masked: string;
  /** Fewest and most digits of the field, whatever was keyed: a card's brand would tell its first digits. */
  readonly min: number;
  readonly max: number;
  readonly attempt: number;
  readonly error: CaptureError | null;
  /** Names of the fields that are still to be keyed, in their order. */
  readonly required: readonly string[];
}

/** What happened to a conversation, in the order it happened. */
export type CallEventBody =
  | { readonly type: 'conversation.started'; readonly from: string; readonly to: string }
  | { readonly type: 'conversation.state'; readonly state: ConversationView['state'] }
  | { readonly type: 'conversation.ended'; readonly end: CallEnd }
  | {
      readonly type: 'participant.ringing' | 'participant.connected' | 'participant.ended';
      readonly participantId: string;
      readonly role: ParticipantView['role'];
      readonly agentId: string | null;
    }
  | {
      readonly type: 'participant.data';
      readonly participantId: string;
      readonly role: ParticipantView['role'];
      /** Those that were set; null for one that was removed. */
      readonly attributes: Readonly<Record<string, PlainValue>>;
    }
  | {
      /** An event of the flow's author. */
      readonly type: 'flow.event';
      readonly flow: string;
      readonly name: string;
      readonly data: Readonly<Record<string, PlainValue>>;
    }
  | {
      readonly type: 'flow.action';
      readonly flow: string;
      readonly action: string;
      readonly path: string;
      readonly name: string;
    }
  | {
      readonly type: 'flow.data';
      /** The configured data action. */
      readonly action: string;
      readonly status: CallDataResult['status'];
      readonly durationMs: number;
    }
  | {
      /** A turn of a remote bot: nothing of what was said or keyed. */
      readonly type: 'flow.bot';
      /** The bot flow. */
      readonly bot: string;
      readonly turn: number;
      readonly event: 'start' | 'digits' | 'noInput' | 'noMatch' | 'end';
      readonly status: 'success' | 'failure';
      /** Why it failed, short and machine-readable; empty after a success. */
      readonly error: string;
    }
  | {
      readonly type: 'secure.state';
      readonly sessionId: string;
      readonly state: SecureState;
      readonly end: SecureEnd | null;
      readonly reason: string | null;
    }
  | {
      readonly type: 'secure.shield';
      readonly sessionId: string;
      readonly shield: string;
      readonly change: 'engaged' | 'released' | 'failed';
    }
  | { readonly type: 'secure.progress'; readonly sessionId: string; readonly progress: FieldProgress }
  /** A part of a secure value was shown to the flow. */
  | {
      readonly type: 'secure.extracted';
      readonly sessionId: string;
      /** Name of the secure variable. */
      readonly variable: string;
      readonly transform: Transform;
    }
  | {
      /** A command of the agent to the field that is being keyed was taken. */
      readonly type: 'secure.command';
      readonly sessionId: string;
      readonly command: CaptureCommand['do'];
      /** Name of the API token it came with; null when that is not known. */
      readonly by: string | null;
    }
  | {
      readonly type: 'secure.data';
      readonly sessionId: string;
      readonly status: 'calling' | 'approved' | 'declined' | 'in-doubt' | 'error';
      readonly reason: string;
    }
  | {
      /** A charge in doubt was looked up; perhaps after the conversation. */
      readonly type: 'payment.reconciled';
      readonly sessionId: string;
      readonly idempotencyKey: string;
      readonly status: 'approved' | 'declined' | 'unknown';
    }
  | {
      readonly type: 'agent.data';
      readonly sessionId: string;
      readonly participantId: string | null;
      readonly data: Readonly<Record<string, PlainValue>>;
    };

/** What happened to the flows, whichever conversations there are. */
export type FlowEventBody =
  | {
      readonly type: 'flow.published';
      readonly flow: string;
      readonly version: number;
      /** The version that new calls took before; null: a file's, or none. */
      readonly previous: number | null;
      /** Name of the token. */
      readonly by: string;
    }
  | { readonly type: 'flow.deleted'; readonly flow: string; readonly by: string };

export interface Numbered {
  /** Increases by one with every event of this process; the `id:` of server-sent events. */
  readonly seq: number;
  /** ISO 8601 with milliseconds. */
  readonly at: string;
}

export type CallEvent = Numbered &
  (
    | (CallEventBody & { readonly conversationId: string })
    | (FlowEventBody & { readonly conversationId: null })
  );

/**
 * The fields that pass while a conversation is in secure mode, by event type; whatever else an event carries is
 * cut off before anybody sees it. None of them is free text that a caller's keys could reach.
 */
const SECURE_FIELDS: Readonly<Record<CallEventBody['type'], readonly string[]>> = {
  'conversation.started': ['from', 'to'],
  'conversation.state': ['state'],
  'conversation.ended': ['end'],
  'participant.ringing': ['participantId', 'role', 'agentId'],
  'participant.connected': ['participantId', 'role', 'agentId'],
  'participant.ended': ['participantId', 'role', 'agentId'],
  'participant.data': ['participantId', 'role'],
  'flow.event': ['flow', 'name'],
  'flow.action': ['flow', 'action', 'path', 'name'],
  'flow.data': ['action', 'status', 'durationMs'],
  'flow.bot': ['bot', 'turn', 'event', 'status', 'error'],
  'secure.state': ['sessionId', 'state', 'end', 'reason'],
  'secure.shield': ['sessionId', 'shield', 'change'],
  'secure.progress': ['sessionId', 'progress'],
  'secure.extracted': ['sessionId', 'variable', 'transform'],
  'secure.command': ['sessionId', 'command', 'by'],
  'secure.data': ['sessionId', 'status', 'reason'],
  'payment.reconciled': ['sessionId', 'idempotencyKey', 'status'],
  'agent.data': ['sessionId', 'participantId', 'data'],
};

const PROGRESS_FIELDS = [
  'field',
  'name',
  'state',
  'entered',
  'masked',
  'min',
  'max',
  'attempt',
  'error',
  'required',
] as const;

type Listener = (event: CallEvent) => void;

const KEPT = 1000;

/** Hands events to listeners in order and keeps the last 1,000 for a reader that reconnects. */
export class CallEvents {
  readonly #now: () => Date;
  readonly #listeners = new Set<Listener>();
  readonly #recent: CallEvent[] = [];
  readonly #secure = new Set<string>();
  #seq = 0;

  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
  }

  publish(conversationId: string, body: CallEventBody): void {
    const shown = this.#secure.has(conversationId) ? secureView(body) : body;
    this.#hand({ ...shown, ...this.#number(), conversationId });
  }

  /** For what concerns no conversation. */
  announce(body: FlowEventBody): void {
    this.#hand({ ...body, ...this.#number(), conversationId: null });
  }

  /** From now on only allow-listed fields of this conversation's events pass. */
  enterSecure(conversationId: string): void {
    this.#secure.add(conversationId);
  }

  leaveSecure(conversationId: string): void {
    this.#secure.delete(conversationId);
  }

  /** What would be published of this event now; shields confirm by it. */
  preview(conversationId: string, body: CallEventBody): CallEventBody {
    return this.#secure.has(conversationId) ? secureView(body) : body;
  }

  /** Events after `seq`, as far as they are kept. */
  since(seq: number): readonly CallEvent[] {
    return this.#recent.filter((event) => event.seq > seq);
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #number(): Numbered {
    this.#seq += 1;
    return { seq: this.#seq, at: this.#now().toISOString() };
  }

  #hand(event: CallEvent): void {
    this.#recent.push(event);
    if (this.#recent.length > KEPT) this.#recent.shift();
    for (const listener of this.#listeners) listener(event);
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}

function secureView(body: CallEventBody): CallEventBody {
  const shown: Record<string, unknown> = { type: body.type, ...pick(body, SECURE_FIELDS[body.type]) };
  if (body.type === 'secure.progress') shown.progress = pick(body.progress, PROGRESS_FIELDS);
  return shown as CallEventBody;
}

function pick(from: object, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key)));
}
