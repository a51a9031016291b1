/** Keys to press during a call of SIPp. */
export interface KeyGroup {
  /** Pause before the first key, ms; or `cue`: pressed when {@link Sipp.cue} says so, within 30 s. */
  readonly afterMs: number | 'cue';
  readonly keys: string;
}

export interface CallSteps {
  /** Default `rfc4733`: SIPp's own telephone-events, for which it must run as root. */
  readonly method?: 'rfc4733' | 'sip-info';
  readonly groups: readonly KeyGroup[];
  /** Each key is held this long and followed by a pause as long, ms. Default 100; SIPp takes 50 to 2,000. */
  readonly keyMs?: number;
  /** Waits for BYE at most this long, ms; otherwise the call fails. */
  readonly waitForByeMs?: number;
  /** Without `waitForByeMs`: hangs up this long after the last key, ms. Default 0. */
  readonly hangUpAfterMs?: number;
}

const CUE_DEADLINE_MS = 30_000;

/** SIPp sends 400 ms of empty packets ahead of its keys, to get the stream going. */
const LEAD_MS = 400;

const HEADERS = `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Caller" <sip:sipp@[local_ip]:[local_port]>;tag=[pid]-[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
[routes]
Call-ID: [call_id]
Max-Forwards: 70`;

/** The part of a SIPp scenario that follows the ACK. */
export function stepsXml(steps: CallSteps): string {
  const { groups, keyMs = 100, method = 'rfc4733' } = steps;
  let sequence = 1;
  const next = () => {
    sequence += 1;
    return sequence;
  };
  const pressed = groups.map((group) => {
    if (!/^[0-9*#A-D]+$/.test(group.keys)) throw new Error(`not DTMF keys: ${group.keys}`);
    const cued = group.afterMs === 'cue';
    const keys = method === 'rfc4733' ? events(group.keys, keyMs, cued) : infos(group.keys, keyMs, next);
    return `${group.afterMs === 'cue' ? AWAIT_CUE : pause(group.afterMs)}${keys}`;
  });
  const { waitForByeMs, hangUpAfterMs = 0 } = steps;
  const end = waitForByeMs === undefined ? `${pause(hangUpAfterMs)}${bye(next())}` : awaitBye(waitForByeMs);
  return `${pressed.join('')}${end}`;
}

/** What follows a cue must already wait when the next one comes, so keys are played without waiting for their end. */
const AWAIT_CUE = `  <recv request="MESSAGE" timeout="${CUE_DEADLINE_MS}"/>\n`;

function pause(ms: number): string {
  return ms > 0 ? `  <pause milliseconds="${ms}"/>\n` : '';
}

function events(keys: string, keyMs: number, cued: boolean): string {
  const play = `  <nop><action><exec play_dtmf="${keys},${keyMs}"/></action></nop>\n`;
  return cued ? play : `${play}${pause(LEAD_MS + (keys.length + 1) * 2 * keyMs)}`;
}

function infos(keys: string, keyMs: number, next: () => number): string {
  const info = (key: string) => `  <send retrans="500"><![CDATA[

INFO [next_url] SIP/2.0
${HEADERS}
CSeq: ${next()} INFO
Content-Type: application/dtmf-relay
Content-Length: [len]

Signal=${key}
Duration=${keyMs}
]]></send>
  <recv response="200"/>
${pause(keyMs * 2)}`;
  return [...keys].map(info).join('');
}

function bye(sequence: number): string {
  return `  <send retrans="500"><![CDATA[

BYE [next_url] SIP/2.0
${HEADERS}
CSeq: ${sequence} BYE
Content-Length: 0

]]></send>
  <recv response="200"/>
`;
}

function awaitBye(ms: number): string {
  return `  <recv request="BYE" timeout="${ms}"/>
  <send><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
`;
}
