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
import { readInfoKey } from '../rtp/sip-info.js';
import type { AgreedAudio, Negotiation, SdpSession } from '../sdp/session.js';
import type { EngineLink } from './engine-link.js';
import type { EngineNews } from './messages.js';
import type { PromptSource } from './prompt-source.js';

export interface EmbeddedEndpointOptions {
  readonly id: string;
  readonly link: EngineLink;
  readonly sdp: SdpSession;
  readonly prompts: PromptSource;
  readonly onClosed: () => void;
}

const DEFAULT_PRESS_MS = 100;
const DEFAULT_GAP_MS = 80;

/** The main side of one leg: SDP and listeners here, RTP in the worker. */
export class EmbeddedEndpoint implements MediaEndpoint {
  readonly id: string;
  readonly #options: EmbeddedEndpointOptions;
  readonly #listeners = new Set<(digit: DigitEvent) => void>();
  readonly #plays = new Map<number, (outcome: PlayOutcome) => void>();
  readonly #presses = new Map<number, (sent: boolean) => void>();
  /** The prompt and the loop asked for last; one whose audio is ready too late is not sent any more. */
  #latestPlay = 0;
  #latestPress = 0;
  #latestLoop = 0;
  /** What was last agreed with the far end. */
  #audio: AgreedAudio | null = null;
  /** It was bridged: audio may cross until it is closed. */
  #crossed = false;
  #closed = false;
  #lost = false;

  constructor(options: EmbeddedEndpointOptions) {
    this.id = options.id;
    this.#options = options;
  }

  async answer(offerSdp: string): Promise<string> {
    this.#assertOpen();
    const negotiation = this.#options.sdp.answer(offerSdp);
    await this.#adopt(negotiation);
    return negotiation.sdp;
  }

  async offer(remoteSdp?: string): Promise<string> {
    this.#assertOpen();
    return this.#options.sdp.offer(remoteSdp);
  }

  async acceptAnswer(answerSdp: string): Promise<void> {
    this.#assertOpen();
    await this.#adopt(this.#options.sdp.acceptAnswer(answerSdp));
  }

  async hold(): Promise<void> {
    await this.#reconfigure({ sending: false, receiving: false });
  }

  async resume(): Promise<void> {
    await this.#reconfigure({});
  }

  async play(items: readonly AudioItem[], options: PlayOptions = {}): Promise<PlayOutcome> {
    this.#assertOpen();
    this.#latestPlay += 1;
    const playId = this.#latestPlay;
    const outcome = new Promise<PlayOutcome>((resolve) => this.#plays.set(playId, resolve));
    try {
      const prompts = await this.#options.prompts.resolve(items);
      if (this.#ended) return 'closed';
      if (playId !== this.#latestPlay) return 'interrupted';
      const bargeIn = options.bargeIn ?? false;
      this.#options.link.tell({ op: 'play', leg: this.id, playId, prompts, bargeIn });
      return await outcome;
    } catch (error) {
      if (this.#ended) return 'closed';
      throw error;
    } finally {
      this.#plays.delete(playId);
    }
  }

  async stopPlaying(): Promise<void> {
    this.#assertOpen();
    this.#latestPlay += 1;
    // Whatever is asked of the engine from now on comes after the stop: nobody needs to wait for it.
    this.#options.link.tellLater({ op: 'stop', leg: this.id });
    for (const settle of this.#plays.values()) settle('interrupted');
  }

  async setLoop(loop: AudioLoop | null): Promise<void> {
    this.#assertOpen();
    this.#latestLoop += 1;
    const loopId = this.#latestLoop;
    const prompt = loop === null ? null : await this.#options.prompts.loop(loop);
    if (loopId !== this.#latestLoop) return;
    this.#assertOpen();
    await this.#options.link.request({ op: 'loop', leg: this.id, name: loop, prompt });
  }

  onDigit(listener: (digit: DigitEvent) => void): () => void {
    const own = (digit: DigitEvent): void => listener(digit);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  sipInfo(contentType: string, body: string): boolean {
    const key = readInfoKey(contentType, body);
    if (!key) return false;
    // A key that arrives while the leg is being closed has nobody to go to.
    if (!this.#ended) this.#options.link.request({ op: 'info', leg: this.id, ...key }).catch(() => {});
    return true;
  }

  async sendDigits(
    codes: readonly number[],
    options: { durationMs?: number; gapMs?: number } = {},
  ): Promise<void> {
    this.#assertOpen();
    this.#latestPress += 1;
    const pressId = this.#latestPress;
    const sent = new Promise<boolean>((resolve) => this.#presses.set(pressId, resolve));
    const { durationMs = DEFAULT_PRESS_MS, gapMs = DEFAULT_GAP_MS } = options;
    try {
      await this.#options.link.request({ op: 'press', leg: this.id, pressId, codes, durationMs, gapMs });
      if (!(await sent)) throw this.#endedError();
    } finally {
      this.#presses.delete(pressId);
    }
  }

  async state(): Promise<EndpointState> {
    this.#assertOpen();
    return this.#options.link.request({ op: 'state', leg: this.id });
  }

  /** Its port is given up before anything that is asked of the engine from now on. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#listeners.clear();
    const request = { op: 'close', leg: this.id } as const;
    if (this.#crossed) this.#options.link.tell(request);
    else this.#options.link.tellLater(request);
    this.#options.sdp.close();
    this.#settleAll();
    this.#options.onClosed();
  }

  /** A bridge of it with another is asked for. */
  onBridge(): void {
    this.#crossed = true;
  }

  /** Something the worker reports about this leg. */
  onNews(news: EngineNews): void {
    if (news.type === 'played') this.#plays.get(news.playId)?.(news.outcome);
    else if (news.type === 'pressed') this.#presses.get(news.pressId)?.(true);
    else if (!this.#ended) {
      const { code, method, durationMs } = news;
      for (const listener of [...this.#listeners]) listener({ code, method, durationMs });
    }
  }

  /** The worker is gone: what plays ends as `closed`, what is asked from now on rejects with `engine-lost`. */
  onLost(): void {
    this.#lost = true;
    this.#settleAll();
  }

  get #ended(): boolean {
    return this.#closed || this.#lost;
  }

  #settleAll(): void {
    for (const settle of this.#plays.values()) settle('closed');
    for (const settle of this.#presses.values()) settle(false);
  }

  /** The first agreement on plain RTP cannot be refused: the call is answered while the engine still takes it in. */
  async #adopt({ audio, commit }: Negotiation): Promise<void> {
    const request = { op: 'configure', leg: this.id, audio } as const;
    if (this.#audio === null && !audio.srtp) this.#options.link.tell(request);
    else await this.#options.link.request(request);
    this.#audio = audio;
    commit();
  }

  /** What was agreed, but for these; nothing before there was an agreement. */
  async #reconfigure(but: Partial<AgreedAudio>): Promise<void> {
    this.#assertOpen();
    if (this.#audio === null) return;
    const audio = { ...this.#audio, ...but };
    await this.#options.link.request({ op: 'configure', leg: this.id, audio });
  }

  #assertOpen(): void {
    if (this.#ended) throw this.#endedError();
  }

  #endedError(): MediaError {
    if (this.#closed) return new MediaError('closed', 'the endpoint is closed');
    return new MediaError('engine-lost', 'the media engine is gone');
  }
}
