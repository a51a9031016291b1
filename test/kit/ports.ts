import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { DeadlineError } from './deadline.js';

/** Below what systems hand out by themselves, so that no socket of another program takes one by chance. */
const LOWEST = 10_000;
const HIGHEST = 20_000;
/** A program takes up to four from the one it was told: SIPp RTP and RTCP, then two for video. */
const APIECE = 4;
/** So many apart: an RTP port is even, and the one after a program's own is the sign that they are taken. */
const STEP = APIECE + 2;

/**
 * Ports of 127.0.0.1, free for UDP and TCP, for programs that cannot choose one themselves and say which. Each is
 * followed by {@link APIECE} - 1 free ones that are its own. While this process lives they are given to nobody else,
 * in no process: when a program binds its ports is its own affair.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held: (() => Promise<void>)[] = [];
  const ports: number[] = [];
  try {
    while (ports.length < count) {
      const port = randomInt(Math.ceil(LOWEST / STEP), Math.floor(HIGHEST / STEP)) * STEP;
      // Never released: it goes with this process.
      if (!(await holdTcp(port + APIECE))) continue;
      const own = Array.from({ length: APIECE }, (_, at) => port + at);
      const binds = own.flatMap((one) => [holdUdp(one), holdTcp(one)]);
      const releases = (await Promise.all(binds)).filter((release) => release !== null);
      held.push(...releases);
      if (releases.length === binds.length) ports.push(port);
    }
  } finally {
    await Promise.all(held.map((release) => release()));
  }
  return ports;
}

/** Holds a UDP port until the function it resolves with is called; null when it is taken. */
export async function holdUdp(port: number): Promise<(() => Promise<void>) | null> {
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  try {
    await once(socket, 'listening');
  } catch {
    socket.close();
    return null;
  }
  return () => new Promise((resolve) => socket.close(() => resolve()));
}

/** The same for TCP. Does not keep the process alive. */
async function holdTcp(port: number): Promise<(() => Promise<void>) | null> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return null;
  }
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/**
 * Resolves when something listens on this port of 127.0.0.1, as /proc/net tells: for a program that does not say when
 * it is ready, and that trying the port would disturb. Rejects with a DeadlineError after `ms`.
 */
export async function listening(port: number, ms: number, transport: 'udp' | 'tcp' = 'udp'): Promise<void> {
  const entry = ` 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  const started = performance.now();
  while (!(await readFile(`/proc/net/${transport}`, 'ascii')).includes(entry)) {
    if (performance.now() - started > ms) throw new DeadlineError(`${transport} port ${port} in use`, ms);
    await setTimeout(20);
  }
}
