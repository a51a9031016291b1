import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { EslEvent } from 'drachtio-modesl';
import type {
  AudioItem,
  AudioLoop,
  DigitEvent,
  DtmfMethod,
  EndpointState,
  MediaEndpoint,
  PlayOptions,
  PlayOutcome,
} from '../endpoint.js';
import { MediaError } from '../media-server.js';
import { sameKey } from '../rtp/srtp-suites.js';
import { type Codec, readRemoteSdp } from '../sdp/remote.js';
import { type AgreedAudio, type Negotiation, SdpSession } from '../sdp/session.js';
import type { Channel } from './channel.js';
import { Digits } from './digits.js';
import { UNKNOWN_FAR_SIDE } from './far-side-sdp.js';
import { isHeld } from './local-sdp.js';
import type { Node } from './node.js';
import { PacketAge } from './packet-age.js';
import { Player } from './player.js';
import { pressKeys } from './send-keys.js';
import type { Sounds } from './sounds.js';

export interface FreeswitchEndpointOptions {
  readonly node: Node;
  readonly sounds: Sounds;
  readonly relaysKeys: boolean;
  /** Nothing but SRTP. */
  readonly srtp: boolean;
  /** The endpoint that has this channel. */
  readonly endpointOf: (channel: string) => string | null;
  /** Called when the channel is gone and nobody asked for that; {@link FreeswitchEndpoint.lose} was called by then. */
  readonly onLost: () => void;
  readonly onClosed: () => void;
}

/** FreeSWITCH takes another key when it learns the far end's: what an offer told would be wrong by then. */
const NO_SRTP_OFFER = 'FreeSWITCH cannot be the one who offers SRTP';

const CODECS: readonly Codec[] = ['PCMU', 'PCMA'];

/** What there is while there is a channel. */
interface Standing {
  readonly channel: Channel;
  sdp: SdpSession;
  readonly player: Player;
  readonly age: PacketAge;
}

/**
 * One leg whose media a FreeSWITCH terminates. It belongs to a server from its beginning; its channel is made with the
 * first SDP, from either side. SDP is negotiated here, and FreeSWITCH is shown the outcome.
 */
export class FreeswitchEndpoint implements MediaEndpoint {
  readonly id = randomUUID();
  readonly relaysKeys: boolean;
  readonly #options: FreeswitchEndpointOptions;
  readonly #digits = new Digits();
  #standing: Standing | null = null;
  /** Sessions of before, whose keys {@link close} forgets. */
  readonly #past: SdpSession[] = [];
  /** What was last agreed with the far end. */
  #audio: AgreedAudio | null = null;
  /** FreeSWITCH looks for keys in the audio. */
  #inBand = false;
  #loop: AudioLoop | null = null;
  /** The prompt asked for last. */
  #latestPlay = 0;
  /** One offer or answer at a time. */
  #negotiating: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;
  #lost = false;

  constructor(options: FreeswitchEndpointOptions) {
    this.#options = options;
    this.relaysKeys = options.relaysKeys;
  }

  get node(): Node {
    return this.#options.node;
  }

  /** Null before the first SDP. */
  get channel(): Channel | null {
    return this.#standing?.channel ?? null;
  }

  get player(): Player | null {
    return this.#standing?.player ?? null;
  }

  /** Neither closed nor lost. */
  get live(): boolean {
    return this.#closing === null;
  }

