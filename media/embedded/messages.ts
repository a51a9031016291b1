import type { AudioLoop, DtmfMethod, EndpointState, PlayOutcome } from '../endpoint.js';
import type { MediaErrorCode, MediaStats } from '../media-server.js';
import type { EncodedPrompt } from '../prompts/prompt-store.js';
import type { AgreedAudio } from '../sdp/session.js';

/** What the worker needs to start; structured-cloned. */
export interface EngineOptions {
  /** IPv4 address that RTP sockets bind to. */
  readonly address: string;
  readonly ports: { readonly from: number; readonly to: number };
  readonly drainMs: number;
}

/** What the main side asks of the worker. `leg` is an endpoint's identifier. */
export type EngineRequest =
  /** Checks that RTP can be bound at all. */
  | { readonly op: 'start' }
  /** `port`: one that was opened ahead for it; null: opens one. */
  | {
      readonly op: 'create';
      readonly leg: string;
      readonly relaysKeys: boolean;
      readonly port: number | null;
    }
  | { readonly op: 'configure'; readonly leg: string; readonly audio: AgreedAudio }
  | {
      readonly op: 'play';
      readonly leg: string;
      readonly playId: number;
      readonly prompts: readonly EncodedPrompt[];
      readonly bargeIn: boolean;
    }
  | { readonly op: 'stop'; readonly leg: string }
  | {
      readonly op: 'loop';
      readonly leg: string;
      readonly name: AudioLoop | null;
      readonly prompt: EncodedPrompt | null;
    }
  | { readonly op: 'info'; readonly leg: string; readonly code: number; readonly durationMs: number }
  | {
      readonly op: 'press';
      readonly leg: string;
      readonly pressId: number;
      readonly codes: readonly number[];
      readonly durationMs: number;
      readonly gapMs: number;
    }
  | { readonly op: 'state'; readonly leg: string }
  | { readonly op: 'close'; readonly leg: string }
  | { readonly op: 'bridge'; readonly leg: string; readonly peer: string }
  | { readonly op: 'unbridge'; readonly leg: string }
  | { readonly op: 'stats' }
  /** Closes every socket and ends the thread. */
  | { readonly op: 'exit' };

export type EngineStats = MediaStats & {
  /** Received datagrams that were not taken: malformed, from a source other than the locked one, or not authenticated. */
  readonly dropped: {
    readonly malformed: number;
    readonly foreign: number;
    readonly unauthenticated: number;
  };
  /** Socket errors survived (ICMP unreachable and the like). */
  readonly socketErrors: number;
};

/** What each request is answered with. */
export interface EngineResults {
  start: null;
  /** The RTP port. */
  create: number;
  configure: null;
  play: null;
  stop: null;
  loop: null;
  info: null;
  press: null;
  state: EndpointState;
  close: null;
  bridge: null;
  unbridge: null;
  stats: EngineStats;
  exit: null;
}

/** What the main side sends, several at a time. */
export interface RequestMessage {
  /** Null: nobody waits for an answer, and none is sent. */
  readonly seq: number | null;
  readonly request: EngineRequest;
}

/** What the worker sends: replies in any order, and news of its own. */
export type EngineMessage =
  | { readonly type: 'reply'; readonly seq: number; readonly value: EngineResults[keyof EngineResults] }
  | {
      readonly type: 'refusal';
      readonly seq: number;
      readonly code: MediaErrorCode;
      readonly message: string;
    }
  /** The engine failed; the thread ends. */
  | { readonly type: 'fault'; readonly error: Error }
  /** Ports are open for legs to come: a leg that takes one needs no answer before it can be written into SDP. */
  | { readonly type: 'openedAhead'; readonly ports: readonly number[] }
  | EngineNews;

export type EngineNews =
  | {
      readonly type: 'digit';
      readonly leg: string;
      readonly code: number;
      readonly method: DtmfMethod;
      readonly durationMs: number;
    }
  | { readonly type: 'played'; readonly leg: string; readonly playId: number; readonly outcome: PlayOutcome }
  | { readonly type: 'pressed'; readonly leg: string; readonly pressId: number };
