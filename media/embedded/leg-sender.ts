import { dtmfTone } from '../codec/dtmf-tones.js';
import { encodePcma, encodePcmu } from '../codec/g711.js';
import type { AudioLoop, PlayOutcome } from '../endpoint.js';
import type { EncodedPrompt } from '../prompts/prompt-store.js';
import { JitterBuffer } from '../rtp/jitter-buffer.js';
import { KeySender } from '../rtp/key-sender.js';
import { eventToAscii } from '../rtp/keys.js';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../rtp/packet.js';
import type { Codec } from '../sdp/remote.js';
import type { AgreedAudio } from '../sdp/session.js';
import { PromptPlayer } from './prompt-player.js';
import { SILENCE, translation } from './tables.js';

/** Samples, and G.711 bytes, of one 20 ms packet. */
const FRAME = 160;
const PACKET_BYTES = RTP_HEADER_BYTES + FRAME;
const EVENT_BYTES = RTP_HEADER_BYTES + 4;
/** -10 dBm0, the usual volume of a telephone-event. */
const EVENT_VOLUME = 10;

/** The random beginnings of an RTP stream (RFC 3550 section 5.1). */
export interface StreamStart {
  readonly ssrc: number;
  readonly sequence: number;
  readonly timestamp: number;
}

export interface SenderOutput {
  send(packet: Uint8Array, length: number): void;
  onPlayed(playId: number, outcome: PlayOutcome): void;
}

/**
 * The sending half of a leg: one packet each 20 ms, of the first of these that is there: tone of a key,
 * prompt, bridged audio, loop, silence. The RTP clock runs on through all of them.
 */
export class LegSender {
  readonly #output: SenderOutput;
  readonly #packet = new Uint8Array(PACKET_BYTES);
  readonly #eventPacket = new Uint8Array(EVENT_BYTES);
  readonly #ssrc: number;
  #sequence: number;
  #timestamp: number;
  #codec: Codec = 'PCMU';
  #payloadType = 0;
  #eventPayloadType: number | null = null;
  #sending = false;
  #marker = true;
  #silent = false;
  readonly player: PromptPlayer;
  readonly keys: KeySender;
  #tone: PromptPlayer | null = null;
  #loop: PromptPlayer | null = null;
  #loopName: AudioLoop | null = null;
  /** Audio of the bridged peer, in the codec we send; null without a bridge. */
  #bridged: JitterBuffer | null = null;
  #spare: JitterBuffer | null = null;

  constructor(start: StreamStart, output: SenderOutput) {
    this.#output = output;
    this.#ssrc = start.ssrc;
    this.#sequence = start.sequence;
    this.#timestamp = start.timestamp;
    this.player = new PromptPlayer((playId, outcome) => output.onPlayed(playId, outcome));
    this.keys = new KeySender({
      sendEvent: (event, end, duration, at, marker) => this.#sendEvent(event, end, duration, at, marker),
      startTone: (event, duration) => this.#startTone(event, duration),
    });
  }

  get nextSequence(): number {
    return this.#sequence;
  }

  get loopName(): AudioLoop | null {
    return this.#loopName;
  }

  configure(audio: AgreedAudio): void {
    const table = translation(this.#codec, audio.codec);
    if (table) this.#bridged?.translate(table);
    this.#codec = audio.codec;
    this.#payloadType = audio.payloadType;
    this.#eventPayloadType = audio.eventPayloadType;
    if (audio.sending && !this.#sending) this.#marker = true;
    this.#sending = audio.sending;
    this.#silent = false;
  }

  setLoop(name: AudioLoop | null, prompt: EncodedPrompt | null): void {
    this.#loopName = name;
    this.#loop = prompt === null ? null : new PromptPlayer();
    if (prompt !== null) this.#loop?.playEndlessly(prompt);
  }

  /** Starts taking audio of a peer; nothing from before is left. */
  joinBridge(): void {
    this.#spare ??= new JitterBuffer();
    this.#spare.flush();
    this.#bridged = this.#spare;
    this.keys.dropRelayed();
  }

  /** Nothing of the peer goes out any more, not even what lies in the packet buffer. */
  leaveBridge(): void {
    this.#bridged?.flush();
    this.#bridged = null;
    this.keys.dropRelayed();
    this.#packet.fill(0);
    this.#silent = false;
  }

  /** Audio of the peer, `bytes[start..end)`. */
  takeBridged(bytes: Uint8Array, start: number, end: number, timestamp: number, codec: Codec): void {
    const table = translation(codec, this.#codec);
    this.#bridged?.push(bytes, start, end, timestamp, table, SILENCE[this.#codec]);
  }

  /** The peer's stream was replaced by another one. */
  restartBridged(): void {
    this.#bridged?.flush();
  }

  tick(): void {
    const eventTick = this.keys.tick(this.#timestamp, this.#eventPayloadType !== null);
    if (!eventTick) this.#sendAudio();
    this.#timestamp = (this.#timestamp + FRAME) >>> 0;
  }

  skip(packets: number): void {
    this.#timestamp = (this.#timestamp + packets * FRAME) >>> 0;
  }

  close(): void {
    this.player.stop();
    this.keys.close();
    this.#packet.fill(0);
    this.#bridged?.flush();
  }

  #sendAudio(): void {
    const sounds = this.#fill();
    if (!sounds && !this.#silent) this.#packet.fill(SILENCE[this.#codec], RTP_HEADER_BYTES);
    if (sounds && this.#silent) this.#marker = true;
    this.#silent = !sounds;
    if (!this.#sending) return;
    writeRtpHeader(
      this.#packet,
      this.#payloadType,
      this.#marker,
      this.#sequence,
      this.#timestamp,
      this.#ssrc,
    );
    this.#marker = false;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#output.send(this.#packet, PACKET_BYTES);
  }

  /** Puts the frame's audio into the packet; false when there is none. */
  #fill(): boolean {
    const silence = SILENCE[this.#codec];
    if (this.#tone?.playing)
      return this.#tone.fill(this.#packet, RTP_HEADER_BYTES, FRAME, this.#codec, silence);
    this.#tone = null;
    if (this.player.playing) {
      return this.player.fill(this.#packet, RTP_HEADER_BYTES, FRAME, this.#codec, silence);
    }
    if (this.#bridged) return this.#bridged.read(this.#packet, RTP_HEADER_BYTES, FRAME, silence);
    if (this.#loop) return this.#loop.fill(this.#packet, RTP_HEADER_BYTES, FRAME, this.#codec, silence);
    return false;
  }

  #sendEvent(event: number, end: boolean, duration: number, startedAt: number, marker: boolean): void {
    if (!this.#sending || this.#eventPayloadType === null) return;
    const packet = this.#eventPacket;
    writeRtpHeader(packet, this.#eventPayloadType, marker, this.#sequence, startedAt, this.#ssrc);
    packet[12] = event;
    packet[13] = (end ? 0x80 : 0) | EVENT_VOLUME;
    packet[14] = duration >> 8;
    packet[15] = duration;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#output.send(packet, EVENT_BYTES);
    packet.fill(0, RTP_HEADER_BYTES);
  }

  #startTone(event: number, duration: number): void {
    const pcm = dtmfTone(eventToAscii(event), Math.round(duration / 8));
    this.#tone = new PromptPlayer();
    this.#tone.play(0, [{ id: 0, samples: pcm.length, pcmu: encodePcmu(pcm), pcma: encodePcma(pcm) }]);
  }
}
