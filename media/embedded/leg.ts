import type { DtmfMethod, EndpointState, PlayOutcome } from '../endpoint.js';
import { MediaError } from '../media-server.js';
import { asciiToEvent } from '../rtp/keys.js';
import { Srtp } from '../rtp/srtp.js';
import type { AgreedAudio } from '../sdp/session.js';
import { IN_BAND_DELAY_MS } from './in-band-keys.js';
import { type DropCounts, LegReceiver } from './leg-receiver.js';
import { LegSender, type StreamStart } from './leg-sender.js';
import type { Ticker } from './packet-clock.js';
import type { RtpSocket } from './rtp-socket.js';

/** News of a leg for the main side. */
export interface LegNews {
  onDigit(code: number, method: DtmfMethod, durationMs: number): void;
  onPlayed(playId: number, outcome: PlayOutcome): void;
  onPressed(pressId: number): void;
}

export interface LegOptions {
  readonly id: string;
  readonly start: StreamStart;
  /** Whether telephone-events of the far end go on to the peer. */
  readonly relaysKeys: boolean;
  readonly now: () => number;
  readonly drops: DropCounts;
  readonly news: LegNews;
}

/** One far end inside the worker: a receiving and a sending half, and the peer it may be bridged with. */
export class Leg implements Ticker {
  readonly id: string;
  readonly #now: () => number;
  readonly #relaysKeys: boolean;
  readonly #news: LegNews;
  readonly #receiver: LegReceiver;
  readonly #sender: LegSender;
  readonly #drops: DropCounts;
  /** Once there, it stays: what is not authenticated is nobody's. */
  #srtp: Srtp | null = null;
  #socket: RtpSocket | null = null;
  #onPortFree: () => void = () => {};
  #audio: AgreedAudio | null = null;
  #peer: Leg | null = null;
  /** A telephone-event that began while the bridge stood is being passed on. */
  #relaying = false;
  /** Before this time, and while a key from before the bridge is held, no audio crosses. */
  #silentUntil = 0;
  #keyFromBefore = false;

