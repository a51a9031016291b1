import type { SipClock } from './clock.js';
import type { Flow } from './flow.js';
import { Machine, type TransitionTable } from './machine.js';
import type { SipResponse } from './message.js';
import type { SipTimers } from './options.js';

type State = 'idle' | 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated';
type Event = 'start' | 'provisional' | 'success' | 'failure' | 'retransmit' | 'timeout' | 'forget' | 'error';
type Action =
  | 'send'
  | 'ack'
  | 'deliver'
  | 'armRetransmit'
  | 'armTimeout'
  | 'armRest'
  | 'armForget'
  | 'armAccepted'
  | 'drop'
  | 'tellTimeout'
  | 'tellError'
  | 'end';

/**
 * INVITE client transaction, RFC 3261 section 17.1.1 with the Accepted state of RFC 6026. 'retransmit' is
 * timer A, 'timeout' B, or the end of the wait after CANCEL (section 9.1), 'forget' D or M.
 *
 *   idle --> calling --1xx--> proceeding --2xx--> accepted --M--> terminated
 *              |   \____________ | ________2xx_______^                ^
 *              |                 +--3xx-6xx--> completed ------D------+
 *              +--B or transport error-------------------------------+
 */
const INVITE: TransitionTable<State, Event, Action> = {
  idle: {
    start: ['calling', 'send', 'armRetransmit', 'armTimeout'],
    error: ['terminated', 'tellError', 'end'],
  },
  calling: {
    retransmit: ['calling', 'send', 'armRetransmit'],
    timeout: ['terminated', 'tellTimeout', 'end'],
    provisional: ['proceeding', 'drop', 'deliver'],
    success: ['accepted', 'drop', 'deliver', 'armAccepted'],
    failure: ['completed', 'drop', 'ack', 'deliver', 'armForget'],
    error: ['terminated', 'tellError', 'end'],
  },
  proceeding: {
    provisional: ['proceeding', 'deliver'],
    success: ['accepted', 'deliver', 'armAccepted'],
    failure: ['completed', 'ack', 'deliver', 'armForget'],
    timeout: ['terminated', 'tellTimeout', 'end'],
    error: ['terminated', 'tellError', 'end'],
  },
  completed: {
    provisional: ['completed'],
    success: ['completed'],
    failure: ['completed', 'ack'],
    error: ['completed'],
    forget: ['terminated', 'end'],
  },
  accepted: {
    provisional: ['accepted'],
    success: ['accepted', 'deliver'],
    failure: ['accepted'],
    error: ['accepted'],
    forget: ['terminated', 'end'],
  },
  terminated: { error: ['terminated'] },
};

/**
 * Non-INVITE client transaction, RFC 3261 section 17.1.2. 'calling' is its Trying; 'retransmit' is timer E,
 * 'timeout' F, which goes on in proceeding, 'forget' K.
 */
const OTHER: TransitionTable<State, Event, Action> = {
  idle: {
    start: ['calling', 'send', 'armRetransmit', 'armTimeout'],
    error: ['terminated', 'tellError', 'end'],
  },
  calling: {
    retransmit: ['calling', 'send', 'armRetransmit'],
    timeout: ['terminated', 'tellTimeout', 'end'],
    provisional: ['proceeding', 'deliver', 'armRetransmit', 'armRest'],
    success: ['completed', 'drop', 'deliver', 'armForget'],
    failure: ['completed', 'drop', 'deliver', 'armForget'],
    error: ['terminated', 'tellError', 'end'],
  },
  proceeding: {
    provisional: ['proceeding', 'deliver'],
    retransmit: ['proceeding', 'send', 'armRetransmit'],
    timeout: ['terminated', 'tellTimeout', 'end'],
    success: ['completed', 'drop', 'deliver', 'armForget'],
    failure: ['completed', 'drop', 'deliver', 'armForget'],
    error: ['terminated', 'tellError', 'end'],
  },
  completed: {
    provisional: ['completed'],
    success: ['completed'],
    failure: ['completed'],
    error: ['completed'],
    forget: ['terminated', 'end'],
  },
  accepted: {},
  terminated: { error: ['terminated'] },
};

export interface ClientTransactionSettings {
  readonly method: string;
  readonly data: Buffer;
  readonly clock: SipClock;
  readonly timers: SipTimers;
  /** Makes the ACK for a final answer other than 2xx (RFC 3261 section 17.1.1.3). */
  readonly makeAck: (response: SipResponse) => Buffer;
  /** Provisional answers, the first final one, and every 2xx to INVITE. */
  readonly onResponse: (response: SipResponse, flow: Flow) => void;
  /** No final answer in 64*T1: to be treated as 408 (RFC 3261 section 8.1.3.1). */
  readonly onTimeout: () => void;
  /** The request could not be sent: to be treated as 503 (RFC 3261 section 8.1.3.1). */
  readonly onTransportError: (code: string) => void;
  readonly onEnd: () => void;
}

