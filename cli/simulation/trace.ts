import { variableOf } from '../../flows/secure-names.js';
import type { Happening } from './happening.js';

/** One line of a trace; null for what passes without leaving one. */
export function traceLine(happening: Happening): string | null {
  switch (happening.type) {
    case 'flow':
      return `flow ${happening.flow}`;
    case 'action':
      return null;
    case 'language':
      return `language ${happening.language}`;
    case 'prompt':
      return `prompt ${happening.text}`;
    case 'field':
      return fieldLine(happening);
    case 'filled':
      return `fill secure.${happening.name}: ${happening.error ?? 'known'}`;
    case 'extract':
      return `extract ${happening.transform} of ${happening.source}`;
    case 'data-call':
      return `callData ${happening.action} ${JSON.stringify(happening.inputs)}`;
    case 'data-answer':
      return `callData ${happening.status}${happening.error && `: ${happening.error}`}`;
    case 'bot-turn':
      return `bot ${happening.bot} turn ${happening.turn}: ${happening.event}`;
    case 'bot-answer':
      return `bot ${happening.status}${happening.error && `: ${happening.error}`}`;
    case 'charge': {
      const { operation, connector, secureInputs, inputs } = happening.command;
      const secure = Object.entries(secureInputs).map(([input, name]) => `${input}=${variableOf(name)}`);
      return `${operation} ${connector} ${secure.join(' ')} ${JSON.stringify(inputs)}`;
    }
    case 'verdict':
      return `charge ${happening.status}${happening.reason && `: ${happening.reason}`}`;
    case 'to-agent':
      return `transferToAgent ${happening.agent}: ${happening.result}`;
    case 'to-queue':
      return `transferToQueue ${happening.queue}: ${happening.result}`;
    case 'to-number':
      return `transferToNumber ${happening.number} by ${happening.trunk}: ${happening.result}`;
    case 'to-flow':
      return `transferToFlow ${happening.flow} ${happening.invocationData}`.trimEnd();
    case 'attributes':
      return `setParticipantData ${JSON.stringify(happening.attributes)}`;
    case 'event':
      return `sendEvent ${happening.name} ${JSON.stringify(happening.data)}`;
    case 'to-secure-flow':
      return `transferToSecureFlow ${happening.flow} ${happening.invocationData}`.trimEnd();
    case 'secure':
      return `secure ${happening.state}${happening.end === null ? '' : `: ${happening.end}`}`;
    case 'command':
      return `agent ${happening.command}${happening.refusal === null ? '' : ` refused: ${happening.refusal}`}`;
    case 'swallowed':
      return `keys swallowed: ${happening.keys}`;
    case 'result':
      return `result ${JSON.stringify(happening.data)}`;
    case 'end':
      return `end ${happening.end}`;
  }
}

function fieldLine({ scope, progress }: Happening & { type: 'field' }): string | null {
  const { field, name, state, entered, attempt, error } = progress;
  if (state !== 'accepted' && state !== 'rejected' && state !== 'left') return null;
  const verdict = state === 'accepted' ? `${entered} keys` : (error ?? state);
  return `collect ${field} into ${scope}.${name} #${attempt}: ${verdict}`;
}
