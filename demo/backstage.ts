import { Drachtio, drachtioInstalled } from '../test/kit/drachtio.js';
import { Freeswitch } from '../test/kit/freeswitch.js';
import type { Screen } from './screen.js';

/** The servers that a contact centre runs, with the shipped configuration: FreeSWITCH, and drachtio-server where there is one. */
export class Backstage {
  readonly #freeswitch: Freeswitch;
  readonly #drachtio: Drachtio | null;

  private constructor(freeswitch: Freeswitch, drachtio: Drachtio | null) {
    this.#freeswitch = freeswitch;
    this.#drachtio = drachtio;
  }

  /** Resolves when they take calls. */
  static async open(screen: Screen): Promise<Backstage> {
    const withDrachtio = drachtioInstalled();
    const sip = withDrachtio
      ? 'drachtio-server'
      : 'the SIP server in the program: drachtio is not on the PATH';
    screen.plain(`Starting FreeSWITCH and ${sip}.\n`);
    const drachtio = withDrachtio ? await Drachtio.start() : null;
    try {
      return new Backstage(await Freeswitch.start(), drachtio);
    } catch (error) {
      await drachtio?.stop();
      throw error;
    }
  }

  /** Sections of tacet.yaml that put a Tacet in front of them. */
  get config(): Readonly<Record<string, unknown>> {
    return {
      ...(this.#drachtio && { sip: { drachtio: [this.#drachtio.entry] } }),
      media: { engine: 'freeswitch', freeswitch: [this.#freeswitch.entry] },
    };
  }

  async close(): Promise<void> {
    await this.#freeswitch.stop();
    await this.#drachtio?.stop();
  }
}
