import type { CallEvents } from '../call/events.js';
import type { Logger } from './logger.js';

/** Writes one line for each event of a call, except the key-by-key progress. Returns what stops it. */
export function logEvents(events: CallEvents, log: Logger): () => void {
  return events.subscribe(({ conversationId, at: _at, ...event }) => {
    if (event.type === 'secure.progress' || event.type === 'flow.action') return;
    if (event.type === 'agent.data') {
      // The script's data belongs to the agent, not to the log.
      log.info({ conversation: conversationId, type: event.type, session: event.sessionId }, 'call');
      return;
    }
    if (event.type === 'participant.data' || event.type === 'flow.event') {
      // Nor does what flows tell other programs.
      const { attributes: _attributes, data: _data, ...told } = { attributes: {}, data: {}, ...event };
      log.info({ conversation: conversationId, ...told }, 'call');
      return;
    }
    log.info({ conversation: conversationId, ...event }, 'call');
  });
}
