import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { MediaError } from '../media-server.js';
import { Engine } from './engine.js';
import type { EngineMessage, EngineOptions, RequestMessage } from './messages.js';

/** The thread of the packet timer and all RTP sockets; started by EngineLink. */

const port = parentPort;
if (!port) throw new Error('media/embedded/worker runs as a worker thread only');

const send = (message: EngineMessage): void => port.postMessage(message);

const engine = new Engine(workerData as EngineOptions, {
  now: () => performance.now(),
  random: () => randomBytes(4).readUInt32LE() / 2 ** 32,
  newStream: () => {
    const bytes = randomBytes(10);
    return {
      ssrc: bytes.readUInt32LE(0),
      timestamp: bytes.readUInt32LE(4),
      // The upper half is left free so that the sequence does not wrap at once (RFC 3711 section 3.3.1).
      sequence: bytes.readUInt16LE(8) >> 1,
    };
  },
  report: send,
});

/** Node 20 aborts the whole process, now and then, when a thread ends itself while datagrams arrive: no socket is left. */
function exit(): void {
  engine.shutDown();
  port?.close();
}

process.on('uncaughtException', (error) => {
  send({ type: 'fault', error });
  exit();
});

function refuse(seq: number, error: unknown): void {
  // A failure that is not a verdict is a fault of the engine: the thread ends, and the calls with it.
  if (!(error instanceof MediaError)) throw error;
  send({ type: 'refusal', seq, code: error.code, message: error.message });
}

port.on('message', ({ seq, request }: RequestMessage) => {
  if (request.op === 'exit') {
    exit();
    return;
  }
  try {
    const value = engine.handle(request);
    // Answered in the same turn: what was asked is done, nothing else came between.
    if (!(value instanceof Promise)) send({ type: 'reply', seq, value });
    else {
      value.then(
        (later) => send({ type: 'reply', seq, value: later }),
        (error: unknown) => refuse(seq, error),
      );
    }
  } catch (error) {
    refuse(seq, error);
  }
});
