import type { SipClock } from './clock.js';
import type { Flow } from './flow.js';
import { Machine, type TransitionTable } from './machine.js';
import type { SipTimers } from './options.js';

type State = 'proceeding' | 'accepted' | 'completed' | 'terminated';
type Event =
  | 'request'
  | 'provisional'
  | 'success'
  | 'failure'
  | 'ack'
  | 'timerG'
  | 'timerH'
  | 'overdue'
  | 'abandoned';
type Action =
  | 'send'
  | 'replay'
  | 'tryIfSilent'
  | 'armG'
  | 'armGAlways'
  | 'armH'
  | 'forget'
  | 'noAck'
  | 'end'
  | 'endI'
  | 'endJ'
  | 'endL';

/**
 * INVITE server transaction, RFC 3261 section 17.2.1 with the Accepted state of RFC 6026. The retransmission
 * of 2xx until ACK, which section 13.3.1.4 leaves to the transaction user, is part of it. After the ACK, the time of
 * timers I and L, in which late copies of INVITE and ACK are absorbed, is left to SpentTransactions.
 *
 *                    INVITE, 1xx
 *                      |     |
 *                   proceeding ------ 2xx ------> accepted ---- ACK, H: no ACK ----> terminated
 *                      +------------ 3xx-6xx ---> completed --- ACK, H: no ACK ---------^
 */
const INVITE: TransitionTable<State, Event, Action> = {
  proceeding: {
    request: ['proceeding', 'replay'],
    ack: ['proceeding'],
    provisional: ['proceeding', 'send'],
    overdue: ['proceeding', 'tryIfSilent'],
    success: ['accepted', 'send', 'armGAlways', 'armH'],
    failure: ['completed', 'send', 'armG', 'armH'],
  },
  accepted: {
    request: ['accepted', 'replay'],
    timerG: ['accepted', 'replay', 'armGAlways'],
    ack: ['terminated', 'forget', 'endL'],
    timerH: ['terminated', 'noAck', 'end'],
  },
  completed: {
    request: ['completed', 'replay'],
    timerG: ['completed', 'replay', 'armG'],
    ack: ['terminated', 'forget', 'endI'],
    timerH: ['terminated', 'end'],
  },
  terminated: { request: ['terminated'], ack: ['terminated'] },
};

/**
 * Non-INVITE server transaction, RFC 3261 section 17.2.2; trying and proceeding are one state, because both
 * replay what was sent. 'abandoned' ends a transaction the application never answers, when the client's
 * timer F has fired (RFC 4320 forbids answering it 408). The time of timer J is left to SpentTransactions.
 *
 *   proceeding -- final, abandoned --> terminated
 */
const OTHER: TransitionTable<State, Event, Action> = {
  proceeding: {
    request: ['proceeding', 'replay'],
    provisional: ['proceeding', 'send'],
    success: ['terminated', 'send', 'endJ'],
    failure: ['terminated', 'send', 'endJ'],
    abandoned: ['terminated', 'end'],
  },
  completed: {},
  accepted: {},
  terminated: { request: ['terminated'] },
};

export interface ServerTransactionSettings {
  readonly method: string;
  readonly flow: Flow;
  readonly clock: SipClock;
  readonly timers: SipTimers;
  /** A 2xx to INVITE was not acknowledged in 64*T1 (RFC 3261 section 13.3.1.4). */
  readonly onNoAck: () => void;
  readonly onTransportError: (code: string) => void;
  /**
   * Nothing more happens in the transaction. For `lingerMs` late copies of its request are still to be absorbed, each
   * answered with `answer` when there is one.
   */
  readonly onEnd: (lingerMs: number, answer: Buffer | undefined) => void;
}

/** Answers one request, over and over if need be. */
export class ServerTransaction {
  readonly flow: Flow;
  readonly #settings: ServerTransactionSettings;
  readonly #machine: Machine<State, Event, Action>;
  #last: Buffer | undefined;
  #trying: (() => Buffer) | undefined;
  #intervalG: number;

  constructor(settings: ServerTransactionSettings) {
    this.#settings = settings;
    this.flow = settings.flow;
    this.#intervalG = settings.timers.T1;
    const invite = settings.method === 'INVITE';
    this.#machine = new Machine<State, Event, Action>(
      invite ? INVITE : OTHER,
      'proceeding',
      settings.clock,
      (action) => this.#perform(action),
    );
    if (!invite) this.#machine.arm('abandoned', 64 * settings.timers.T1);
  }

  /** Whether a final answer may still be given. */
  get open(): boolean {
    return this.#machine.state === 'proceeding';
  }

  /** Whether a 2xx was sent and waits for its ACK. */
  get unacknowledged(): boolean {
    return this.#machine.state === 'accepted';
  }

  /** A copy of the request arrived: the last answer is sent again, if there is one. */
  retransmitted(): void {
    this.#machine.fire('request');
  }

  /** The ACK arrived, for 2xx or for another final answer. Ignored where it means nothing. */
  acknowledged(): void {
    if (this.#machine.allows('ack')) this.#machine.fire('ack');
  }

  /**
   * Sends an answer.
   *
   * @throws IllegalTransition when a final answer was given already.
   */
  respond(status: number, data: Buffer): void {
    this.#last = data;
    this.#machine.fire(status < 200 ? 'provisional' : status < 300 ? 'success' : 'failure');
  }

  /** Sends `trying` when nothing was sent within `ms`, or a copy of the request came before; at once when that is 0. */
  tryAfter(ms: number, trying: () => Buffer): void {
    this.#trying = trying;
    this.#machine.arm('overdue', ms);
  }

  /** Stops all timers without a further word. */
  destroy(): void {
    this.#machine.stop();
    this.#last = undefined;
  }

  #perform(action: Action): void {
    const { T1, T4 } = this.#settings.timers;
    const reliable = this.flow.protocol === 'tcp';
    switch (action) {
      case 'tryIfSilent':
        if (!this.#last) this.#perform('replay');
        break;
      case 'send':
      case 'replay':
        this.#last ??= this.#trying?.();
        if (this.#last) this.flow.send(this.#last, this.#settings.onTransportError);
        break;
      case 'armG':
        if (!reliable) this.#armG();
        break;
      case 'armGAlways':
        this.#armG();
        break;
      case 'armH':
        this.#machine.arm('timerH', 64 * T1);
        break;
      case 'forget':
        this.#last = undefined;
        break;
      case 'noAck':
        this.#settings.onNoAck();
        break;
      case 'end':
        this.#end(0);
        break;
      case 'endI':
        this.#end(reliable ? 0 : T4);
        break;
      case 'endJ':
        this.#end(reliable ? 0 : 64 * T1);
        break;
      case 'endL':
        this.#end(64 * T1);
        break;
    }
  }

  #end(lingerMs: number): void {
    const answer = this.#last;
    this.#last = undefined;
    this.#settings.onEnd(lingerMs, answer);
  }

  #armG(): void {
    this.#machine.arm('timerG', this.#intervalG);
    this.#intervalG = Math.min(2 * this.#intervalG, this.#settings.timers.T2);
  }
}
