import type { EslEvent } from 'drachtio-modesl';
import { MediaError, type MediaErrorCode } from '../media-server.js';
import type { AgreedAudio } from '../sdp/session.js';
import { EslLine } from './esl-line.js';
import { farSideSdp } from './far-side-sdp.js';
import { type LocalAudio, readAnswer, readLocalSdp } from './local-sdp.js';
import type { NewChannel } from './node-connection.js';
import { STOP_KEY } from './player.js';
import type { SipClient } from './sip-client.js';
import { uuid } from './words.js';

/** What FreeSWITCH itself says about a channel. */
export interface ChannelFacts {
  /** The channel it is bridged with. */
  readonly peer: string | null;
  /** The argument of the application that was begun last. */
  readonly argument: string;
  readonly codec: string;
  /** RTP packets from the far end since the channel was made. */
  readonly received: number;
  readonly local: LocalAudio;
}

/** Of our subscription beside drachtio-fsmrf's own. */
const EVENTS = ['CHANNEL_PARK', 'CHANNEL_BRIDGE', 'CHANNEL_UNBRIDGE', 'PLAYBACK_START'] as const;

const FACTS = [
  'current_application_data',
  'write_codec',
  'rtp_audio_in_packet_count',
  'rtp_local_sdp_str',
] as const;

/** Whether it is bridged: the variables change before the channel does, at the beginning and at the end. */
const PEER_EXPRESSION = `\${Channel-State}|\${variable_signal_bond}|\${variable_bridge_uuid}`;
const FACTS_EXPRESSION = `${PEER_EXPRESSION}|${FACTS.map((name) => `\${variable_${name}}`).join('|')}`;

/** States of a bridge's first side and of its second one. Both sides are in the first one for a moment before that. */
export const BRIDGE_STATES = ['CS_SOFT_EXECUTE', 'CS_EXCHANGE_MEDIA'] as const;

const REINVITE_MS = 3000;
/** From the end of the dialog to the end of the channel. */
const END_MS = 2000;

export interface ChannelEvents {
  /** FreeSWITCH has ended the channel, or cannot be reached on it any more. Called once. */
  onGone(): void;
  /** An event of FreeSWITCH, by its name. */
  onEvent(name: string, event: EslEvent): void;
}

export interface ChannelOptions {
  readonly sip: SipClient;
  /** Longest time for an answer of FreeSWITCH, in milliseconds. */
  readonly commandMs: number;
  readonly events: ChannelEvents;
  /** Ends a channel that does not end by BYE; resolves when FreeSWITCH knows it no more. */
  readonly kill: (uuid: string) => Promise<void>;
}

/** One channel of FreeSWITCH: its SIP dialog and its event socket. */
export class Channel {
  readonly uuid: string;
  readonly line: EslLine;
  readonly #options: ChannelOptions;
  readonly #dialog: object;
  readonly #ended = new AbortController();
  readonly #changes = new Set<() => void>();
  #local: LocalAudio;
  #version = 1;
  /** The SDP of the far end that FreeSWITCH has, but for its version. */
  #shown: string;
  #closing: Promise<void> | null = null;

