import type { Logger } from 'pino';

const PRINTING = [
  'log',
  'info',
  'warn',
  'error',
  'debug',
  'trace',
  'dir',
  'dirxml',
  'table',
  'group',
] as const;

/**
 * Takes console.* away from libraries: drachtio-srf prints whole SIP messages when it cannot parse one, and
 * those can hold keyed digits. What was printed is dropped; the log says only that, and by which method.
 * Returns what gives the console back.
 */
export function guardConsole(log: Logger): () => void {
  const { console } = globalThis;
  const originals = PRINTING.map((method) => [method, console[method]] as const);
  for (const method of PRINTING) {
    console[method] = () => log.warn({ method }, 'a library printed to the console; its text was dropped');
  }
  return () => {
    for (const [method, original] of originals) console[method] = original;
  };
}
