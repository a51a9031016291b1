import { Drachtio, drachtioInstalled } from '../../test/kit/drachtio.js';
import { Freeswitch } from '../../test/kit/freeswitch.js';

/** For hundreds of calls with two channels each; apart from each other and from the ports that the system gives away. */
const FREESWITCH_ENVIRONMENT = {
  FREESWITCH_RTP_PORTS_FROM: '24000',
  FREESWITCH_RTP_PORTS_TO: '31999',
  FREESWITCH_MAX_SESSIONS: '5000',
};
const VAULT_PORTS = { from: 20000, to: 23999 };

/** What Tacet runs on in production, with the shipped configuration: FreeSWITCH, and drachtio-server where there is one. */
export class Stack {
  readonly #freeswitch: Freeswitch;
  readonly #drachtio: Drachtio | null;

  private constructor(freeswitch: Freeswitch, drachtio: Drachtio | null) {
    this.#freeswitch = freeswitch;
    this.#drachtio = drachtio;
  }

  static async start(): Promise<Stack> {
    const drachtio = drachtioInstalled() ? await Drachtio.start() : null;
    try {
      return new Stack(await Freeswitch.start({ env: FREESWITCH_ENVIRONMENT }), drachtio);
    } catch (error) {
      await drachtio?.stop();
      throw error;
    }
  }

  /** Processes, by name. */
  get pids(): Readonly<Record<string, number>> {
    return {
      freeswitch: this.#freeswitch.pid,
      ...(this.#drachtio && { drachtio: this.#drachtio.pid }),
    };
  }

  /** Where calls come in; null when that is the program itself. */
  get sipPort(): number | null {
    return this.#drachtio?.sipPort ?? null;
  }

  /** For the section `sip` of tacet.yaml. */
  get sip(): Readonly<Record<string, unknown>> {
    return this.#drachtio ? { drachtio: [this.#drachtio.entry] } : {};
  }

  /** For the section `media`. */
  get media(): Readonly<Record<string, unknown>> {
    return { engine: 'freeswitch', freeswitch: [this.#freeswitch.entry], rtpPorts: VAULT_PORTS };
  }

  async stop(): Promise<void> {
    await this.#freeswitch.stop();
    await this.#drachtio?.stop();
  }
}
