import type { Speech } from './speech.js';

/** How a key press reached us: RFC 4733 telephone-event, SIP INFO body, or tones in the audio. */
export type DtmfMethod = 'rfc4733' | 'sip-info' | 'in-band';

/** Every key DTMF knows, in RFC 4733 event-code order (section 3.2). */
export const DTMF_KEYS = '0123456789*#ABCD';

/**
 * One finished key press. The key travels as the ASCII code of one of {@link DTMF_KEYS}, never as a
 * string, so that nothing on its way can join keys into text by accident.
 */
export interface DigitEvent {
  readonly code: number;
  readonly method: DtmfMethod;
  readonly durationMs: number;
}

/** One piece of audio to play: text to be spoken, or an 8 kHz mono WAV file by absolute path. */
export type AudioItem = { readonly text: string } | { readonly file: string };

/** Endless sources an endpoint can send while no prompt plays. */
export type AudioLoop = 'comfort-tone' | 'hold-music' | 'ringback';

export type PlayOutcome = 'finished' | 'interrupted' | 'closed';

export interface PlayOptions {
  /** A key press by the far end ends the prompt (decided beside the RTP, without a round trip). Default false. */
  readonly bargeIn?: boolean;
}

/**
 * What the engine itself reports about one endpoint; shields confirm against this, never against
 * what they asked for.
 */
export interface EndpointState {
  /** Identifier of the endpoint it is bridged with, or null: then no audio and no DTMF leaves or enters it. */
  readonly peer: string | null;
  readonly loop: AudioLoop | null;
  readonly playing: boolean;
  /** A key is held down right now, or its end has not been seen yet. */
  readonly keyDown: boolean;
  /** Nothing is sent to the far end: its SDP says sendonly or inactive, or {@link MediaEndpoint.hold} was called. */
  readonly held: boolean;
  readonly codec: 'PCMU' | 'PCMA' | null;
  /** Age of the last RTP packet accepted from the far end, or the time since the port was opened when there was none. */
  readonly lastPacketAgeMs: number;
  /**
   * RTP sequence number of the next packet sent: what the far end received can be told apart by it, before and after.
   * Null where the engine does not tell.
   */
  readonly nextSequence: number | null;
  /** DTMF methods this endpoint listens to. In-band only when no telephone-event was agreed. */
  readonly dtmf: readonly DtmfMethod[];
}

/** The media of one leg: one RTP port, one far end. Closing is idempotent; a closed endpoint rejects with `closed`. */
export interface MediaEndpoint {
  readonly id: string;
  /** Absent in every engine of today. */
  readonly speech?: Speech;

  /** Answers an offer, first or by re-INVITE. Rejects with MediaError `no-common-codec`, `unsupported-srtp`, `insecure` or `bad-sdp`; then nothing has changed. */
  answer(offerSdp: string): Promise<string>;
  /**
   * Our offer: for an outgoing INVITE, in the 200 to an INVITE without SDP, or for a re-INVITE of ours. `remoteSdp` is what
   * the far end said last in a dialog that another endpoint has served until now: its media sections and payload types
   * are kept (RFC 3264 section 8). Rejects like {@link answer} when it leaves nothing to talk by.
   */
  offer(remoteSdp?: string): Promise<string>;
  /** The far end's answer to {@link offer}. Rejects like {@link answer}. */
  acceptAnswer(answerSdp: string): Promise<void>;

  /** Sends nothing to the far end and takes nothing from it until {@link resume} or the next answer, ours or theirs. */
  hold(): Promise<void>;
  resume(): Promise<void>;

  /** Plays the items one after the other; replaces a prompt that is playing, which then ends as `interrupted`. */
  play(items: readonly AudioItem[], options?: PlayOptions): Promise<PlayOutcome>;
  stopPlaying(): Promise<void>;
  /** Sends this while no prompt plays and no bridge stands; null for silence. */
  setLoop(loop: AudioLoop | null): Promise<void>;

  /** Called for each key press of the far end; returns the function that stops it. Several listeners may be present. */
  onDigit(listener: (digit: DigitEvent) => void): () => void;
  /** Hands in the body of a SIP INFO; returns false when it is not a DTMF body (the INFO is then answered 415). */
  sipInfo(contentType: string, body: string): boolean;
  /** Presses keys towards the far end: RFC 4733 when agreed, tones otherwise. `codes` are ASCII codes. */
  sendDigits(codes: readonly number[], options?: { durationMs?: number; gapMs?: number }): Promise<void>;

  state(): Promise<EndpointState>;
  /** Rejects nothing. The RTP port is given up (it drains before reuse) before anything that is asked for afterwards. */
  close(): Promise<void>;
}
