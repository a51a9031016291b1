import type { ServerResponse } from 'node:http';
import type { CallEvent, CallEvents } from '../call/events.js';

/** Where a stream starts and what it shows. */
export interface StreamOptions {
  /** Number of the last event the reader has; null for new events only. */
  readonly after: number | null;
  /** Only this conversation's events; null for all. */
  readonly conversation: string | null;
  /** A comment goes out this often, so that proxies and readers see the stream is alive. */
  readonly heartbeatMs: number;
  /** A reader that leaves more than this unread is cut; it may come back with its last number. */
  readonly maxUnreadBytes: number;
}

/** Time after which a browser's EventSource comes back. */
const RETRY_MS = 2000;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // Tells nginx not to collect the stream before passing it on.
  'x-accel-buffering': 'no',
  connection: 'close',
};

function frame(event: CallEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Events after `after`, and whether some in between are no longer kept (or belong to an earlier process). */
function missed(events: CallEvents, after: number): { lost: boolean; kept: readonly CallEvent[] } {
  const kept = events.since(0);
  const oldest = kept[0]?.seq ?? 1;
  const newest = kept.at(-1)?.seq ?? 0;
  if (after > newest) return { lost: true, kept };
  return { lost: after + 1 < oldest, kept: events.since(after) };
}

/**
 * Writes call events as server-sent events (HTML Living Standard, section 9.2) until the reader leaves, falls
 * too far behind, or the returned function ends the stream. Afterwards no listener and no timer is left.
 */
export function streamEvents(
  response: ServerResponse,
  events: CallEvents,
  options: StreamOptions,
): () => void {
  const { after, conversation, heartbeatMs, maxUnreadBytes } = options;
  const stop = () => {
    unsubscribe();
    clearInterval(heartbeat);
  };
  const write = (text: string) => {
    if (response.writableEnded || response.destroyed) return;
    response.write(text);
    if (response.writableLength <= maxUnreadBytes) return;
    stop();
    response.destroy();
  };
  const show = (event: CallEvent) => {
    if (conversation === null || event.conversationId === conversation) write(frame(event));
  };
  const unsubscribe = events.subscribe(show);
  const heartbeat = setInterval(() => write(': alive\n\n'), heartbeatMs);
  heartbeat.unref();
  response.once('close', stop);
  // A reader that is gone shows as an error of the next write; 'close' follows.
  response.on('error', stop);
  response.writeHead(200, HEADERS);
  write(`retry: ${RETRY_MS}\n\n`);
  if (after !== null) {
    const { lost, kept } = missed(events, after);
    if (lost) write(`event: events.lost\ndata: ${JSON.stringify({ after })}\n\n`);
    for (const event of kept) show(event);
  }
  return () => {
    stop();
    response.end();
  };
}
