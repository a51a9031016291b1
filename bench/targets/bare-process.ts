import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { serve } from '../rpc.js';

/**
 * What Node itself costs: one UDP socket for each call, each receives packets and sends one each 20 ms, all
 * from one timer. No RTP beyond sequence and timestamp, no jitter, no keys, no SIP.
 */

const PERIOD_MS = 20;
const HEADER = 12;
const FRAME = 160;

const sockets: Socket[] = [];
const packet = Buffer.alloc(HEADER + FRAME, 0xff);
packet[0] = 0x80;
packet[1] = 0;
let sequence = 0;
let timestamp = 0;
let due = 0;
let timer: NodeJS.Timeout | null = null;

function fire(): void {
  while (due <= performance.now()) {
    sequence = (sequence + 1) & 0xffff;
    timestamp = (timestamp + FRAME) >>> 0;
    packet.writeUInt16BE(sequence, 2);
    packet.writeUInt32BE(timestamp, 4);
    for (const socket of sockets) socket.send(packet);
    due += PERIOD_MS;
  }
  timer = setTimeout(fire, Math.max(1, Math.ceil(due - performance.now())));
}

/** Opens a socket that sends to whoever sent to it first. Connected: the cheapest way to send that Node has. */
async function open(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('error', () => undefined);
  socket.once('message', (_, from) => {
    socket.connect(from.port, from.address, () => sockets.push(socket));
  });
  // A receiver that looks at the packet: without a listener Node would not even hand it over.
  socket.on('message', (bytes) => {
    received += bytes.length;
  });
  return socket.address().port;
}

let received = 0;

const operations = {
  /** Ports of `calls` further sockets. */
  async open(calls: number): Promise<number[]> {
    const ports: number[] = [];
    for (let call = 0; call < calls; call += 1) ports.push(await open());
    if (timer === null) {
      due = performance.now();
      fire();
    }
    return ports;
  },
  received: (_: null): number => received,
};

export type BareOperations = typeof operations;

serve(operations);