  constructor(options: LegOptions) {
    this.id = options.id;
    this.#now = options.now;
    this.#relaysKeys = options.relaysKeys;
    this.#news = options.news;
    this.#drops = options.drops;
    this.#sender = new LegSender(options.start, {
      send: (packet, length) => this.#send(packet, length),
      onPlayed: (playId, outcome) => options.news.onPlayed(playId, outcome),
    });
    this.#receiver = new LegReceiver(
      {
        onAudio: (bytes, start, end, timestamp, codec) => {
          if (this.#peer && this.#audioMayCross()) {
            this.#peer.#sender.takeBridged(bytes, start, end, timestamp, codec);
          }
        },
        onRestart: () => {
          if (this.#peer) this.#peer.#sender.restartBridged();
        },
        onEventDown: (event) => this.#relayDown(event),
        onEventUp: (duration) => this.#relayUp(duration),
        onKeyDown: () => this.#bargeIn(),
        onKey: (code, method, durationMs) => options.news.onDigit(code, method, durationMs),
      },
      options.drops,
      options.now,
    );
  }

  get peer(): Leg | null {
    return this.#peer;
  }

  /** `onPortFree` is called when the port is no longer bound. */
  attach(socket: RtpSocket, onPortFree: () => void): void {
    this.#socket = socket;
    this.#onPortFree = onPortFree;
  }

  configure(audio: AgreedAudio): void {
    if (audio.srtp) this.#srtp = Srtp.agree(audio.srtp, this.#srtp);
    else if (this.#srtp) throw new MediaError('insecure', 'a leg with SRTP does not go back to plain RTP');
    const first = this.#audio === null;
    this.#audio = audio;
    this.#receiver.configure(audio);
    if (!this.#receiver.source.settled) this.#socket?.disconnect();
    this.#sender.configure(audio);
    if (first) this.#socket?.listen((bytes, address, port) => this.#receive(bytes, address, port));
  }

  tick(now: number): void {
    this.#receiver.tick(now);
    this.#sender.tick();
  }

  skip(packets: number): void {
    this.#sender.skip(packets);
  }

  play(playId: number, prompts: Parameters<LegSender['player']['play']>[1], bargeIn: boolean): void {
    this.#sender.player.play(playId, prompts, bargeIn);
  }

  stopPlaying(): void {
    this.#sender.player.stop();
  }

  setLoop(...loop: Parameters<LegSender['setLoop']>): void {
    this.#sender.setLoop(...loop);
  }

  infoKey(code: number, durationMs: number): void {
    this.#receiver.infoKey(code, durationMs);
  }

  /** Queues keys; `onPressed` follows once all of them went out. */
  press(pressId: number, codes: readonly number[], durationMs: number, gapMs: number): void {
    const events = codes.map(asciiToEvent).filter((event) => event >= 0);
    if (events.length === 0) this.#news.onPressed(pressId);
    for (const [index, event] of events.entries()) {
      const last = index === events.length - 1;
      const done = last ? () => this.#news.onPressed(pressId) : null;
      this.#sender.keys.press(event, durationMs * 8, gapMs * 8, done);
    }
  }

  /** Both directions at once, and nothing from before: no audio, no key that is already held. */
  join(peer: Leg): void {
    this.#peer = peer;
    peer.#peer = this;
    this.#startCrossing();
    peer.#startCrossing();
  }

  /** When this returns no packet of one reaches the other. */
  part(): void {
    const peer = this.#peer;
    if (!peer) return;
    for (const leg of [this, peer]) {
      leg.#peer = null;
      leg.#relaying = false;
      leg.#sender.leaveBridge();
    }
  }

  state(): EndpointState {
    const inBand = this.#receiver.inBand;
    const events: DtmfMethod = inBand ? 'in-band' : 'rfc4733';
    return {
      peer: this.#peer?.id ?? null,
      loop: this.#sender.loopName,
      playing: this.#sender.player.playing,
      keyDown: this.#receiver.keyDown,
      held: this.#audio !== null && !this.#audio.sending,
      codec: this.#audio?.codec ?? null,
      dtmf: this.#audio === null ? [] : [events, 'sip-info'],
      nextSequence: this.#sender.nextSequence,
      lastPacketAgeMs: this.#now() - this.#receiver.lastPacketAt,
    };
  }

  /** When this returns the port is given up. */
  close(): void {
    this.part();
    this.#sender.close();
    this.#srtp?.close();
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.close();
    this.#onPortFree();
  }

  #receive(bytes: Uint8Array, address: string, port: number): void {
    const packet = this.#srtp ? this.#srtp.unprotect(bytes) : bytes;
    if (packet !== null) this.#receiver.receive(packet, address, port);
    else this.#drops.unauthenticated += 1;
  }

  #startCrossing(): void {
    this.#relaying = false;
    this.#keyFromBefore = this.#receiver.keyDown;
    // A tone that began just before the bridge is recognised only after this long.
    this.#silentUntil = this.#receiver.inBand ? this.#now() + IN_BAND_DELAY_MS : 0;
    this.#sender.joinBridge();
  }

  #audioMayCross(): boolean {
    if (this.#silentUntil > 0) {
      if (this.#receiver.keyDown) this.#keyFromBefore = true;
      if (this.#now() < this.#silentUntil) return false;
      this.#silentUntil = 0;
    }
    if (this.#keyFromBefore && !this.#receiver.keyDown) this.#keyFromBefore = false;
    return !this.#keyFromBefore;
  }

  #relayDown(event: number): void {
    if (!this.#peer || !this.#relaysKeys) return;
    this.#relaying = true;
    this.#keyFromBefore = false;
    this.#peer.#sender.keys.relayDown(event);
  }

  #relayUp(duration: number): void {
    if (this.#relaying && this.#peer) this.#peer.#sender.keys.relayUp(duration);
    this.#relaying = false;
  }

  #bargeIn(): void {
    const { player } = this.#sender;
    if (player.playing && player.bargeIn) player.end('interrupted');
  }

  #send(packet: Uint8Array, length: number): void {
    const { source } = this.#receiver;
    const address = source.address;
    if (address === null) return;
    const bytes = this.#srtp ? this.#srtp.protect(packet, length) : packet;
    this.#socket?.send(bytes, this.#srtp ? bytes.length : length, address, source.port, source.settled);
  }
}
