import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { writeWav } from '../../media/codec/wav.js';
import { within } from './deadline.js';
import type { PhoneCodec } from './g711.js';
import { AUDIBLE, type Heard, type HeardDigit } from './heard.js';
import { Keypad, keyOfInfo, type PressOptions } from './keypad.js';
import type { NetworkFault } from './network-fault.js';
import type { PhoneMedia } from './phone-media.js';
import { answerDirection, type Direction, listens, type PhoneSdp, readSdp, writeSdp } from './phone-sdp.js';
import { Refused, type SipDialog, type SipMessage, type SipReply, type SipRequest } from './phone-sip.js';
import { type Sound, silence, tones } from './sounds.js';
import { KEY_BYTES } from './srtp.js';

/** What a phone offers and answers. */
export interface AudioSettings {
  readonly codecs: readonly PhoneCodec[];
  readonly telephoneEvent: boolean;
  readonly direction: Direction;
  readonly srtp: boolean;
  /** Named instead of that of the RTP socket; null for the truth. */
  readonly sdpAddress: string | null;
}

export interface ReinviteChange {
  readonly codec?: PhoneCodec;
  readonly telephoneEvent?: boolean;
  readonly direction?: Direction;
  /** Moves the audio to a new port at this loopback address. */
  readonly address?: string;
  /** Says c=0.0.0.0, the hold of RFC 2543. */
  readonly nowhere?: boolean;
  /** Takes a new SRTP key. */
  readonly newKey?: boolean;
  /** Begins or gives up SRTP. */
  readonly srtp?: boolean;
}

export interface CallEnded {
  readonly by: 'us' | 'them';
  /** The Reason header of their BYE, or what the SIP stack says. */
  readonly reason: string;
}

const EVENT_PAYLOAD_TYPE = 101;
const ANSWER_MS = 5000;

/** One call of a phone, from its answer to its end. Times are ms on the clock of `performance.now()`. */
export class PhoneCall {
  readonly ended: Promise<CallEnded>;
  /** SIP NOTIFY bodies received, such as the progress of a REFER. */
  readonly notifies: string[] = [];
  /** Answers re-INVITEs with this status instead of accepting them. */
  refuseReinvites: number | null = null;
  readonly #media: PhoneMedia;
  readonly #keypad: Keypad;
  #settings: AudioSettings;
  #dialog: SipDialog | null = null;
  #remote: PhoneSdp | null = null;
  #version = 0;
  #key: Uint8Array = randomBytes(KEY_BYTES);
  #over = false;
  #end: (how: CallEnded) => void = () => {};

  constructor(media: PhoneMedia, settings: AudioSettings) {
    this.#media = media;
    this.#keypad = new Keypad(media, (type, body) => this.#request('INFO', { 'Content-Type': type }, body));
    this.#settings = settings;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get heard(): Heard {
    return this.#media.heard;
  }

  /** Our RTP address. */
  get audioPort(): number {
    return this.#media.port;
  }

