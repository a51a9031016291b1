import type { SipMessage } from './message.js';

/**
 * Writes a message. Content-Length is always computed from the body; one among the headers is left out.
 * Header values are byte strings, so the header section is written as Latin-1.
 */
export function serialize(message: SipMessage): Buffer {
  const head = serializeHead(message);
  const data = Buffer.allocUnsafe(head.length + message.body.length);
  data.write(head, 0, 'latin1');
  message.body.copy(data, head.length);
  return data;
}

function serializeHead(message: SipMessage): string {
  let head =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${message.reason}\r\n`;
  for (const { name, key, value } of message.headers) {
    if (key !== 'content-length') head += `${name}: ${value}\r\n`;
  }
  return `${head}Content-Length: ${message.body.length}\r\n\r\n`;
}
