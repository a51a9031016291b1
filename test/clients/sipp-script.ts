/** Pieces of SIPp scenarios, for calls that go differently from `caller.xml`. Each function returns XML. */

/** G.711 and telephone-event, as most phones offer it. */
export const OFFER = sdp({
  formats: '0 8 96',
  lines: ['a=rtpmap:96 telephone-event/8000', 'a=fmtp:96 0-15'],
});

export interface SdpText {
  /** Payload types of the m= line. */
  readonly formats: string;
  /** Attributes of the audio. */
  readonly lines?: readonly string[];
  /** Counts up with every change of a dialog. Default 1. */
  readonly version?: number;
  /** Address in c=. Default: SIPp's. */
  readonly address?: string;
  /** Default `RTP/AVP`. */
  readonly profile?: string;
}

export function sdp({ formats, lines = [], version = 1, address, profile = 'RTP/AVP' }: SdpText): string {
  return [
    'v=0',
    `o=sipp 1 ${version} IN IP4 [local_ip]`,
    's=-',
    `c=IN IP4 ${address ?? '[media_ip]'}`,
    't=0 0',
    `m=audio [media_port] ${profile} ${formats}`,
    ...lines,
  ].join('\n');
}

export interface RequestText {
  readonly cseq: number;
  /** Further header fields, whole lines. */
  readonly headers?: readonly string[];
  /** SDP, unless `headers` hold another Content-Type. */
  readonly body?: string;
  /** Contact URI. Default: SIPp's own address. */
  readonly contact?: string;
  /** Default: a new transaction. The same word twice is the same transaction. */
  readonly branch?: string;
  /** Sent again until something comes back. Default true, ACK excepted. */
  readonly retransmits?: boolean;
  /** Rather than SIPp's own Via, From or To. */
  readonly replaces?: { readonly via?: string; readonly from?: string; readonly to?: string };
}

const SELF = '<sip:sipp@[local_ip]:[local_port];transport=[transport]>';
const CALLED = 'sip:[service]@[remote_ip]:[remote_port]';

function message(method: string, uri: string, to: string, text: RequestText): string {
  const { cseq, headers = [], body, contact = SELF, branch, replaces = {} } = text;
  const id = branch === undefined ? '[branch]' : `z9hG4bK-${branch}-[pid]-[call_number]`;
  const own = headers.some((line) => /^(Content-Type|c) *:/i.test(line));
  const lines = [
    `${method} ${uri} SIP/2.0`,
    replaces.via ?? `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=${id};rport`,
    replaces.from ?? 'From: "Caller" <sip:sipp@[local_ip]:[local_port]>;tag=[pid]-[call_number]',
    replaces.to ?? to,
    'Call-ID: [call_id]',
    `CSeq: ${cseq} ${method}`,
    `Contact: ${contact}`,
    'Max-Forwards: 70',
    ...headers,
    ...(body === undefined || own ? [] : ['Content-Type: application/sdp']),
    'Content-Length: [len]',
  ];
  const resent = (text.retransmits ?? method !== 'ACK') ? ' retrans="500"' : '';
  return `  <send${resent}><![CDATA[\n\n${lines.join('\n')}\n\n${body ?? ''}\n]]></send>\n`;
}

/** A request outside a dialog, to the number that is called. */
export function request(method: string, text: RequestText): string {
  return message(method, CALLED, `To: <${CALLED}>`, text);
}

/** A request in the dialog that the last answer with a route set ({@link answered}) began. */
export function inDialog(method: string, text: RequestText): string {
  return message(method, '[next_url]', `To: <${CALLED}>[peer_tag_param]\n[routes]`, text);
}

/** The INVITE that begins a call: transaction `invite`, unless said otherwise. */
export function invite(text: Partial<RequestText> = {}): string {
  return request('INVITE', { cseq: 1, body: OFFER, branch: 'invite', ...text });
}

/** ACK for an answer other than 2xx to the INVITE that began the call (RFC 3261 section 17.1.1.3). */
export function refusalAck(cseq = 1, branch = 'invite'): string {
  return message('ACK', CALLED, `To: <${CALLED}>[peer_tag_param]`, { cseq, branch });
}

const EXPECT_MS = 10_000;

