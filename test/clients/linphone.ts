import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { writeWav } from '../../media/codec/wav.js';
import { within } from '../kit/deadline.js';
import { freePorts } from '../kit/ports.js';
import { type Sound, silence } from '../kit/sounds.js';
import { RunningProgram } from './program.js';

export interface LinphoneOptions {
  /** What it says, from {@link Sound}, for `seconds` (default 120). Default silence. */
  readonly says?: Sound;
  readonly seconds?: number;
  /** How it sends keys. Default telephone-events. */
  readonly keys?: 'rfc4733' | 'sip-info';
  /** Calls with SRTP. Default false. */
  readonly srtp?: boolean;
  /** Registers there soon after its start, and answers by itself. */
  readonly register?: {
    readonly user: string;
    /** Address and port. */
    readonly registrar: string;
    readonly password: string;
  };
  /** How long it may run, ms. Default 180,000. */
  readonly deadlineMs?: number;
}

const PROMPT = 'linphonec>';
const START_MS = 10_000;
const ANSWER_MS = 10_000;
const WAV_HEADER = 44;
/** It sleeps for a second after each key that is typed, and prompts. */
const KEY_MS = 5000;
/** Between keys: as long as another line waits, it reads no answers, and sends no INFO before it had that to the last one. */
const GAP_MS = 200;

/**
 * linphone without sound card or screen, as it comes otherwise: its offer has Opus and Speex, and on a host with an IPv6
 * address the SDP names no other. One call at a time.
 */
export class Linphone {
  readonly #folder: string;
  readonly #program: RunningProgram;
  #sinceCall = 0;

  private constructor(folder: string, program: RunningProgram) {
    this.#folder = folder;
    this.#program = program;
  }

  /** Rejects when linphonec is not on the PATH. */
  static async start(options: LinphoneOptions = {}): Promise<Linphone> {
    const folder = await mkdtemp(join(tmpdir(), 'tacet-linphone-'));
    let program: RunningProgram | null = null;
    try {
      await writeFiles(folder, options);
      const config = join(folder, 'linphonerc');
      program = RunningProgram.start(
        'linphonec',
        ['-c', config, ...(options.register ? ['-a'] : [])],
        options.deadlineMs ?? 180_000,
        { HOME: folder },
      );
      const linphone = new Linphone(folder, program);
      await program.printed(PROMPT, START_MS);
      program.type('soundcard use files');
      program.type(`record ${linphone.#recording}`);
      program.type(`play ${join(folder, 'says.wav')}`);
      return linphone;
    } catch (error) {
      await program?.stop();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Calls and resolves when it is answered. */
  async call(target: string): Promise<void> {
    this.#sinceCall = this.#program.mark;
    this.#program.type(`call ${target}`);
    await this.#program.printed('Media streams established', ANSWER_MS, this.#sinceCall);
  }

  /** Presses the keys, one in 1.2 s. */
  async press(keys: string): Promise<void> {
    for (const key of keys) {
      const since = this.#program.mark;
      this.#program.type(key);
      await this.#program.printed(PROMPT, KEY_MS, since);
      await setTimeout(GAP_MS);
    }
  }

  /** Holds the call, and takes it back. */
  async holdAndResume(): Promise<void> {
    const since = this.#program.mark;
    this.#program.type('pause');
    await this.#program.printed('is now paused', ANSWER_MS, since);
    this.#program.type('resume');
    await this.#program.printed('Media streams established', ANSWER_MS, since);
  }

  async hangUp(): Promise<void> {
    this.#program.type('terminate');
    await this.ended();
  }

  /** Resolves when its call has ended. */
  async ended(deadlineMs = ANSWER_MS): Promise<void> {
    await this.#program.printed(' ended (', deadlineMs, this.#sinceCall);
  }

  /** What it heard, its own keys included, as 8 kHz PCM. After {@link leave} only. */
  async heard(): Promise<Int16Array> {
    // Its header may name more samples than there are.
    const bytes = await readFile(this.#recording);
    const pcm = bytes.subarray(WAV_HEADER, bytes.length - (bytes.length % 2));
    return new Int16Array(new Uint8Array(pcm).buffer);
  }

  /** Has it end, as a person does: it signs off, and its recording is whole. */
  async leave(): Promise<void> {
    this.#program.type('quit');
    await within(this.#program.exited, ANSWER_MS, 'the end of linphone');
  }

  /** Ends it and removes its files. Idempotent. */
  async stop(): Promise<void> {
    await within(this.#program.stop(), 5000, 'the end of linphone');
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #recording(): string {
    return join(this.#folder, 'heard.wav');
  }
}

async function writeFiles(folder: string, options: LinphoneOptions): Promise<void> {
  const { says = silence, seconds = 120, keys = 'rfc4733', srtp = false, register } = options;
  const pcm = new Int16Array(seconds * 8000);
  says(pcm);
  const [sip = 0, tcp = 0, audio = 0] = await freePorts(3);
  const lines = [
    '[sip]',
    `sip_port=${sip}`,
    `sip_tcp_port=${tcp}`,
    'sip_tls_port=0',
    `use_info=${keys === 'sip-info' ? 1 : 0}`,
    `use_rfc2833=${keys === 'rfc4733' ? 1 : 0}`,
    `media_encryption=${srtp ? 'srtp' : 'none'}`,
    '[rtp]',
    `audio_rtp_port=${audio}`,
    ...(register
      ? [
          '[proxy_0]',
          `reg_proxy=<sip:${register.registrar}>`,
          `reg_identity=sip:${register.user}@${register.registrar}`,
          'reg_expires=120',
          'reg_sendregister=1',
          '[auth_info_0]',
          `username=${register.user}`,
          `passwd=${register.password}`,
        ]
      : []),
  ];
  await writeFile(join(folder, 'linphonerc'), `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'says.wav'), writeWav(pcm));
  // It does not make them, and places no call without.
  for (const place of ['.local/share/linphone', '.config/linphone']) {
    await mkdir(join(folder, place), { recursive: true });
  }
}
