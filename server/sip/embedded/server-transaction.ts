import type { SipClock } from './clock.js';
import type { Flow } from './flow.js';
import { Machine, type TransitionTable } from './machine.js';
import type { SipTimers } from './options.js';

type State = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';
type Event =
  | 'request'
  | 'provisional'
  | 'success'
  | 'failure'
  | 'ack'
  | 'timerG'
  | 'timerH'
  | 'timerI'
  | 'timerJ'
  | 'timerL'
  | 'abandoned';
type Action =
  | 'send'
  | 'replay'
  | 'armG'
  | 'armGAlways'
  | 'armH'
  | 'armI'
  | 'armJ'
  | 'armL'
  | 'forget'
  | 'noAck'
  | 'end';

/**
 * INVITE server transaction, RFC 3261 section 17.2.1 with the Accepted state of RFC 6026. The retransmission
 * of 2xx until ACK, which section 13.3.1.4 leaves to the transaction user, is part of it; 'confirmed' absorbs
 * late copies of INVITE and ACK.
 *
 *                    INVITE, 1xx
 *                      |     |
 *                   proceeding ------- 2xx -------> accepted --- H: no ACK --> terminated
 *                      |                              | ACK                       ^
 *                    3xx-6xx                          v                           |
 *                      +----> completed -- ACK --> confirmed ------- I or L ------+
 *                                 +------------- H: no ACK ----------------------+
 */
const INVITE: TransitionTable<State, Event, Action> = {
  proceeding: {
    request: ['proceeding', 'replay'],
    ack: ['proceeding'],
    provisional: ['proceeding', 'send'],
    success: ['accepted', 'send', 'armGAlways', 'armH'],
    failure: ['completed', 'send', 'armG', 'armH'],
  },
  accepted: {
    request: ['accepted', 'replay'],
    timerG: ['accepted', 'replay', 'armGAlways'],
    ack: ['confirmed', 'forget', 'armL'],
    timerH: ['terminated', 'noAck', 'end'],
  },
  completed: {
    request: ['completed', 'replay'],
    timerG: ['completed', 'replay', 'armG'],
    ack: ['confirmed', 'forget', 'armI'],
    timerH: ['terminated', 'end'],
  },
  confirmed: {
    request: ['confirmed'],
    ack: ['confirmed'],
    timerI: ['terminated', 'end'],
    timerL: ['terminated', 'end'],
  },
  terminated: { request: ['terminated'], ack: ['terminated'] },
};

/**
 * Non-INVITE server transaction, RFC 3261 section 17.2.2; trying and proceeding are one state, because both
 * replay what was sent. 'abandoned' ends a transaction the application never answers, when the client's
 * timer F has fired (RFC 4320 forbids answering it 408).
 *
 *   proceeding -- final --> completed -- J --> terminated
 *        +------------ abandoned ----------------^
 */
const OTHER: TransitionTable<State, Event, Action> = {
  proceeding: {
    request: ['proceeding', 'replay'],
    provisional: ['proceeding', 'send'],
    success: ['completed', 'send', 'armJ'],
    failure: ['completed', 'send', 'armJ'],
    abandoned: ['terminated', 'end'],
  },
  completed: { request: ['completed', 'replay'], timerJ: ['terminated', 'end'] },
  accepted: {},
  confirmed: {},
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
  /** The transaction is over; nothing more happens in it. */
  readonly onEnd: () => void;
}

/** Answers one request, over and over if need be. */
export class ServerTransaction {
  readonly flow: Flow;
  readonly #settings: ServerTransactionSettings;
  readonly #machine: Machine<State, Event, Action>;
  #last: Buffer | undefined;
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

  /** Stops all timers without a further word. */
  destroy(): void {
    this.#machine.stop();
    this.#last = undefined;
  }

  #perform(action: Action): void {
    const { T1, T4 } = this.#settings.timers;
    const reliable = this.flow.protocol === 'tcp';
    switch (action) {
      case 'send':
      case 'replay':
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
      case 'armI':
        this.#machine.arm('timerI', reliable ? 0 : T4);
        break;
      case 'armJ':
        this.#machine.arm('timerJ', reliable ? 0 : 64 * T1);
        break;
      case 'armL':
        this.#machine.arm('timerL', 64 * T1);
        break;
      case 'forget':
        this.#last = undefined;
        break;
      case 'noAck':
        this.#settings.onNoAck();
        break;
      case 'end':
        this.#last = undefined;
        this.#settings.onEnd();
        break;
    }
  }

  #armG(): void {
    this.#machine.arm('timerG', this.#intervalG);
    this.#intervalG = Math.min(2 * this.#intervalG, this.#settings.timers.T2);
  }
}
