import { randomUUID } from 'node:crypto';
import type {
  AudioItem,
  AudioLoop,
  DigitEvent,
  EndpointState,
  MediaEndpoint,
  PlayOptions,
  PlayOutcome,
} from '../endpoint.js';
import { MediaError } from '../media-server.js';
import { type RemoteAudio, readRemoteSdp } from '../sdp/remote.js';
import type { Channel, ChannelEvents } from './channel.js';
import { Digits } from './digits.js';
import type { Node } from './node.js';
import { Player } from './player.js';
import { withDirection } from './sdp-direction.js';
import type { Sounds } from './sounds.js';

export interface FreeswitchEndpointOptions {
  readonly node: Node;
  readonly sounds: Sounds;
  readonly relaysKeys: boolean;
  readonly openChannel: (offer: string | null, events: ChannelEvents) => Promise<Channel>;
  /** The endpoint of this channel, or null. */
  readonly endpointOf: (uuid: string) => string | null;
  readonly onClosed: () => void;
  /** The channel ended without us. */
  readonly onLost: () => void;
}

const DEFAULT_PRESS_MS = 100;
/** FreeSWITCH counts in samples at 8 kHz, and has its own pause between two keys. */
const SAMPLES_PER_MS = 8;

/** One leg whose media a FreeSWITCH terminates. Its channel is made with the first offer, from either side. */
export class FreeswitchEndpoint implements MediaEndpoint {
  readonly id = randomUUID();
  readonly relaysKeys: boolean;
  readonly #options: FreeswitchEndpointOptions;
  readonly #digits = new Digits();
  #channel: Channel | null = null;
  #opening: Promise<Channel> | null = null;
  #player: Player | null = null;
  /** Wanted before there was a channel. */
  #loop: AudioLoop | null = null;
  #localSdp = '';
  #remoteSdp: string | null = null;
  #held = false;
  #inBand = false;
  #playing = 0;
  #packets = { count: -1, changedAt: performance.now() };
  #closing: Promise<void> | null = null;
  #lost = false;

  constructor(options: FreeswitchEndpointOptions) {
    this.#options = options;
    this.relaysKeys = options.relaysKeys;
  }

  get node(): Node {
    return this.#options.node;
  }

  get hasChannel(): boolean {
    return this.#channel !== null && !this.#channel.over;
  }

  /** FreeSWITCH's name of the channel; null before there is one. */
  get uuid(): string | null {
    return this.#channel?.uuid ?? null;
  }