  /** `shown`: what the channel was called with; `local`: what FreeSWITCH answered. */
  constructor(channel: NewChannel, shown: AgreedAudio, local: LocalAudio, options: ChannelOptions) {
    this.#shown = farSideSdp(shown, 0);
    this.uuid = uuid(channel.uuid);
    this.#options = options;
    this.#dialog = channel.dialog;
    this.#local = local;
    this.line = new EslLine(channel.connection, {
      deadlineMs: options.commandMs,
      onGone: () => {
        this.#ended.abort();
        options.events.onGone();
      },
    });
    this.line.onEvent(this.uuid, (name, event) => {
      options.events.onEvent(name, event);
      for (const wake of [...this.#changes]) wake();
    });
  }

  /** Where FreeSWITCH receives, and by which key it sends. */
  get local(): LocalAudio {
    return this.#local;
  }

  /** Settings that must hold before anything happens on the channel. */
  async prepare(): Promise<void> {
    await Promise.all([
      this.line.subscribe(EVENTS),
      ...Object.entries({
        digits_dialed_filter: '.+',
        playback_terminators: STOP_KEY,
        hangup_after_bridge: 'false',
        park_after_bridge: 'true',
        hold_music: 'silence',
      }).map(([name, value]) => this.line.confirmed('uuid_setvar', this.uuid, name, value)),
    ]);
  }

  /**
   * Shows FreeSWITCH the far end, by re-INVITE unless it was shown just that before. Rejects with MediaError, and then
   * nothing has changed, or the channel is given up.
   */
  async show(audio: AgreedAudio): Promise<void> {
    const shown = farSideSdp(audio, 0);
    if (shown === this.#shown) return;
    this.#version += 1;
    const offer = farSideSdp(audio, this.#version);
    const { sip } = this.#options;
    const answer = await sip.reinvite(this.#dialog, offer, REINVITE_MS).catch((error: unknown) => {
      throw refusal(error);
    });
    try {
      this.#take(readAnswer(answer, audio));
    } catch (error) {
      // FreeSWITCH holds to what nobody agreed to: this channel is of no use any more.
      this.line.close();
      throw error;
    }
    this.#shown = shown;
  }

  async #peer(state: string, bond: string, bridge: string): Promise<string | null> {
    if (BRIDGE_STATES.some((one) => one === state)) return bond || bridge || null;
    if (bond === '') return null;
    // About to be bridged; or its peer has hung up, which the variable outlives.
    return (await this.line.api('uuid_exists', bond)).trim() === 'true' ? bond : null;
  }

  #take(local: LocalAudio): void {
    if (local.port !== this.#local.port || local.address !== this.#local.address) {
      throw new MediaError('engine-lost', 'FreeSWITCH moved its side of the audio');
    }
    this.#local = local;
  }

  async facts(): Promise<ChannelFacts> {
    // In one go: answers come in the order of the questions.
    const [counted, answer] = await Promise.all([
      this.line.api('uuid_set_media_stats', this.uuid),
      this.line.api('eval', `uuid:${this.uuid}`, FACTS_EXPRESSION),
    ]);
    if (!counted.startsWith('+OK')) throw new MediaError('engine-lost', 'FreeSWITCH has lost the channel');
    const [state = '', bond = '', bridge = '', argument = '', codec = '', received = '', ...sdp] =
      answer.split('|');
    return {
      peer: await this.#peer(state, bond, bridge),
      argument,
      codec,
      received: Number(received),
      local: readLocalSdp(sdp.join('|')),
    };
  }

  /** Of this channel, or another one on the same server: FreeSWITCH's state for it, and whom its audio goes to, or soon will. */
  async bridge(channel = this.uuid): Promise<{ readonly state: string; readonly peer: string | null }> {
    const answer = await this.line.api('eval', `uuid:${channel}`, PEER_EXPRESSION);
    const [state = '', bond = '', bridge = ''] = answer.trim().split('|');
    return { state, peer: await this.#peer(state, bond, bridge) };
  }

  /** Resolves at the next event of the channel, or after so long. */
  change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(late);
        this.#changes.delete(done);
        resolve();
      };
      const late = setTimeout(done, ms);
      this.#changes.add(done);
    });
  }

  /** Hangs up; resolves when FreeSWITCH has no such channel any more, or cannot be reached. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#options.sip.hangUp(this.#dialog);
    await ended(this.#ended.signal, END_MS);
    if (!this.#ended.signal.aborted) await this.#options.kill(this.uuid);
    this.line.close();
  }
}

function ended(signal: AbortSignal, ms: number): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(late);
      resolve();
    };
    const late = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** The SIP status that an error carries; 0 for none. */
export function statusOf(error: unknown): number {
  return typeof error === 'object' && error !== null
    ? Number((error as { status?: unknown }).status ?? 0)
    : 0;
}

/** What FreeSWITCH's refusal means to a call. */
export function refusal(cause: unknown): MediaError {
  if (cause instanceof MediaError) return cause;
  const status = statusOf(cause);
  const because = (code: MediaErrorCode, message: string) => new MediaError(code, message, { cause });
  if (status === 488) return because('no-common-codec', 'FreeSWITCH does not take the SDP (SIP 488)');
  if (status === 403) return because('engine-lost', 'FreeSWITCH refused our key (SIP 403)');
  if (status === 480 || status === 503)
    return because('no-port', `FreeSWITCH takes no more calls (SIP ${status})`);
  return because(
    'engine-lost',
    status > 0 ? `FreeSWITCH answered SIP ${status}` : 'FreeSWITCH did not answer',
  );
}