  /** Codec and telephone-event payload type in use towards the far end, and whether it listens. */
  get agreed(): { codec: PhoneCodec; eventPayloadType: number | null; sending: boolean } {
    const remote = this.#remote;
    const codec = remote?.codecs.find((theirs) => this.#settings.codecs.includes(theirs)) ?? 'PCMU';
    const events = this.#settings.telephoneEvent ? (remote?.eventPayloadType ?? null) : null;
    const ours = this.#settings.direction;
    const sending = remote !== null && listens(remote) && (ours === 'sendrecv' || ours === 'sendonly');
    return { codec, eventPayloadType: events, sending };
  }

  /** Our SRTP key; said in the SDP and nowhere else. */
  get srtpKey(): Uint8Array {
    return this.#key;
  }

  /** What the network makes of each datagram sent, SRTP included: what is returned arrives, in this order. */
  set wire(wire: (datagram: Buffer) => readonly Buffer[]) {
    this.#media.wire = wire;
  }

  /** Our SDP: an offer, or with `offer` the answer to it, which is then in force. Throws when it cannot be read. */
  describe(offer: string | null): string {
    if (offer === null) return this.#write(this.#settings);
    const theirs = readSdp(offer);
    if ((theirs.crypto !== null) !== this.#settings.srtp) throw new Error('another RTP profile');
    const codec = theirs.codecs.find((each) => this.#settings.codecs.includes(each));
    if (!codec) throw new Error('no common codec');
    const direction = answerDirection(theirs.direction, this.#settings.direction);
    const telephoneEvent = this.#settings.telephoneEvent && theirs.eventPayloadType !== null;
    const answered = { ...this.#settings, codecs: [codec], telephoneEvent, direction };
    const body = this.#write(answered, theirs.eventPayloadType, undefined, theirs.crypto?.tag);
    this.#follow(theirs);
    return body;
  }

  /** Takes over a dialog; `answer` is the far end's answer to our offer, if we made one. */
  attach(dialog: SipDialog, answer: string | null): void {
    this.#dialog = dialog;
    if (answer !== null) this.#follow(readSdp(answer));
    dialog.on('destroy', (request, reason) => this.#finish('them', reasonOf(request, reason)));
    dialog.on('modify', (request, reply) => this.#answerReinvite(request, reply));
    dialog.on('update', (request, reply) => this.#answerReinvite(request, reply));
    dialog.on('info', (request, reply) => this.#takeInfo(request, reply));
    dialog.on('refer', (_request, reply) => reply.send(603));
    dialog.on('options', (_request, reply) => reply.send(200));
    dialog.on('notify', (request, reply) => {
      this.notifies.push(request.body);
      reply.send(200);
    });
    dialog.on('ack', (request) => {
      if (request.body) this.#follow(readSdp(request.body));
    });
  }

  /** What is said while no key is pressed: PCM is repeated by `loop`, a tone by {@link tone}. */
  speak(sound: Sound): void {
    this.#media.sound = sound;
  }

  /** Says one frequency without end, at `dbfs` (default -10). */
  tone(hz: number, dbfs = -10): void {
    this.speak(tones([hz], dbfs));
  }

  hush(): void {
    this.speak(silence);
  }

  /** Faults of the network towards the far end, until changed. */
  set network(fault: NetworkFault | null) {
    this.#keypad.network = fault;
    this.#media.network = fault;
  }

  /**
   * Resolves when the keys and their pauses are out, and every INFO is answered with success; rejects with
   * {@link Refused}, and when telephone-events are asked for that were not agreed.
   */
  async press(keys: string, options: PressOptions = {}): Promise<void> {
    const byEvent = (options.method ?? 'rfc4733') === 'rfc4733';
    if (byEvent && this.agreed.eventPayloadType === null) throw new Error('telephone-event was not agreed');
    await this.#keypad.press(keys, options);
  }

  heardDigits(from?: number, to?: number): HeardDigit[] {
    return this.heard.digits(from, to);
  }

  /** How long a frequency was heard, ms. */
  heardTone(hz: number, from?: number, to?: number): number {
    return this.heard.toneMs(hz, from, to);
  }

  /** Resolves with the time at which `minMs` (default 60) of audio, or of one frequency, had come from now on. */
  waitForAudio(
    options: { hz?: number; minMs?: number; deadlineMs?: number; threshold?: number } = {},
  ): Promise<number> {
    const { hz, minMs = 60, deadlineMs = 5000, threshold = AUDIBLE } = options;
    return this.#media.waits.audio(minMs, deadlineMs, threshold, hz);
  }

  /** Resolves when nothing audible came for `quietMs` (default 200). */
  waitForSilence(options: { quietMs?: number; deadlineMs?: number; threshold?: number } = {}): Promise<void> {
    const { quietMs = 200, deadlineMs = 5000, threshold = AUDIBLE } = options;
    return this.#media.waits.silence(quietMs, deadlineMs, threshold);
  }

  /** Resolves with the time when `condition` held; looked at now and at each packet or key that comes in. */
  waitUntil(condition: () => boolean, what: string, deadlineMs = 5000): Promise<number> {
    return this.#media.waits.until(condition, deadlineMs, what);
  }

  hold(direction: 'sendonly' | 'inactive' = 'sendonly'): Promise<void> {
    return this.reinvite({ direction });
  }

  unhold(): Promise<void> {
    return this.reinvite({ direction: 'sendrecv' });
  }

  /** Changes the session. Rejects with {@link Refused}; what was agreed before then stays in force. */
  async reinvite(change: ReinviteChange): Promise<void> {
    if (change.address !== undefined) await this.#media.move(change.address);
    const before = this.#settings;
    const key = this.#key;
    if (change.newKey) this.#key = randomBytes(KEY_BYTES);
    this.#settings = {
      ...before,
      codecs: change.codec ? [change.codec] : before.codecs,
      telephoneEvent: change.telephoneEvent ?? before.telephoneEvent,
      direction: change.direction ?? before.direction,
      srtp: change.srtp ?? before.srtp,
    };
    try {
      const body = this.#write(this.#settings, EVENT_PAYLOAD_TYPE, change.nowhere ? '0.0.0.0' : undefined);
      const response = await this.#request('INVITE', { 'Content-Type': 'application/sdp' }, body);
      this.#follow(readSdp(response.body));
    } catch (error) {
      this.#settings = before;
      this.#key = key;
      throw error;
    }
  }

  /** Asks the far end to call `target` (RFC 3515). Resolves when it said 202; its progress comes in {@link notifies}. */
  async refer(target: string): Promise<void> {
    await this.#request('REFER', { 'Refer-To': `<${target}>` });
  }

  /** Idempotent; resolves when the BYE is answered. */
  async hangUp(): Promise<void> {
    if (!this.#over && this.#dialog) {
      const bye = this.#dialog.destroy().catch((error: unknown) => {
        // The far end's BYE was there first, and the dialog with it gone.
        if ((error as { code?: unknown }).code !== 'ENODIALOG') throw error;
      });
      this.#finish('us', 'normal');
      await within(bye, ANSWER_MS, 'an answer to BYE');
    }
    await this.#media.close();
  }

  /** Stops sending and listening without a word to the far end, as when a phone loses its power. */
  async vanish(): Promise<void> {
    this.#finish('us', 'vanished');
    await this.#media.close();
  }

  /** Writes everything heard in `[from, to)` as an 8 kHz WAV file. */
  async saveHeard(path: string, from?: number, to?: number): Promise<void> {
    await writeFile(path, writeWav(this.heard.pcm(from, to)));
  }

  #write(
    settings: AudioSettings,
    events: number | null = EVENT_PAYLOAD_TYPE,
    address?: string,
    tag = 1,
  ): string {
    this.#version += 1;
    const sdp: PhoneSdp = {
      address: address ?? settings.sdpAddress ?? this.#media.address,
      port: this.#media.port,
      codecs: settings.codecs,
      eventPayloadType: settings.telephoneEvent ? events : null,
      direction: settings.direction,
      crypto: settings.srtp ? { tag, key: this.#key } : null,
    };
    return writeSdp(sdp, this.#version);
  }

  #follow(remote: PhoneSdp): void {
    if ((remote.crypto !== null) !== this.#settings.srtp) throw new Error('another RTP profile was answered');
    this.#media.secure(remote.crypto && { ours: this.#key, theirs: remote.crypto.key });
    this.#remote = remote;
    const { codec, eventPayloadType, sending } = this.agreed;
    this.#media.sendTo(sending ? remote : null, { codec, eventPayloadType });
  }

  #answerReinvite(request: SipRequest, reply: SipReply): void {
    if (this.refuseReinvites !== null) {
      reply.send(this.refuseReinvites);
      return;
    }
    if (request.method === 'UPDATE' && !request.body) {
      reply.send(200);
      return;
    }
    const contact = this.#dialog?.local.contact ?? '';
    try {
      const body = this.describe(request.body || null);
      reply.send(200, { body, headers: { Contact: contact, 'Content-Type': 'application/sdp' } });
    } catch {
      reply.send(488);
    }
  }

  #takeInfo(request: SipRequest, reply: SipReply): void {
    const key = keyOfInfo(request.has('Content-Type') ? request.get('Content-Type') : '', request.body);
    if (key !== null) this.heard.addInfoDigit(key, performance.now());
    reply.send(200);
  }

  async #request(method: string, headers: Record<string, string>, body?: string): Promise<SipMessage> {
    const dialog = this.#dialog;
    if (!dialog || this.#over) throw new Error(`${method}: the call is over`);
    const all = { Contact: dialog.local.contact, ...headers };
    const sent = dialog.request({ method, headers: all, ...(body === undefined ? {} : { body }) });
    const response = await within(sent, ANSWER_MS, `an answer to ${method}`);
    if (response.status < 200 || response.status > 299)
      throw new Refused(method, response.status, response.reason);
    return response;
  }

  #finish(by: CallEnded['by'], reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#end({ by, reason });
    void this.#media.close();
  }
}

function reasonOf(request: SipMessage, reason?: string): string {
  return request.has('Reason') ? request.get('Reason') : (reason ?? '');
}
