import type { FieldKind } from '../../flows/commands.js';
import type { SecureSessionView } from '../../server/call/views.js';
import { AGENT_HZ, CALLER_HZ, INVOCATION, RECEPTION, SHORT_PAYMENT, type Talk } from '../calls/scene.js';
import { TacetProcess } from '../calls/tacet-process.js';
import type { Drachtio } from '../kit/drachtio.js';
import type { Freeswitch } from '../kit/freeswitch.js';
import { Phone } from '../kit/phone.js';
import { type Capture, startServers } from './whole-stack.js';

/** Tacet in a process of its own, so that it can be killed, between a real drachtio-server and a real FreeSWITCH. */
export class KilledScene {
  readonly drachtio: Drachtio;
  readonly freeswitch: Freeswitch;
  readonly #callerPhone: Phone;
  readonly #agentPhone: Phone;
  #tacet: TacetProcess;

  private constructor(
    tacet: TacetProcess,
    servers: { drachtio: Drachtio; freeswitch: Freeswitch },
    phones: { caller: Phone; agent: Phone },
  ) {
    this.#tacet = tacet;
    this.drachtio = servers.drachtio;
    this.freeswitch = servers.freeswitch;
    this.#callerPhone = phones.caller;
    this.#agentPhone = phones.agent;
  }

  static async start(capture: Capture): Promise<KilledScene> {
    const [drachtio, [freeswitch]] = await startServers(1);
    if (!freeswitch) throw new Error('no FreeSWITCH was started');
    const [caller, agent] = [await Phone.start({ user: 'caller' }), await Phone.start({ user: 'anna' })];
    const config = {
      sip: { drachtio: [drachtio.entry] },
      media: { address: '127.0.0.1', engine: 'freeswitch', freeswitch: [freeswitch.entry] },
      secure: { capture },
      agents: [{ id: 'anna', uri: agent.uri }],
      routes: [{ user: 'support', flow: 'reception' }],
      log: { level: 'debug' },
    };
    const flows = { reception: RECEPTION, 'short-payment': SHORT_PAYMENT };
    const tacet = await TacetProcess.start(config, flows);
    return new KilledScene(tacet, { drachtio, freeswitch }, { caller, agent });
  }

  get tacet(): TacetProcess {
    return this.#tacet;
  }

  /** Tacet once more, with the same data; resolves when it is ready. */
  async restart(): Promise<void> {
    this.#tacet = await this.#tacet.again();
  }

  /** Caller and agent hear each other. */
  async talk(): Promise<Talk> {
    const ringing = this.#agentPhone.nextCall();
    const caller = await this.#callerPhone.call(`sip:support@127.0.0.1:${this.drachtio.sipPort}`);
    caller.tone(CALLER_HZ);
    const agent = await (await ringing).answer();
    agent.tone(AGENT_HZ);
    await Promise.all([
      caller.waitForAudio({ hz: AGENT_HZ, deadlineMs: 10_000 }),
      agent.waitForAudio({ hz: CALLER_HZ, deadlineMs: 10_000 }),
    ]);
    const connected = await this.#tacet.event('participant.connected', ({ role }) => role === 'agent');
    const { conversationId, participantId } = connected;
    return { conversationId, agentParticipantId: participantId, caller, agent };
  }

  /** Resolves when the secure session asks for the card number. */
  async secure({ conversationId, agentParticipantId }: Talk): Promise<void> {
    const { id } = await this.#tacet.post<SecureSessionView>(
      `/api/v1/conversations/${conversationId}/secure-sessions`,
      { flow: 'short-payment', sourceParticipantId: agentParticipantId, invocationData: INVOCATION },
    );
    const field: FieldKind = 'cardNumber';
    await this.#tacet.event(
      'secure.progress',
      ({ sessionId, progress }) => sessionId === id && progress.field === field && progress.state === 'asked',
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#callerPhone.close(), this.#agentPhone.close()]);
    await this.#tacet.stop();
    await Promise.all([this.drachtio.stop(), this.freeswitch.stop()]);
  }
}
