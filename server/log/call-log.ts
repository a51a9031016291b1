import type { CallEvents } from '../call/events.js';
import type { Logger } from './logger.js';

/** Writes one line for each event of a call, except the key-by-key progress. Returns what stops it. */
export function logEvents(events: CallEvents, log: Logger): () => void {
  return events.subscribe((event) => {
    // The line of a flow is written by whoever changes it.
    if (event.conversationId === null) return;
    if (event.type === 'secure.progress' || event.type === 'flow.action') return;
    const { conversationId, at: _at, ...body } = event;
    if (body.type === 'agent.data') {
      // The script's data belongs to the agent, not to the log.
      log.info({ conversation: conversationId, type: body.type, session: body.sessionId }, 'call');
      return;
    }
    if (body.type === 'participant.data' || body.type === 'flow.event') {
      // Nor does what flows tell other programs.
      const { attributes: _attributes, data: _data, ...told } = { attributes: {}, data: {}, ...body };
      log.info({ conversation: conversationId, ...told }, 'call');
      return;
    }
    log.info({ conversation: conversationId, ...body }, 'call');
  });
}
