import { createSocket } from 'node:dgram';
import { parentPort } from 'node:worker_threads';
import { decode, encode } from '../kit/g711.js';
import { readRtp, writeRtp } from '../kit/rtp-packet.js';
import { FRAME } from '../kit/sounds.js';
import { level } from '../kit/spectrum.js';
import type { StreamCount } from './rtp-counter.js';

/** Counts what comes to one port by where it comes from, and answers each packet with one of silence. */

const AUDIBLE = -45;
const SILENCE = encode('PCMU', new Int16Array(FRAME));
const streams = new Map<number, StreamCount>();
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });

socket.on('error', () => undefined);
socket.on('message', (bytes, { port }) => {
  const packet = readRtp(bytes);
  if (!packet) return;
  const at = performance.now();
  const before = streams.get(port);
  const audible = packet.payloadType === 0 && level(decode('PCMU', packet.payload)) >= AUDIBLE;
  const { sequence, timestamp } = packet;
  streams.set(port, {
    packets: (before?.packets ?? 0) + 1,
    audible: (before?.audible ?? 0) + (audible ? 1 : 0),
    lost: (before?.lost ?? 0) + (before ? (sequence - before.sequence - 1) & 0xffff : 0),
    longestGapMs: Math.max(before?.longestGapMs ?? 0, before ? at - before.lastAt : 0),
    firstAt: before?.firstAt ?? at,
    lastAt: at,
    sequence,
  });
  const answer = { payloadType: 0, marker: !before, sequence, timestamp, ssrc: port, payload: SILENCE };
  socket.send(writeRtp(answer), port, '127.0.0.1', () => undefined);
});
socket.bind(0, '127.0.0.1', () => parentPort?.postMessage({ port: socket.address().port }));
parentPort?.on('message', () => parentPort?.postMessage({ streams: [...streams.values()] }));
