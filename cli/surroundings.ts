import type { KeyboardSource } from './simulation/terminal-caller.js';

/** Where text goes: a standard stream, or a test's. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** What a command has of the world. */
export interface Surroundings {
  readonly stdin: KeyboardSource;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Files on the command line are relative to it, and so are those in what is printed. */
  readonly cwd: string;
}

/** The command line asks for something that does not exist; the message is for people. */
export class UsageError extends Error {}

/** What `parse` makes of a command line. Throws {@link UsageError} when it refuses it. */
export function readArgs<Parsed>(parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
