import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { DeadlineError } from '../kit/deadline.js';

/**
 * UDP ports that were free a moment ago on 127.0.0.1, for programs that cannot choose one themselves and say
 * which. Even, each with a free odd neighbour for RTCP.
 */
export async function freePorts(count: number): Promise<number[]> {
  const sockets: Socket[] = [];
  const ports: number[] = [];
  try {
    while (ports.length < count) {
      const first = await bind(sockets, 0);
      if (first === null || first % 2 !== 0) continue;
      if ((await bind(sockets, first + 1)) !== null) ports.push(first);
    }
  } finally {
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }
  return ports;
}

async function bind(sockets: Socket[], port: number): Promise<number | null> {
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  try {
    await once(socket, 'listening');
  } catch {
    socket.close();
    return null;
  }
  sockets.push(socket);
  return socket.address().port;
}

/**
 * Resolves when something listens on this UDP port of 127.0.0.1, as /proc/net/udp tells: for a program that
 * does not say when it is ready, and that trying the port would disturb. Rejects with a DeadlineError after `ms`.
 */
export async function listening(port: number, ms: number): Promise<void> {
  const entry = ` 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  const started = performance.now();
  while (!(await readFile('/proc/net/udp', 'ascii')).includes(entry)) {
    if (performance.now() - started > ms) throw new DeadlineError(`UDP port ${port} in use`, ms);
    await setTimeout(20);
  }
}