  /** Throws MediaError `closed` or `engine-lost` when there is none. */
  get channel(): Channel {
    if (!this.#channel || this.#ended) throw this.#endedError();
    return this.#channel;
  }

  async answer(offerSdp: string): Promise<string> {
    this.#assertOpen();
    audioOf(offerSdp);
    const known = this.#channel;
    const answer = known ? await known.modify(offerSdp) : (await this.#open(offerSdp)).firstSdp;
    assertNotDowngraded(offerSdp, answer);
    await this.#agree(offerSdp, answer);
    return answer;
  }

  async offer(): Promise<string> {
    this.#assertOpen();
    if (!this.#channel) this.#localSdp = (await this.#open(null)).firstSdp;
    return withDirection(this.#localSdp, 'sendrecv');
  }

  async acceptAnswer(answerSdp: string): Promise<void> {
    this.#assertOpen();
    audioOf(answerSdp);
    await this.#agree(answerSdp, await this.channel.modify(answerSdp));
  }

  async hold(): Promise<void> {
    if (this.#remoteSdp === null) return;
    await this.channel.modify(withDirection(this.#remoteSdp, 'inactive'));
    this.#held = true;
  }

  async resume(): Promise<void> {
    if (this.#remoteSdp === null) return;
    await this.channel.modify(this.#remoteSdp);
    this.#held = false;
  }

  async play(items: readonly AudioItem[], options: PlayOptions = {}): Promise<PlayOutcome> {
    this.#assertOpen();
    this.#playing += 1;
    const turn = this.#playing;
    const sound = await this.#options.sounds.resolve(items);
    const barge = options.bargeIn ? this.#digits.listen(() => void this.#interrupt(turn)) : () => {};
    try {
      if (this.#ended) return 'closed';
      if (turn !== this.#playing) return 'interrupted';
      if (sound.files.length === 0) return 'finished';
      return await this.#requirePlayer().play(sound.files);
    } catch (error) {
      if (this.#ended) return 'closed';
      throw error;
    } finally {
      barge();
      sound.done();
    }
  }

  async stopPlaying(): Promise<void> {
    this.#assertOpen();
    this.#playing += 1;
    await this.#player?.stop();
  }

  async setLoop(loop: AudioLoop | null): Promise<void> {
    this.#assertOpen();
    this.#loop = loop;
    await this.#player?.setLoop(loop === null ? null : this.#options.sounds.loop(loop));
  }

  onDigit(listener: (digit: DigitEvent) => void): () => void {
    return this.#digits.listen(listener);
  }

  sipInfo(contentType: string, body: string): boolean {
    return this.#digits.fromInfo(contentType, body);
  }

  async sendDigits(codes: readonly number[], options: { durationMs?: number } = {}): Promise<void> {
    const { durationMs = DEFAULT_PRESS_MS } = options;
    const keys = String.fromCharCode(...codes);
    if (keys !== '') {
      const press = `${keys}@${Math.round(durationMs * SAMPLES_PER_MS)}`;
      await this.channel.order('uuid_send_dtmf', this.channel.uuid, press);
    }
  }

  /** `keyDown` is not known: FreeSWITCH tells of a key when it is up again. */
  async state(): Promise<EndpointState> {
    const { channel } = this;
    await channel.api('uuid_set_media_stats', channel.uuid);
    const peer = await channel.peer();
    const received = Number(await channel.variable('rtp_audio_in_packet_count'));
    const audio = this.#remoteSdp === null ? null : audioOf(this.#remoteSdp);
    const voice = audio?.formats.find(({ kind }) => kind !== 'telephone-event')?.kind;
    const now = performance.now();
    if (received !== this.#packets.count) this.#packets = { count: received, changedAt: now };
    return {
      peer: peer === null ? null : (this.#options.endpointOf(peer) ?? peer),
      loop: this.#player?.looping ? this.#loop : null,
      playing: this.#player?.playing ?? false,
      keyDown: false,
      held: this.#held || (audio !== null && !hears(audio)),
      codec: voice === 'PCMU' || voice === 'PCMA' ? voice : null,
      lastPacketAgeMs: now - this.#packets.changedAt,
      nextSequence: null,
      dtmf: audio === null ? [] : [this.#inBand ? 'in-band' : 'rfc4733', 'sip-info'],
    };
  }

  /** Silences what is played to it, before a bridge, and lets the loop sound again after it. */
  async setBridged(bridged: boolean): Promise<void> {
    await this.#player?.setBridged(bridged);
  }

  /** The server is gone, or its channel is. */
  onLost(): void {
    if (this.#ended) return;
    this.#lost = true;
    this.#end();
    this.#channel?.gone();
    this.#options.onLost();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#end();
    const channel = await this.#opening?.catch(() => null);
    await channel?.close();
    this.#options.onClosed();
  }

  #end(): void {
    this.#player?.close();
    this.#digits.close();
  }

  async #open(offer: string | null): Promise<Channel> {
    this.#opening ??= this.#options.openChannel(offer, {
      onDigit: (digit) => this.#digits.fromFreeswitch(digit),
      onGone: () => this.onLost(),
    });
    const channel = await this.#opening;
    if (this.#ended) throw this.#endedError();
    this.#channel = channel;
    this.#player = new Player(channel);
    if (this.#loop) await this.#player.setLoop(this.#options.sounds.loop(this.#loop));
    return channel;
  }

  async #agree(remoteSdp: string, localSdp: string): Promise<void> {
    this.#remoteSdp = remoteSdp;
    this.#localSdp = localSdp;
    this.#held = false;
    await this.#listenInBand(audioOf(remoteSdp));
  }

  /** Tones are looked for only where the far end knows no telephone-event. */
  async #listenInBand(audio: RemoteAudio): Promise<void> {
    const wanted = !audio.formats.some(({ kind }) => kind === 'telephone-event');
    if (wanted === this.#inBand) return;
    this.#inBand = wanted;
    const execution = this.channel.execute(wanted ? 'start_dtmf' : 'stop_dtmf', '');
    await execution.done;
  }

  async #interrupt(turn: number): Promise<void> {
    if (turn === this.#playing) await this.stopPlaying().catch(() => {});
  }

  #requirePlayer(): Player {
    if (!this.#player) throw new MediaError('closed', 'the far end has no media yet');
    return this.#player;
  }

  get #ended(): boolean {
    return this.#closing !== null || this.#lost;
  }

  #assertOpen(): void {
    if (this.#ended) throw this.#endedError();
  }

  #endedError(): MediaError {
    if (this.#lost) return new MediaError('engine-lost', 'FreeSWITCH gave the call up');
    return new MediaError('closed', 'the endpoint is closed');
  }
}

/** The audio of a stranger's SDP. Throws MediaError. */
function audioOf(sdp: string): RemoteAudio {
  const audio = readRemoteSdp(sdp).find((section) => section.audio !== null)?.audio;
  if (!audio)
    throw new MediaError('no-common-codec', 'no audio section can be used: needed are PCMU or PCMA');
  return audio;
}

function hears({ address, direction }: RemoteAudio): boolean {
  return address !== null && (direction === 'sendrecv' || direction === 'recvonly');
}

/** An offer with keys must be answered with keys (RFC 4568 section 5.1.2). */
function assertNotDowngraded(offer: string, answer: string): void {
  if (!/^m=audio \d+ RTP\/SAVPF? /m.test(offer)) return;
  if (/^m=audio \d+ RTP\/SAVPF? /m.test(answer) && /^a=crypto:/m.test(answer)) return;
  throw new MediaError('no-common-codec', 'FreeSWITCH did not answer SRTP with SRTP');
}
