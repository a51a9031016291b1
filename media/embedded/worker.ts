import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { MediaError } from '../media-server.js';
import { Engine } from './engine.js';
import type { EngineMessage, EngineOptions, RequestMessage } from './messages.js';
import { Outbox } from './outbox.js';

/** The thread of the packet timer and all RTP sockets; started by EngineLink. */

const port = parentPort;
if (!port) throw new Error('media/embedded/worker runs as a worker thread only');

// A key alone, though the main side wakes up once: what waits for a key gets to wait for the next before that is told.
const outbox = new Outbox<EngineMessage>((messages) => {
  let together: EngineMessage[] = [];
  for (const message of messages) {
    const isKey = message.type === 'digit';
    if (isKey && together.length > 0) {
      port.postMessage(together);
      together = [];
    }
    if (isKey) port.postMessage([message]);
    else together.push(message);
  }
  if (together.length > 0) port.postMessage(together);
});

const engine = new Engine(workerData as EngineOptions, {
  now: () => performance.now(),
  random: () => randomInt(2 ** 32) / 2 ** 32,
  newStream: () => ({
    ssrc: randomInt(2 ** 32),
    timestamp: randomInt(2 ** 32),
    // The upper half is left free so that the sequence does not wrap at once (RFC 3711 section 3.3.1).
    sequence: randomInt(2 ** 15),
  }),
  report: (news) => outbox.put(news),
  openedAhead: (ports) => outbox.put({ type: 'openedAhead', ports }),
});

/** Node 20 aborts the whole process, now and then, when a thread ends itself while datagrams arrive: no socket is left. */
function exit(): void {
  engine.shutDown();
  outbox.flush();
  port?.close();
}

process.on('uncaughtException', (error) => {
  outbox.put({ type: 'fault', error });
  exit();
});

/** What is wrong with a request that was only told is known to whoever told it: its leg is closed by now. */
function refuse(seq: number | null, error: unknown): void {
  // A failure that is not a verdict is a fault of the engine: the thread ends, and the calls with it.
  if (!(error instanceof MediaError)) throw error;
  if (seq !== null) outbox.put({ type: 'refusal', seq, code: error.code, message: error.message });
}

function carryOut({ seq, request }: RequestMessage): void {
  if (request.op === 'exit') {
    exit();
    return;
  }
  try {
    const result = engine.handle(request);
    const reply = (value: Awaited<typeof result>): void => {
      if (seq !== null) outbox.put({ type: 'reply', seq, value });
    };
    // Answered in the same turn: what was asked is done, nothing else came between.
    if (result instanceof Promise) result.then(reply, (error: unknown) => refuse(seq, error));
    else reply(result);
  } catch (error) {
    refuse(seq, error);
  }
}

port.on('message', (messages: readonly RequestMessage[]) => {
  for (const message of messages) carryOut(message);
});
