import { inlineKey } from '../sdp/crypto.js';
import type { AgreedAudio } from '../sdp/session.js';

/** Where FreeSWITCH is told to send while there is nobody to send to: to itself, to the port of nobody (discard). */
const NOBODY = { address: '127.0.0.1', port: 9 } as const;

/** What a channel is called with before anything is agreed with the far end: everything we speak, and silence. */
export const UNKNOWN_FAR_SIDE: AgreedAudio = {
  ...NOBODY,
  codec: 'PCMU',
  payloadType: 0,
  eventPayloadType: 101,
  receive: [
    [0, 'PCMU'],
    [8, 'PCMA'],
    [101, 'telephone-event'],
  ],
  sending: false,
  receiving: false,
};

/**
 * The far end as FreeSWITCH is shown it: what was agreed, in our words, so that nothing a stranger wrote into an SDP
 * reaches FreeSWITCH. `version` counts up with each SDP of a dialog.
 */
export function farSideSdp(audio: AgreedAudio, version: number): string {
  const address = audio.address ?? NOBODY.address;
  const port = audio.address === null ? NOBODY.port : audio.port;
  const codecs = new Map<number, string>([[audio.payloadType, audio.codec]]);
  for (const [type, kind] of audio.receive) if (kind !== 'telephone-event') codecs.set(type, kind);
  const events = audio.eventPayloadType;
  const types = [...codecs.keys(), ...(events === null ? [] : [events])];
  const lines = [
    'v=0',
    `o=tacet 1 ${version} IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} ${audio.srtp ? 'RTP/SAVP' : 'RTP/AVP'} ${types.join(' ')}`,
    ...[...codecs].map(([type, name]) => `a=rtpmap:${type} ${name}/8000`),
    ...(events === null ? [] : [`a=rtpmap:${events} telephone-event/8000`, `a=fmtp:${events} 0-15`]),
    ...(audio.srtp ? [`a=crypto:1 ${audio.srtp.suite} inline:${inlineKey(audio.srtp.remoteKey)}`] : []),
    'a=ptime:20',
    `a=${direction(audio)}`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function direction({ sending, receiving }: AgreedAudio): string {
  if (sending && receiving) return 'sendrecv';
  if (sending) return 'recvonly';
  return receiving ? 'sendonly' : 'inactive';
}