export interface Expected {
  /** Extended regular expression that the message must match. */
  readonly matching?: string;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

function expected(what: string, { matching, timeoutMs = EXPECT_MS }: Expected): string {
  const check = matching
    ? `<action><ereg regexp="${matching}" search_in="msg" check_it="true" assign_to="1"/></action>`
    : '';
  return `  <recv ${what} timeout="${timeoutMs}">${check}</recv>\n`;
}

/** SIPp looks only at the time limit of the first message it could take here, so each has one. */
function final(what: string, wanted: Expected): string {
  const timeout = wanted.timeoutMs ?? EXPECT_MS;
  const provisional = [100, 180, 183].map(
    (status) => `  <recv response="${status}" optional="true" timeout="${timeout}"/>\n`,
  );
  return `${provisional.join('')}${expected(what, wanted)}`;
}

/** A final answer; provisional ones may come before. */
export function expect(status: number, wanted: Expected = {}): string {
  return final(`response="${status}"`, wanted);
}

/** This provisional answer; 100 may come before. */
export function expectProvisional(status: 100 | 180 | 183, wanted: Expected = {}): string {
  const trying =
    status === 100
      ? ''
      : `  <recv response="100" optional="true" timeout="${wanted.timeoutMs ?? EXPECT_MS}"/>\n`;
  return `${trying}${expected(`response="${status}"`, wanted)}`;
}

/** The 200 that begins a dialog. */
export function answered(wanted: Expected = {}): string {
  return final('response="200" rrs="true"', wanted);
}

export function expectRequest(method: string, wanted: Expected = {}): string {
  return expected(`request="${method}"`, wanted);
}

export interface AnswerText {
  readonly body?: string;
  /** Further header fields, whole lines. */
  readonly headers?: readonly string[];
  /** Begins a dialog, or refuses to: our tag is put into To. */
  readonly tagged?: boolean;
  /** Answers the INVITE that {@link expectCall} took, whatever came since (a CANCEL). */
  readonly toInvite?: boolean;
}

/** Answers the request received last. */
export function answer(status: string, text: AnswerText = {}): string {
  const { body = '', headers = [], tagged = false, toInvite = false } = text;
  const lines = [
    `SIP/2.0 ${status}`,
    '[last_Via:]',
    '[last_From:]',
    `[last_To:]${tagged ? ';tag=[pid]-[call_number]' : ''}`,
    '[last_Call-ID:]',
    toInvite ? 'CSeq: [$2] INVITE' : '[last_CSeq:]',
    `Contact: ${SELF}`,
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    'Content-Length: [len]',
  ];
  return `  <send><![CDATA[\n\n${lines.join('\n')}\n\n${body}\n]]></send>\n`;
}

/** An INVITE, whose CSeq is kept for an answer that comes after other requests. */
export function expectCall(): string {
  const number = '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="2"/>';
  return `  <recv request="INVITE" rrs="true" timeout="15000"><action>${number}</action></recv>\n`;
}

/** The ACK of a call that was taken; keeps who is who for {@link calledBye}. */
export function expectAck(): string {
  const keep = (header: string, name: string) =>
    `<ereg regexp=".*" search_in="hdr" header="${header}:" assign_to="${name}"/>`;
  return `  <recv request="ACK" timeout="${EXPECT_MS}"><action>${keep('From', '3')}${keep('To', '4')}</action></recv>\n`;
}

/** BYE of the called party, and its 200. */
export function calledBye(): string {
  const replaces = { from: 'From:[$4]', to: 'To:[$3]' };
  return `${message('BYE', '[next_url]', '', { cseq: 1, replaces })}${expect(200)}`;
}

export function pause(ms: number): string {
  return `  <pause milliseconds="${ms}"/>\n`;
}

/** INVITE, 200 and ACK, with this offer. */
export function call(text: Partial<RequestText> = {}, wanted: Expected = {}): string {
  return `${invite(text)}${answered(wanted)}${inDialog('ACK', { cseq: 1 })}`;
}

/** BYE and its 200. */
export function hangUp(cseq: number): string {
  return `${inDialog('BYE', { cseq })}${expect(200)}`;
}

export function scenario(...parts: readonly string[]): string {
  const body = parts.join('');
  const kept = ['1', '2', '3', '4'].filter((name) => body.includes(`assign_to="${name}"`));
  const used = kept.length > 0 ? `  <Reference variables="${kept.join(',')}"/>\n` : '';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="script">\n${body}${used}</scenario>\n`;
}
