import pino, { type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from '../../config/config.js';
import { scrubLine } from './scrub.js';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Takes whole lines with their line feed. Default: {@link standardOutput}. */
  readonly destination?: { write(line: string): void; flushSync?(): void };
}

const FLUSH_AFTER_MS = 100;
/** The second finds what came while a slow reader still held up the first. */
const FLUSHES = 2;

/**
 * Standard output, written without blocking and within 100 ms: each write wakes a thread, and the lines of a call come
 * close together. What is left is written when the process ends. Nothing is done while no line comes, unlike with
 * sonic-boom's own `periodicFlush`, which writes an empty text each time.
 */
export function standardOutput(): Required<NonNullable<LoggerOptions['destination']>> {
  const output = pino.destination({ dest: 1, sync: false, minLength: 4096 });
  let flushes = 0;
  let timer: NodeJS.Timeout | null = null;
  const flush = (): void => {
    timer = null;
    flushes -= 1;
    output.flush();
  };
  const flushSoon = (): void => {
    if (timer === null && flushes > 0) timer = setTimeout(flush, FLUSH_AFTER_MS).unref();
  };
  output.on('drain', flushSoon);
  return {
    write(line) {
      flushes = FLUSHES;
      output.write(line);
      flushSoon();
    },
    flushSync: () => output.flushSync(),
  };
}

/** What of an error is written: its own properties may hold whole SIP messages (drachtio-srf) or requests. */
function plainError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : typeof error;
  const { code } = error as NodeJS.ErrnoException;
  const cause = error.cause === undefined || depth === 3 ? {} : { cause: plainError(error.cause, depth + 1) };
  const known = typeof code === 'string' ? { code } : {};
  return { type: error.name, message: error.message, stack: error.stack, ...known, ...cause };
}

/**
 * A pino logger of JSON lines with ISO times. Every line passes the scrubber on its last step to the
 * destination, children's lines too: there is no other way out. `flush()` writes what is buffered.
 */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  const sink = destination ?? standardOutput();
  const scrubbed: DestinationStream & { flush(done?: () => void): void } = {
    write: (line) => sink.write(scrubLine(line)),
    flush: (done) => {
      sink.flushSync?.();
      done?.();
    },
  };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: plainError, error: plainError },
    },
    scrubbed,
  );
}

/** What a call's log lines say beside their message. */
export interface CallBindings {
  readonly conversation: string;
  /** SIP Call-ID of the leg. */
  readonly leg?: string;
  readonly session?: string;
}

/** A child that marks each line with the call it belongs to. */
export function callLogger(log: Logger, bindings: CallBindings): Logger {
  return log.child(bindings);
}
