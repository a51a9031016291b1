import { within } from '../../test/kit/deadline.js';
import { VOICE_HZ } from '../sounds.js';
import { sounds } from './hearing.js';
import { type Parties, sideBySide } from './parties.js';
import type { RtpStream } from './rtp-stream.js';
import { audioPort, header, type SipMessage, sdp } from './sip-message.js';

const DEADLINE_MS = 8000;
/** How long after the request the agent's audio is watched. */
const WATCH_MS = 250;

export interface SecureTest {
  /** Number that connects a caller to an agent of this process. */
  readonly user: string;
  readonly port: number;
  readonly sessions: number;
  readonly atATime: number;
  readonly flow: string;
  readonly httpUrl: string;
  readonly token: string;
}

/** One secure session, in ms from the moment the request left. */
export interface SilentTime {
  /** Until the first packet without the caller's voice reached the agent, after which none had it. */
  readonly silentMs: number;
  /** Until the 202 was here. */
  readonly acceptedMs: number;
}

interface AgentLeg {
  readonly stream: RtpStream;
  readonly conversation: string;
  readonly participant: string;
  /** Resolves when the caller is heard. */
  readonly connected: Promise<void>;
  /** Arrival of the first packet after the last one with the caller's voice; null while that is heard. */
  silentAt: number | null;
}

/** Agents who answer every call and start a secure session as soon as they hear the caller. */
export class SecureAgents {
  readonly #parties: Parties;
  readonly #arrivals: ((agent: AgentLeg) => void)[] = [];

  constructor(parties: Parties) {
    this.#parties = parties;
    parties.sip.onInvite = (invite) => this.#answer(invite);
  }

  async run(test: SecureTest): Promise<SilentTime[]> {
    // The first of each lane opens its connection to the API: a script of an agent's desk has one already.
    const all = await sideBySide(test.sessions + test.atATime, test.atATime, (index) =>
      this.#session(test).then((time) => ({ index, time })),
    );
    return all.filter(({ index }) => index >= test.atATime).map(({ time }) => time);
  }

  async #session(test: SecureTest): Promise<SilentTime> {
    const arrival = new Promise<AgentLeg>((resolve) => this.#arrivals.push(resolve));
    const caller = await this.#parties.call(test.user, test.port);
    try {
      const agent = await within(arrival, DEADLINE_MS, 'a call to the agent');
      try {
        await within(agent.connected, DEADLINE_MS, "the caller's voice at the agent");
        return await this.#start(test, agent);
      } finally {
        this.#parties.drop(agent.stream);
      }
    } finally {
      await this.#parties.hangUp(caller);
    }
  }

  async #start(test: SecureTest, agent: AgentLeg): Promise<SilentTime> {
    // Not in step with the packets: anywhere in a period of 20 ms.
    await pause(60 + Math.random() * 20);
    agent.silentAt = null;
    const from = performance.now();
    const response = await fetch(
      `${test.httpUrl}/api/v1/conversations/${agent.conversation}/secure-sessions`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${test.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ flow: test.flow, sourceParticipantId: agent.participant }),
        signal: AbortSignal.timeout(DEADLINE_MS),
      },
    );
    const acceptedMs = performance.now() - from;
    if (response.status !== 202) throw new Error(`a secure session was answered ${response.status}`);
    await response.text();
    await pause(WATCH_MS);
    if (agent.silentAt === null) throw new Error('the agent went on hearing the caller in a secure session');
    return { silentMs: agent.silentAt - from, acceptedMs };
  }

  async #answer(invite: SipMessage): Promise<string | null> {
    const arrival = this.#arrivals.shift();
    if (!arrival) return null;
    const stream = await this.#parties.listen();
    let connected = (): void => undefined;
    const agent: AgentLeg = {
      stream,
      conversation: header(invite, 'x-tacet-conversation'),
      participant: header(invite, 'x-tacet-participant'),
      connected: new Promise((resolve) => {
        connected = resolve;
      }),
      silentAt: null,
    };
    stream.onAudio = (payload, at) => {
      if (sounds(payload, VOICE_HZ)) {
        agent.silentAt = null;
        connected();
      } else agent.silentAt ??= at;
    };
    await this.#parties.talk(stream, audioPort(invite.body));
    arrival(agent);
    return sdp(stream.port);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
