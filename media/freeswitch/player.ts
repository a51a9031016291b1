import type { PlayOutcome } from '../endpoint.js';
import type { Channel, Execution } from './channel.js';
import { soundPath } from './words.js';

/** A loop is played so many times in a row; then it is begun anew, which is heard as a gap of some milliseconds. */
const ROUNDS = 20;

interface Prompt {
  readonly argument: string;
  end(outcome: PlayOutcome): void;
}

/**
 * What one channel sounds: a prompt, else a loop, else nothing; and neither while it is bridged. FreeSWITCH executes
 * one application at a time, so that each is broken off, and seen to be over, before the next.
 */
export class Player {
  readonly #channel: Channel;
  #prompt: Prompt | null = null;
  #loop: string | null = null;
  #bridged = false;
  #running: Execution | null = null;
  /** What runs now is this; compared by identity. */
  #sounding: Prompt | string | null = null;
  #turn: Promise<void> = Promise.resolve();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  get playing(): boolean {
    return this.#prompt !== null;
  }

  /** The loop's file is what FreeSWITCH plays at this moment. */
  get looping(): boolean {
    return this.#loop !== null && this.#sounding === this.#loop;
  }

  /** Plays files one after the other. */
  play(files: readonly string[]): Promise<PlayOutcome> {
    const argument = inARow(files);
    this.#endPrompt('interrupted');
    return new Promise((resolve, reject) => {
      this.#prompt = { argument, end: resolve };
      this.#apply().catch(reject);
    });
  }

  async stop(): Promise<void> {
    this.#endPrompt('interrupted');
    await this.#apply();
  }

  async setLoop(file: string | null): Promise<void> {
    this.#loop = file === null ? null : soundPath(file);
    await this.#apply();
  }

  /** Before a bridge and after it. */
  async setBridged(bridged: boolean): Promise<void> {
    this.#bridged = bridged;
    await this.#apply();
  }

  close(): void {
    this.#endPrompt('closed');
  }

  #endPrompt(outcome: PlayOutcome): void {
    const prompt = this.#prompt;
    this.#prompt = null;
    prompt?.end(outcome);
  }

  /** Makes FreeSWITCH sound what it should, after whatever was asked for before. */
  #apply(): Promise<void> {
    const turn = this.#turn.then(() => this.#settle());
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #settle(): Promise<void> {
    const wanted = this.#bridged ? null : (this.#prompt ?? this.#loop);
    if (wanted === this.#sounding) return;
    await this.#breakOff();
    if (wanted === null || this.#channel.over) return;
    // FreeSWITCH's own endless_playback goes on when it is broken off.
    const argument =
      typeof wanted === 'string' ? inARow(Array.from({ length: ROUNDS }, () => wanted)) : wanted.argument;
    const running = this.#channel.execute('playback', argument);
    this.#running = running;
    this.#sounding = wanted;
    void running.done.then(() => this.#finished(running, wanted));
    await running.started;
  }

  async #breakOff(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = null;
    this.#sounding = null;
    await this.#channel.order('uuid_break', this.#channel.uuid, 'all');
    await running.done;
  }

  #finished(running: Execution, sounded: Prompt | string): void {
    if (this.#running !== running) return;
    this.#running = null;
    this.#sounding = null;
    if (sounded === this.#prompt) this.#endPrompt(this.#channel.over ? 'closed' : 'finished');
    this.#apply().catch(() => {});
  }
}

function inARow(files: readonly string[]): string {
  const [first = ''] = files.map(soundPath);
  return files.length === 1 ? first : `file_string://${files.join('!')}`;
}