/** Sends one request until it is answered. */
export class ClientTransaction {
  readonly #settings: ClientTransactionSettings;
  readonly #machine: Machine<State, Event, Action>;
  readonly #invite: boolean;
  #data: Buffer | undefined;
  #flow: Flow | undefined;
  #failure = '';
  #interval: number;
  #startedAt = 0;
  #response: SipResponse | undefined;
  #responseFlow: Flow | undefined;

  constructor(settings: ClientTransactionSettings) {
    this.#settings = settings;
    this.#data = settings.data;
    this.#invite = settings.method === 'INVITE';
    this.#interval = settings.timers.T1;
    this.#machine = new Machine<State, Event, Action>(
      this.#invite ? INVITE : OTHER,
      'idle',
      settings.clock,
      (action) => this.#perform(action),
    );
  }

  get flow(): Flow | undefined {
    return this.#flow;
  }

  /** Whether a provisional answer came, so that CANCEL may be sent (RFC 3261 section 9.1). */
  get proceeding(): boolean {
    return this.#machine.state === 'proceeding';
  }

  /** Whether a final answer is still to come. */
  get pending(): boolean {
    const { state } = this.#machine;
    return state === 'idle' || state === 'calling' || state === 'proceeding';
  }

  /** Sends the request for the first time. */
  start(flow: Flow): void {
    this.#flow = flow;
    this.#startedAt = this.#settings.clock.now();
    this.#machine.fire('start');
  }

  /** There is no way to the peer. */
  fail(code: string): void {
    this.#failure = code;
    if (this.#machine.allows('error')) this.#machine.fire('error');
  }

  received(response: SipResponse, flow: Flow): void {
    if (this.#machine.state === 'idle' || this.#machine.state === 'terminated') return;
    this.#response = response;
    this.#responseFlow = flow;
    const { status } = response;
    this.#machine.fire(status < 200 ? 'provisional' : status < 300 ? 'success' : 'failure');
    this.#response = undefined;
    this.#responseFlow = undefined;
  }

  /** After CANCEL: gives up when no final answer comes in 64*T1 (RFC 3261 section 9.1). */
  expectEnd(): void {
    if (this.proceeding) this.#machine.arm('timeout', 64 * this.#settings.timers.T1);
  }

  /** Stops all timers without a further word. */
  destroy(): void {
    this.#machine.stop();
    this.#data = undefined;
  }

  #perform(action: Action): void {
    const { timers, clock, onResponse } = this.#settings;
    const reliable = this.#flow?.protocol === 'tcp';
    switch (action) {
      case 'send':
        if (this.#data) this.#send(this.#data);
        break;
      case 'ack':
        if (this.#response) this.#send(this.#settings.makeAck(this.#response));
        break;
      case 'deliver':
        if (this.#response && this.#responseFlow) onResponse(this.#response, this.#responseFlow);
        break;
      case 'armRetransmit':
        if (!reliable) this.#armRetransmit();
        break;
      case 'armTimeout':
        this.#machine.arm('timeout', 64 * timers.T1);
        break;
      case 'armRest':
        this.#machine.arm('timeout', this.#startedAt + 64 * timers.T1 - clock.now());
        break;
      case 'armForget':
        this.#machine.arm('forget', reliable ? 0 : this.#invite ? 64 * timers.T1 : timers.T4);
        break;
      case 'armAccepted':
        this.#machine.arm('forget', 64 * timers.T1);
        break;
      case 'drop':
        this.#data = undefined;
        break;
      case 'tellTimeout':
        this.#settings.onTimeout();
        break;
      case 'tellError':
        this.#settings.onTransportError(this.#failure);
        break;
      case 'end':
        this.destroy();
        this.#settings.onEnd();
        break;
    }
  }

  #send(data: Buffer): void {
    this.#flow?.send(data, (code) => this.fail(code));
  }

  /** Timer A doubles without bound; timer E stops at T2 and is T2 after a provisional answer. */
  #armRetransmit(): void {
    const { T2 } = this.#settings.timers;
    const interval = this.proceeding ? T2 : this.#interval;
    this.#interval = this.#invite ? 2 * interval : Math.min(2 * interval, T2);
    this.#machine.arm('retransmit', interval);
  }
}
