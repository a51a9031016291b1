import { setImmediate as turn } from 'node:timers/promises';
import type {
  AudioLoop,
  DigitEvent,
  EndpointState,
  MediaEndpoint,
  PlayOutcome,
} from '../../media/endpoint.js';
import { type EndpointOptions, MediaError, type MediaServer } from '../../media/media-server.js';
import { type DialogHandlers, type SipDialog, SipFailure } from '../../server/sip/signalling.js';

/** Called before each operation of the engine: may throw, delay it, or do something else at that very moment. */
export type OnStep = (step: number, operation: string) => unknown;

export class FakeEndpoint implements MediaEndpoint {
  readonly id: string;
  readonly #media: FakeMedia;
  readonly #listeners = new Set<(digit: DigitEvent) => void>();
  closed = false;
  peer: FakeEndpoint | null = null;
  loop: AudioLoop | null = null;
  keyDown = false;
  held = false;
  relaysKeys = true;

  constructor(media: FakeMedia, id: string) {
    this.#media = media;
    this.id = id;
  }

  answer = () => this.#media.step('answer', this, () => 'sdp');
  offer = () => this.#media.step('offer', this, () => 'sdp');
  acceptAnswer = () =>
    this.#media.step('acceptAnswer', this, () => {
      this.held = false;
    });
  hold = () =>
    this.#media.step('hold', this, () => {
      this.held = true;
    });
  resume = () =>
    this.#media.step('resume', this, () => {
      this.held = false;
    });
  played = 0;
  play = () => {
    this.played += 1;
    return this.#media.step('play', this, (): PlayOutcome => 'finished');
  };
  stopPlaying = () => this.#media.step('stopPlaying', this, () => {});
  setLoop = (loop: AudioLoop | null) =>
    this.#media.step('setLoop', this, () => {
      this.loop = loop;
    });
  sendDigits = () => this.#media.step('sendDigits', this, () => {});
  sipInfo = () => true;
  state = () =>
    this.#media.step(
      'state',
      this,
      (): EndpointState => ({
        peer: this.peer?.id ?? null,
        loop: this.loop,
        playing: false,
        keyDown: this.keyDown,
        held: this.held,
        codec: 'PCMU',
        lastPacketAgeMs: 0,
        nextSequence: 0,
        dtmf: ['rfc4733'],
      }),
    );

  onDigit(listener: (digit: DigitEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  press(keys: string): void {
    for (const key of keys) {
      const digit: DigitEvent = { code: key.charCodeAt(0), method: 'rfc4733', durationMs: 60 };
      for (const listener of [...this.#listeners]) listener(digit);
    }
  }

  part(): void {
    if (this.peer) this.peer.peer = null;
    this.peer = null;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.part();
    await turn();
  }
}

/** A media server without media: every operation takes effect one turn of the event loop after it was asked for. */
export class FakeMedia implements MediaServer {
  readonly engine = 'embedded';
  readonly endpoints: FakeEndpoint[] = [];
  readonly #lostListeners: ((endpoints: ReadonlySet<string>) => void)[] = [];
  readonly detail = 'no media';
  onStep: OnStep = () => null;
  onBridge: () => void = () => {};
  steps = 0;
  /** What the server says against secure mode. */
  fault: string | null = null;
  lost = false;

  get ready(): boolean {
    return !this.lost;
  }

  get open(): number {
    return this.lost ? 0 : this.endpoints.filter(({ closed }) => !closed).length;
  }

  async step<T>(operation: string, endpoint: FakeEndpoint | null, effect: () => T): Promise<T> {
    this.steps += 1;
    this.#assertOpen(endpoint);
    await this.onStep(this.steps, operation);
    await turn();
    this.#assertOpen(endpoint);
    return effect();
  }

  #assertOpen(endpoint: FakeEndpoint | null): void {
    if (this.lost) throw new MediaError('engine-lost', 'lost');
    if (endpoint?.closed) throw new MediaError('closed', 'closed');
  }

  lose(): void {
    if (this.lost) return;
    this.lost = true;
    for (const endpoint of this.endpoints) endpoint.part();
    const lost = new Set(this.endpoints.map(({ id }) => id));
    for (const listener of this.#lostListeners) listener(lost);
  }

  onLost(listener: (endpoints: ReadonlySet<string>) => void): void {
    this.#lostListeners.push(listener);
  }

  createEndpoint({ relaysKeys = true }: EndpointOptions = {}): Promise<MediaEndpoint> {
    return this.step('createEndpoint', null, () => {
      const endpoint = new FakeEndpoint(this, `e${this.endpoints.length}`);
      endpoint.relaysKeys = relaysKeys;
      this.endpoints.push(endpoint);
      return endpoint;
    });
  }

  bridge(a: FakeEndpoint, b: FakeEndpoint): Promise<void> {
    return this.step('bridge', a, () => {
      this.#assertOpen(b);
      a.part();
      b.part();
      a.peer = b;
      b.peer = a;
      this.onBridge();
    });
  }

  unbridge(endpoint: FakeEndpoint): Promise<void> {
    return this.step('unbridge', endpoint, () => endpoint.part());
  }

  secureFault = () => this.step('secureFault', null, () => this.fault);
  async start(): Promise<void> {}
  async prepare(): Promise<void> {}

  release(): void {}
  stats = () => Promise.reject(new Error('not asked for here'));
  async close(): Promise<void> {}
}

/** The far end of one dialog. */
export class FakeDialog implements SipDialog {
  readonly callId = 'call';
  readonly handlers: DialogHandlers;
  over = false;

  constructor(handlers: DialogHandlers) {
    this.handlers = handlers;
  }

  /** What the far end answers to a re-INVITE: an SDP, or the status of a refusal. */
  onReinvite: (offerSdp: string) => string | number = () => 'sdp';

  async reinvite(offerSdp: string): Promise<string> {
    await turn();
    const answer = this.over ? 481 : this.onReinvite(offerSdp);
    if (typeof answer === 'number') throw new SipFailure(answer, 'refused');
    return answer;
  }

  async hangUp(): Promise<void> {
    await turn();
    this.over = true;
  }

  farEndHangsUp(): void {
    if (this.over) return;
    this.over = true;
    this.handlers.hungUp();
  }
}
