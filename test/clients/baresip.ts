import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWav, writeWav } from '../../media/codec/wav.js';
import { within } from '../kit/deadline.js';
import { freePorts } from '../kit/ports.js';
import { type Sound, silence } from '../kit/sounds.js';
import { BaresipControl } from './baresip-control.js';
import { RunningProgram } from './program.js';

export interface BaresipOptions {
  /** User part of its address. Default `baresip`. */
  readonly user?: string;
  /** SIP port. Default: a free one. */
  readonly port?: number;
  /** What it says, from {@link Sound}. Default silence. A call ends after `seconds` of it. */
  readonly says?: Sound;
  /** Default 120. */
  readonly seconds?: number;
  /** Calls with SRTP or not at all. Default false. */
  readonly srtp?: boolean;
  /** Answers by itself. Default true. */
  readonly autoAnswer?: boolean;
  /** Registers there at start: address and port of the registrar. */
  readonly register?: { readonly registrar: string; readonly password: string };
  /** How long it may run, ms. Default 120,000. */
  readonly deadlineMs?: number;
}

/** A running baresip. */
export interface Baresip {
  readonly uri: string;
  readonly control: BaresipControl;
  /** Calls and resolves when it is answered. Rejects with what baresip says when it is not. */
  call(target: string, deadlineMs?: number): Promise<void>;
  /**
   * Presses the keys one after the other, `gapMs` apart (default 200; baresip decides how long each is held).
   * Always telephone-events: baresip 1.0 offers them in every call and knows no other way.
   */
  press(keys: string, gapMs?: number): Promise<void>;
  /** Keys it received so far. */
  heardKeys(): string;
  hangUp(): Promise<void>;
  /** Resolves when its call has ended. */
  ended(deadlineMs?: number): Promise<void>;
  /** What it heard in the last call that has ended, as 8 kHz PCM. */
  heard(): Promise<Int16Array>;
  /** Ends it and removes its files. Idempotent. */
  stop(): Promise<void>;
}

const MODULES = '/usr/lib/baresip/modules';

/** Starts baresip without sound card or screen, ready to call and be called. Throws when it is not on the PATH. */
export async function startBaresip(options: BaresipOptions = {}): Promise<Baresip> {
  const folder = await mkdtemp(join(tmpdir(), 'tacet-baresip-'));
  const [sip = 0, audio = 0, control = 0] = await freePorts(3);
  const port = options.port ?? sip;
  let program: RunningProgram | null = null;
  try {
    await writeFiles(folder, options, port, audio, control);
    const deadlineMs = options.deadlineMs ?? 120_000;
    // baresip ends by itself (-t) should this process be killed before it can stop it.
    const limit = `${Math.ceil(deadlineMs / 1000) + 5}`;
    program = RunningProgram.start('baresip', ['-f', folder, '-t', limit], deadlineMs);
    await program.printed('baresip is ready', 5000);
    const connection = await BaresipControl.open(control);
    const uri = `sip:${options.user ?? 'baresip'}@127.0.0.1:${port}`;
    // The event of a quick registration came before there was a connection to hear it on.
    if (options.register && !(await connection.command('reginfo')).includes('OK')) {
      await connection.waitFor(['REGISTER_OK'], 5000);
    }
    return new RunningBaresip(uri, folder, program, connection);
  } catch (error) {
    await program?.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function writeFiles(
  folder: string,
  options: BaresipOptions,
  port: number,
  audio: number,
  control: number,
): Promise<void> {
  const pcm = new Int16Array((options.seconds ?? 120) * 8000);
  (options.says ?? silence)(pcm);
  const { user = 'baresip', autoAnswer = true, register, srtp = false } = options;
  const login = register
    ? `sip:${user}@${register.registrar}>;auth_user=${user};auth_pass=${register.password};regint=60`
    : `sip:${user}@127.0.0.1:${port}>;regint=0`;
  const config = [
    'poll_method epoll',
    `sip_listen 127.0.0.1:${port}`,
    `audio_source aufile,${join(folder, 'says.wav')}`,
    'audio_player aubridge,nil',
    'audio_alert aubridge,nil',
    ...['ausrc_srate 8000', 'auplay_srate 8000', 'ausrc_channels 1', 'auplay_channels 1'],
    `rtp_ports ${audio}-${audio + 1}`,
    `module_path ${MODULES}`,
    ...['g711', 'aufile', 'aubridge', 'sndfile', ...(srtp ? ['srtp'] : [])].map(
      (name) => `module ${name}.so`,
    ),
    `snd_path ${folder}`,
    'module_tmp account.so',
    ...['menu', 'ctrl_tcp'].map((name) => `module_app ${name}.so`),
    `ctrl_tcp_listen 127.0.0.1:${control}`,
  ];
  await writeFile(join(folder, 'says.wav'), writeWav(pcm));
  await writeFile(join(folder, 'config'), `${config.join('\n')}\n`);
  await writeFile(join(folder, 'contacts'), '');
  const answers = autoAnswer ? 'auto' : 'manual';
  await writeFile(
    join(folder, 'accounts'),
    `<${login};answermode=${answers}${srtp ? ';mediaenc=srtp-mand' : ''}\n`,
  );
}

class RunningBaresip implements Baresip {
  readonly uri: string;
  readonly control: BaresipControl;
  readonly #folder: string;
  readonly #program: RunningProgram;
  #sinceCall = 0;

  constructor(uri: string, folder: string, program: RunningProgram, control: BaresipControl) {
    this.uri = uri;
    this.control = control;
    this.#folder = folder;
    this.#program = program;
  }

  async call(target: string, deadlineMs = 10_000): Promise<void> {
    this.#sinceCall = this.control.events.length;
    await this.control.command('dial', target);
    const outcome = await this.control.waitFor(
      ['CALL_ESTABLISHED', 'CALL_CLOSED'],
      deadlineMs,
      this.#sinceCall,
    );
    if (outcome.type === 'CALL_CLOSED') throw new Error(`the call of baresip ended: ${outcome.param}`);
  }

  async press(keys: string, gapMs = 200): Promise<void> {
    for (const key of keys) {
      await this.control.command('sndcode', key);
      await new Promise((resolve) => setTimeout(resolve, gapMs));
    }
  }

  heardKeys(): string {
    const starts = this.control.events.filter(({ type }) => type === 'CALL_DTMF_START');
    return starts.map(({ param }) => param).join('');
  }

  async hangUp(): Promise<void> {
    await this.control.command('hangup');
    await this.ended();
  }

  async ended(deadlineMs = 10_000): Promise<void> {
    await this.control.waitFor(['CALL_CLOSED'], deadlineMs, this.#sinceCall);
  }

  async heard(): Promise<Int16Array> {
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith('-dec.wav')).sort();
    const last = names.at(-1);
    if (last === undefined) throw new Error('baresip has recorded nothing');
    return readWav(await readFile(join(this.#folder, last)), last);
  }

  async stop(): Promise<void> {
    this.control.close();
    await within(this.#program.stop(), 5000, 'the end of baresip');
    await rm(this.#folder, { recursive: true, force: true });
  }
}
