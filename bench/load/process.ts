import { serve } from '../rpc.js';
import { keyTest } from './keys.js';
import { PERIOD_MS } from './pacer.js';
import { atRate, Parties, type Party } from './parties.js';
import type { RtpStream } from './rtp-stream.js';
import { SecureAgents } from './secure.js';

/** The load process: every calling and called party, the same for every target. */

export interface CallPlan {
  readonly user: string;
  readonly port: number;
  readonly calls: number;
  readonly perSecond: number;
}

/** Time between the ACK and the BYE of a call that is only set up and torn down, in ms. */
const HOLD_MS = 100;

const parties = await Parties.open();
const agents = new SecureAgents(parties);
const crowd: Party[] = [];
const bare: RtpStream[] = [];

const operations = {
  /** The SIP port of all parties. */
  port: (_: null): number => parties.sip.port,
  /** One call that is hung up at once; rejects when it is not answered. */
  async tryCall({ user, port }: { readonly user: string; readonly port: number }): Promise<void> {
    await parties.hangUp(await parties.call(user, port));
  },
  /** Calls that stay until `hangUp`. */
  async call({ user, port, calls, perSecond }: CallPlan): Promise<void> {
    await atRate(calls, perSecond, async () => {
      crowd.push(await parties.call(user, port));
    });
  },
  async hangUp(perSecond: number): Promise<void> {
    const ending = crowd.splice(0);
    await atRate(ending.length, perSecond, (index) => parties.hangUp(ending[index] as Party));
  },
  /** RTP without SIP: one stream to each port. */
  async stream(ports: readonly number[]): Promise<void> {
    for (const port of ports) {
      const stream = await parties.listen();
      bare.push(stream);
      await parties.talk(stream, port);
    }
  },
  endStreams(_: null): void {
    for (const stream of bare.splice(0)) parties.drop(stream);
  },
  window: (ms: number) => parties.window(ms),
  /** How many of the calls that stay received at least half of their audio in `ms` from now on. */
  async alive(ms: number): Promise<number> {
    const before = crowd.map(({ stream }) => stream.received);
    await new Promise((resolve) => setTimeout(resolve, ms));
    const least = ms / PERIOD_MS / 2;
    return crowd.filter(({ stream }, index) => stream.received - (before[index] ?? 0) >= least).length;
  },
  /** Calls that are answered and hung up at once. */
  async setUps({ user, port, calls, perSecond }: CallPlan): Promise<void> {
    await atRate(calls, perSecond, async () => {
      const party = await parties.call(user, port);
      await new Promise((resolve) => setTimeout(resolve, HOLD_MS));
      await parties.hangUp(party);
    });
  },
  keys: (test: Parameters<typeof keyTest>[1]) => keyTest(parties, test),
  secure: (test: Parameters<SecureAgents['run']>[0]) => agents.run(test),
  secureConnect: (test: Parameters<SecureAgents['connect']>[0]) => agents.connect(test),
  secureAtOnce: (test: Parameters<SecureAgents['atOnce']>[0]) => agents.atOnce(test),
};

export type LoadOperations = typeof operations;

serve(operations);
