import type { CallEvent } from '../server/call/events.js';
import type { ConversationView, SecureSessionRequest } from '../server/call/views.js';
import type { TestTacet } from '../test/kit/tacet.js';

export type AgentData = Extract<CallEvent, { type: 'agent.data' }>;

/** The program on an agent's screen: it knows Tacet by HTTP alone, as a contact centre's own would. */
export class AgentDesk {
  readonly #tacet: TestTacet;
  readonly #stop: AbortController;
  readonly #reading: Promise<void>;
  /** Resolves when data for the agent's script has come. */
  readonly data: Promise<AgentData>;

  private constructor(
    tacet: TestTacet,
    stream: Response,
    stop: AbortController,
    onData: (event: AgentData) => void,
  ) {
    this.#tacet = tacet;
    this.#stop = stop;
    let arrived: (event: AgentData) => void = () => {};
    this.data = new Promise((resolve) => {
      arrived = resolve;
    });
    this.#reading = readEvents(stream, (event) => {
      onData(event);
      arrived(event);
    }).catch(() => undefined);
  }

  /** Opens the event stream; `onData` is called with what arrives for the agent's script. */
  static async open(tacet: TestTacet, onData: (event: AgentData) => void): Promise<AgentDesk> {
    const stop = new AbortController();
    const stream = await fetch(`${tacet.listening.httpUrl}/api/v1/events`, {
      headers: { authorization: `Bearer ${tacet.token}` },
      signal: stop.signal,
    });
    if (!stream.ok) throw new Error(`the event stream was answered ${stream.status}`);
    return new AgentDesk(tacet, stream, stop, onData);
  }

  /** Looks a conversation up, as the screen does when the phone is answered; returns the agent's participant. */
  async participantOf(conversationId: string): Promise<string> {
    const { body } = await this.#tacet.api<ConversationView>(
      'GET',
      `/api/v1/conversations/${conversationId}`,
    );
    const agent = body.participants.find(({ role }) => role === 'agent');
    if (!agent) throw new Error('the conversation has no agent');
    return agent.id;
  }

  /** Rejects when the request is refused. */
  async startSecureSession(conversationId: string, request: SecureSessionRequest): Promise<void> {
    const path = `/api/v1/conversations/${conversationId}/secure-sessions`;
    const { status, body } = await this.#tacet.api('POST', path, request);
    if (status !== 202) throw new Error(`the secure session was refused: ${JSON.stringify(body)}`);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }
}

/** Reads server-sent events until the stream ends; each of Tacet's has one `data:` line. */
async function readEvents(stream: Response, onData: (event: AgentData) => void): Promise<void> {
  const text = new TextDecoder();
  let unread = '';
  for await (const chunk of stream.body ?? []) {
    unread += text.decode(chunk, { stream: true });
    const frames = unread.split('\n\n');
    unread = frames.pop() ?? '';
    for (const frame of frames) {
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      const event = data === undefined ? null : (JSON.parse(data) as CallEvent);
      if (event?.type === 'agent.data') onData(event);
    }
  }
}
