import type Endpoint from 'drachtio-fsmrf/lib/endpoint.js';
import type { Dtmf } from 'drachtio-fsmrf/lib/endpoint.js';
import type { Connection, EslEvent } from 'drachtio-modesl';
import { MediaError } from '../media-server.js';
import type { SipClient } from './sip-client.js';
import { word } from './words.js';

/** FreeSWITCH answers in milliseconds; one that does not in this time is not to be waited for. */
export const REPLY_MS = 3000;
const REINVITE_MS = 3000;

export interface ChannelEvents {
  onDigit(digit: Dtmf): void;
  /** The channel is gone, and we did not end it. Called once. */
  onGone(): void;
}

/** One application that a channel executes. */
export interface Execution {
  /** Resolves when FreeSWITCH has begun, or the channel is gone. */
  readonly started: Promise<void>;
  /** Resolves when it is over, or the channel is gone. */
  readonly done: Promise<void>;
}

/**
 * One call leg inside FreeSWITCH, over the connection that FreeSWITCH opened for it. Replies come in the order of the
 * commands, and by nothing else are they told apart: where one is missing the connection is given up, and the leg
 * with it.
 */
export class Channel {
  readonly uuid: string;
  /** FreeSWITCH's own SDP as it was when the channel was made. */
  firstSdp: string;
  readonly #endpoint: Endpoint;
  readonly #sip: SipClient;
  readonly #events: ChannelEvents;
  readonly #waiting = new Set<() => void>();
  #conn: Connection | null;
  #over = false;

  constructor(endpoint: Endpoint, sip: SipClient, events: ChannelEvents) {
    this.#endpoint = endpoint;
    this.#sip = sip;
    this.#events = events;
    this.uuid = word(endpoint.uuid);
    this.firstSdp = endpoint.local.sdp;
    this.#conn = endpoint.conn;
    endpoint.on('dtmf', (digit) => events.onDigit(digit));
    endpoint.on('destroy', () => this.gone());
    this.#conn?.on('esl::end', () => this.gone());
    this.#conn?.subscribe(['CHANNEL_PARK']);
  }

  get over(): boolean {
    return this.#over;
  }

  /** The text that FreeSWITCH answers to an API command. Rejects with `engine-lost` when there is no answer. */
  api(...words: readonly string[]): Promise<string> {
    const command = words.map(word).join(' ');
    return new Promise((resolve, reject) => {
      const conn = this.#conn;
      if (!conn || this.#over) return reject(lost());
      const settle = (act: () => void) => {
        clearTimeout(late);
        this.#waiting.delete(fail);
        act();
      };
      const fail = () => settle(() => reject(lost()));
      const late = setTimeout(() => conn.socket?.destroy(), REPLY_MS);
      this.#waiting.add(fail);
      conn.api(command, (event: EslEvent) => settle(() => resolve(event.getBody().trim())));
    });
  }

  /** An API command that answers `+OK`; rejects with `engine-lost` for every other answer. */
  async order(...words: readonly string[]): Promise<void> {
    const reply = await this.api(...words);
    if (!reply.startsWith('+OK'))
      throw new MediaError('engine-lost', `FreeSWITCH did not ${words[0]}: ${reply}`);
  }

  /** A channel variable; null when it is not set. */
  async variable(name: string): Promise<string | null> {
    const value = await this.api('uuid_getvar', this.uuid, name);
    if (value.startsWith('-ERR')) throw lost();
    return value === '_undef_' || value === '' ? null : value;
  }

  /** FreeSWITCH's name of the channel that it is joined to; null for none. */
  async peer(): Promise<string | null> {
    const peer = await this.variable('signal_bond');
    // The variable outlives the other channel.
    return peer !== null && (await this.api('uuid_exists', peer)) === 'true' ? peer : null;
  }

  /** Resolves when FreeSWITCH has parked the channel, from now on: nothing that ran before runs any more. */
  async parked(deadlineMs: number): Promise<void> {
    const conn = this.#conn;
    if (!conn || this.#over) return;
    const event = `esl::event::CHANNEL_PARK::${this.uuid}`;
    await new Promise<void>((resolve, reject) => {
      const finish = () => {
        clearTimeout(late);
        conn.off(event, finish);
        this.#waiting.delete(finish);
        resolve();
      };
      const late = setTimeout(() => {
        finish();
        reject(new MediaError('engine-lost', 'FreeSWITCH did not park the channel'));
      }, deadlineMs);
      this.#waiting.add(finish);
      conn.on(event, finish);
    });
  }

  /** Begins an application. `argument` is never keyed data: FreeSWITCH logs it. */
  execute(app: string, argument: string): Execution {
    const conn = this.#conn;
    if (!conn || this.#over) return { started: Promise.resolve(), done: Promise.resolve() };
    const began = `esl::event::CHANNEL_EXECUTE::${this.uuid}`;
    let begin = () => {};
    const started = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const done = new Promise<void>((resolve) => {
      const finish = () => {
        conn.off(began, onBegun);
        this.#waiting.delete(finish);
        begin();
        resolve();
      };
      this.#waiting.add(finish);
      const id = conn.execute(word(app), argument, finish);
      const onBegun = (event: EslEvent) => {
        if (event.getHeader('Application-UUID') === id) begin();
      };
      conn.on(began, onBegun);
    });
    return { started, done };
  }

  /** Sets the far end's SDP by re-INVITE; resolves with FreeSWITCH's answer. Rejects with MediaError. */
  async modify(remoteSdp: string): Promise<string> {
    if (this.#over) throw lost();
    try {
      return await this.#sip.reinvite(this.#endpoint.dialog, remoteSdp, REINVITE_MS);
    } catch (error) {
      if (statusOf(error) === 488)
        throw new MediaError('no-common-codec', 'FreeSWITCH has no codec in common with it');
      throw new MediaError('engine-lost', 'FreeSWITCH did not take the SDP', { cause: error });
    }
  }

  /** Hangs up; resolves when FreeSWITCH has confirmed it, or is given up. Never rejects. Idempotent. */
  async close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#sip.hangUp(this.#endpoint.dialog);
    this.#release();
  }

  /** Whatever ends a channel that we did not end leads here. */
  gone(): void {
    if (this.#over) return;
    this.#over = true;
    void this.#sip.hangUp(this.#endpoint.dialog);
    this.#release();
    this.#events.onGone();
  }

  #release(): void {
    for (const settle of [...this.#waiting]) settle();
    this.#waiting.clear();
    this.#conn = null;
  }
}

export function statusOf(error: unknown): number {
  return typeof error === 'object' && error !== null
    ? Number((error as { status?: unknown }).status ?? 0)
    : 0;
}

function lost(): MediaError {
  return new MediaError('engine-lost', 'the channel in FreeSWITCH is gone');
}
