import { within } from '../../test/kit/deadline.js';
import { VOICE_HZ } from '../sounds.js';
import { sounds } from './hearing.js';
import { PERIOD_MS } from './pacer.js';
import { atRate, type Parties, type Party, sideBySide } from './parties.js';
import type { RtpStream } from './rtp-stream.js';
import { audioPort, header, type SipMessage, sdp } from './sip-message.js';

const DEADLINE_MS = 8000;
/** The agent is silent when nothing of the caller is heard for so long. */
const WATCH_MS = 250;
const POLL_MS = 10;
/** For a flow of seconds, with the way in and out. */
const RETURN_MS = 40_000;

export interface SecureTest {
  /** Number that connects a caller to an agent of this process. */
  readonly user: string;
  readonly port: number;
  readonly sessions: number;
  readonly atATime: number;
  readonly flow: string;
  /** The flow comes back by itself: the agent must hear the caller again. */
  readonly returns: boolean;
  readonly httpUrl: string;
  readonly token: string;
}

/** One secure session, in ms from the moment the request left. */
export interface SilentTime {
  /** Until the end of the last packet with the caller's voice that reached the agent. */
  readonly silentMs: number;
  /** Until the 202 was here. */
  readonly acceptedMs: number;
}

/** Sessions of {@link SecureAgents.atOnce}. */
export interface AtOnce {
  /** Those whose agent heard nothing, and the caller again afterwards. */
  readonly sessions: number;
  /** What the first of the others met; null when there was none. */
  readonly failure: string | null;
}

interface AgentLeg {
  readonly stream: RtpStream;
  readonly conversation: string;
  readonly participant: string;
  /** Called with the next packet that holds the caller's voice. */
  onVoice: (() => void) | null;
  /** End of the audio in the last packet with the caller's voice; null before there was one. */
  heardUntil: number | null;
}

/** A caller and an agent. */
interface Talk {
  readonly caller: Party;
  readonly agent: AgentLeg;
}

/** Agents who answer every call and start a secure session as soon as they hear the caller. */
export class SecureAgents {
  readonly #parties: Parties;
  /** By the caller's user, who the agent sees calling. */
  readonly #arrivals = new Map<string, (agent: AgentLeg) => void>();
  /** Calls that wait for {@link atOnce}. */
  readonly #talks: Talk[] = [];
  readonly #failures: string[] = [];
  #callers = 0;

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
    const talk = await this.#connect(test);
    try {
      return await this.#start(test, talk.agent);
    } finally {
      await this.#end(talk);
    }
  }

  /** Calls for {@link atOnce}; resolves with how many stand. */
  async connect(test: SecureTest): Promise<number> {
    const talks = await atRate(test.sessions, test.atATime, () => this.#settle(this.#connect(test)));
    this.#talks.push(...talks.filter((talk) => talk !== null));
    return this.#talks.length;
  }

  /** Starts a session on each call of {@link connect}, `atATime` a second, and hangs up when all are over. */
  async atOnce(test: SecureTest): Promise<AtOnce> {
    const talks = this.#talks.splice(0);
    const times = await atRate(talks.length, test.atATime, (index) =>
      this.#settle(this.#start(test, (talks[index] as Talk).agent)),
    );
    for (const talk of talks) await this.#end(talk);
    const sessions = times.filter((time) => time !== null).length;
    return { sessions, failure: this.#failures.splice(0)[0] ?? null };
  }

  /** Null for what failed. */
  async #settle<T>(work: Promise<T>): Promise<T | null> {
    return work.catch((error: unknown) => {
      this.#failures.push(error instanceof Error ? error.message : String(error));
      return null;
    });
  }

  /** A caller and an agent who hear each other. */
  async #connect(test: SecureTest): Promise<Talk> {
    const { user, port } = test;
    this.#callers += 1;
    const from = `caller-${this.#callers}`;
    const arrival = new Promise<AgentLeg>((resolve) => this.#arrivals.set(from, resolve));
    const caller = await this.#parties.call(user, port, null, from);
    try {
      const agent = await within(arrival, DEADLINE_MS, 'a call to the agent');
      await within(voice(agent), DEADLINE_MS, "the caller's voice at the agent");
      await talking(test, agent);
      return { caller, agent };
    } catch (error) {
      await this.#parties.hangUp(caller);
      throw error;
    }
  }

  async #end({ caller, agent }: Talk): Promise<void> {
    this.#parties.drop(agent.stream);
    await this.#parties.hangUp(caller);
  }

  async #start(test: SecureTest, agent: AgentLeg): Promise<SilentTime> {
    // Not in step with the packets: anywhere in a period of 20 ms.
    await pause(60 + Math.random() * 20);
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
    if (response.status !== 202)
      throw new Error(`a secure session was answered ${response.status} ${await response.text()}`);
    await response.text();
    const silentMs = (await silence(agent)) - from;
    if (test.returns) await within(voice(agent), RETURN_MS, 'the caller at the agent again');
    return { silentMs, acceptedMs };
  }

  async #answer(invite: SipMessage): Promise<string | null> {
    const from = /sip:([^@]+)@/.exec(header(invite, 'from'))?.[1] ?? '';
    const arrival = this.#arrivals.get(from);
    if (!arrival) return null;
    this.#arrivals.delete(from);
    const stream = await this.#parties.listen();
    const agent: AgentLeg = {
      stream,
      conversation: header(invite, 'x-tacet-conversation'),
      participant: header(invite, 'x-tacet-participant'),
      onVoice: null,
      heardUntil: null,
    };
    stream.onAudio = (payload, at) => {
      if (!sounds(payload, VOICE_HZ)) return;
      agent.heardUntil = at + PERIOD_MS;
      agent.onVoice?.();
    };
    await this.#parties.talk(stream, audioPort(invite.body));
    arrival(agent);
    return sdp(stream.port);
  }
}

/** Resolves with the time from which on nothing of the caller was heard. */
async function silence(agent: AgentLeg): Promise<number> {
  const over = performance.now() + DEADLINE_MS;
  for (;;) {
    await pause(POLL_MS);
    const now = performance.now();
    if (agent.heardUntil !== null && now - agent.heardUntil >= WATCH_MS) return agent.heardUntil;
    if (now > over) throw new Error('the agent went on hearing the caller in a secure session');
  }
}

/** The server knows that the two talk: audio may be there before that is confirmed. */
async function talking({ httpUrl, token }: SecureTest, { conversation }: AgentLeg): Promise<void> {
  const over = performance.now() + DEADLINE_MS;
  for (;;) {
    const response = await fetch(`${httpUrl}/api/v1/conversations/${conversation}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const { state } = (await response.json()) as { readonly state?: string };
    if (state === 'talking') return;
    if (performance.now() > over) throw new Error(`a conversation is ${state} long after the agent answered`);
    await pause(POLL_MS);
  }
}

/** Resolves when the caller is heard, from now on. */
function voice(agent: AgentLeg): Promise<void> {
  return new Promise((resolve) => {
    agent.onVoice = resolve;
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