  answer(offerSdp: string): Promise<string> {
    return this.#negotiate(async () => {
      const { audio } = (this.#standing?.sdp ?? this.#session('0.0.0.0', 9)).answer(offerSdp);
      const standing = this.#standing ?? (await this.#open(audio));
      await standing.channel.show(audio);
      // Once more: with SRTP the answer tells the key that FreeSWITCH has chosen just now.
      const negotiation = standing.sdp.answer(offerSdp);
      await this.#adopt(standing, negotiation);
      return negotiation.sdp;
    });
  }

  offer(remoteSdp?: string): Promise<string> {
    return this.#negotiate(async () => {
      if (this.#options.srtp && !this.#standing) throw new MediaError('unsupported-srtp', NO_SRTP_OFFER);
      const standing = this.#standing ?? (await this.#open(UNKNOWN_FAR_SIDE));
      if (remoteSdp !== undefined) await this.#takeKeys(standing, remoteSdp);
      return standing.sdp.offer(remoteSdp);
    });
  }

  acceptAnswer(answerSdp: string): Promise<void> {
    return this.#negotiate(async () => {
      if (!this.#standing) throw new MediaError('bad-sdp', 'there is no offer that this could answer');
      const negotiation = this.#standing.sdp.acceptAnswer(answerSdp);
      await this.#standing.channel.show(negotiation.audio);
      await this.#adopt(this.#standing, negotiation);
    });
  }

  hold(): Promise<void> {
    return this.#reconfigure({ sending: false, receiving: false });
  }

  resume(): Promise<void> {
    return this.#reconfigure({});
  }

  async play(items: readonly AudioItem[], { bargeIn = false }: PlayOptions = {}): Promise<PlayOutcome> {
    this.#established();
    this.#latestPlay += 1;
    const turn = this.#latestPlay;
    const sound = await this.#options.sounds.resolve(items);
    try {
      if (!this.#standing || this.#closing) return 'closed';
      if (turn !== this.#latestPlay) return 'interrupted';
      return sound.files.length === 0 ? 'finished' : await this.#standing.player.play(sound.files, bargeIn);
    } finally {
      sound.done();
    }
  }

  async stopPlaying(): Promise<void> {
    this.#assertOpen();
    this.#latestPlay += 1;
    await this.player?.stop();
  }

  async setLoop(loop: AudioLoop | null): Promise<void> {
    this.#assertOpen();
    this.#loop = loop;
    await this.player?.setLoop(loop === null ? null : this.#options.sounds.loop(loop));
  }

  onDigit(listener: (digit: DigitEvent) => void): () => void {
    return this.#digits.listen(listener);
  }

  sipInfo(contentType: string, body: string): boolean {
    return this.#digits.fromInfo(contentType, body);
  }

  async sendDigits(
    codes: readonly number[],
    options: { durationMs?: number; gapMs?: number } = {},
  ): Promise<void> {
    await pressKeys(this.#established().channel, codes, options);
  }

  /** `keyDown` is not known: FreeSWITCH tells of a key when it is up again. Nor is `nextSequence`. */
  async state(): Promise<EndpointState> {
    const { channel, player, age } = this.#established();
    const facts = await channel.facts();
    return {
      peer: facts.peer === null ? null : (this.#options.endpointOf(facts.peer) ?? facts.peer),
      loop: player.loop !== null && player.loop === facts.argument ? this.#loop : null,
      playing: player.prompt !== null && player.prompt === facts.argument,
      keyDown: false,
      held: isHeld(facts.local),
      codec: facts.codec === 'PCMU' || facts.codec === 'PCMA' ? facts.codec : null,
      lastPacketAgeMs: age.of(facts.received),
      nextSequence: null,
      dtmf: this.#methods(),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The server is gone, or the channel, and nobody asked for that. */
  lose(): void {
    if (this.#closing) return;
    this.#lost = true;
    void this.close();
  }

  #methods(): readonly DtmfMethod[] {
    if (!this.#audio) return [];
    return [this.#audio.eventPayloadType === null ? 'in-band' : 'rfc4733', 'sip-info'];
  }

  async #open(audio: AgreedAudio): Promise<Standing> {
    const { node, sounds } = this.#options;
    let player: Player | null = null;
    const channel = await node.openChannel(audio, {
      onGone: () => this.#gone(),
      onEvent: (name, event) => this.#event(player, name, event),
    });
    player = new Player(channel.uuid, channel.line);
    const { address, port } = channel.local;
    const standing = { channel, player, sdp: this.#session(address, port), age: new PacketAge() };
    this.#standing = standing;
    this.#assertOpen();
    await this.#listenInBand(standing, audio);
    if (this.#loop !== null) await player.setLoop(sounds.loop(this.#loop));
    return standing;
  }

  /**
   * The far end may have changed its SRTP key while another endpoint served it. FreeSWITCH takes a new one of its own
   * when it learns of that, which has to be known before our offer tells it.
   */
  async #takeKeys(standing: Standing, remoteSdp: string): Promise<void> {
    const audio = readRemoteSdp(remoteSdp).find((section) => section.audio?.crypto)?.audio;
    const line = audio?.crypto?.[0];
    if (!line || !this.#audio) return;
    const srtp = { suite: line.suite, remoteKey: line.key, localKey: line.key };
    await standing.channel.show({ ...this.#audio, srtp, sending: false, receiving: false });
    const { address, port } = standing.channel.local;
    this.#past.push(standing.sdp);
    standing.sdp = this.#session(address, port);
  }

  /** What FreeSWITCH was shown is agreed. */
  async #adopt(standing: Standing, { audio, commit }: Negotiation): Promise<void> {
    const key = standing.channel.local.crypto?.key;
    if (audio.srtp && (!key || !sameKey(audio.srtp.localKey, key))) {
      throw new MediaError('insecure', 'FreeSWITCH took a new SRTP key when the far end changed its own');
    }
    await this.#listenInBand(standing, audio);
    this.#audio = audio;
    commit();
  }

  /** SRTP keys that are told to the far end are those that FreeSWITCH has. */
  #session(address: string, port: number): SdpSession {
    const newKey = (bytes: number) => {
      const key = this.channel?.local.crypto?.key;
      if (!key) return randomBytes(bytes);
      return key.length === bytes ? Uint8Array.from(key) : null;
    };
    const sessionId = String(randomInt(1, 2 ** 47));
    const srtpRequired = this.#options.srtp;
    return new SdpSession({ address, port, sessionId, codecs: CODECS, srtpRequired, newKey });
  }

  #reconfigure(but: Partial<AgreedAudio>): Promise<void> {
    return this.#negotiate(async () => {
      if (this.#standing && this.#audio) await this.#standing.channel.show({ ...this.#audio, ...but });
    });
  }

  /** Tones are looked for only where no telephone-event was agreed: FreeSWITCH would tell the same key twice. */
  async #listenInBand({ channel }: Standing, { eventPayloadType }: AgreedAudio): Promise<void> {
    const wanted = eventPayloadType === null;
    if (wanted === this.#inBand) return;
    await channel.line.execute(
      channel.uuid,
      randomUUID(),
      wanted ? 'spandsp_start_dtmf' : 'spandsp_stop_dtmf',
    );
    this.#inBand = wanted;
  }

  #event(player: Player | null, name: string, event: EslEvent): void {
    player?.onEvent(name, event);
    if (name === 'DTMF' && this.#digits.fromFreeswitch(event)) player?.key();
  }

  #gone(): void {
    if (this.#closing) return;
    this.lose();
    this.#options.onLost();
  }

  async #close(): Promise<void> {
    this.#digits.close();
    this.player?.close();
    await this.#negotiating.catch(() => {});
    await this.channel?.close();
    for (const sdp of [...this.#past, this.#standing?.sdp]) sdp?.close();
    this.#options.onClosed();
  }

  #negotiate<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#negotiating
      .then(() => {
        this.#assertOpen();
        return work();
      })
      .catch((error: unknown) => {
        throw this.#closing ? this.#endedError() : error;
      });
    this.#negotiating = done.catch(() => {});
    return done;
  }

  #established(): Standing {
    this.#assertOpen();
    if (!this.#standing) throw new MediaError('closed', 'nothing was agreed with the far end yet');
    return this.#standing;
  }

  #assertOpen(): void {
    if (this.#closing) throw this.#endedError();
  }

  #endedError(): MediaError {
    if (!this.#lost) return new MediaError('closed', 'the endpoint is closed');
    return new MediaError('engine-lost', `FreeSWITCH at ${this.node.name} has lost the channel`);
  }
}
