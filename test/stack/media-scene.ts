import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DigitEvent, MediaEndpoint } from '../../media/endpoint.js';
import { FreeswitchMediaServer } from '../../media/freeswitch/freeswitch-media-server.js';
import type { EndpointOptions, MediaServer } from '../../media/media-server.js';
import { PromptStore } from '../../media/prompts/prompt-store.js';
import { DrachtioSignalling } from '../../server/sip/drachtio-signalling.js';
import { type SipServer, startSipServer } from '../../server/sip/embedded/server.js';
import { Freeswitch } from '../kit/freeswitch.js';
import { PhoneMedia } from '../kit/phone-media.js';
import { type Direction, readSdp, writeSdp } from '../kit/phone-sdp.js';
import { tones } from '../kit/sounds.js';

/** An endpoint and the RTP of the phone at its far end, without any SIP between the two. */
export interface Leg {
  readonly endpoint: MediaEndpoint;
  readonly phone: PhoneMedia;
  /** Keys that the endpoint told. */
  readonly keys: DigitEvent[];
  /** The phone's side as an offer or an answer. */
  sdp(direction?: Direction): string;
  /** The phone keeps to this SDP of the endpoint. */
  follow(sdp: string): void;
}

export interface LegOptions extends EndpointOptions {
  /** What the phone says all the time. */
  readonly hz: number;
  readonly telephoneEvent?: boolean;
}

/** FreeSWITCH as the media engine of nothing else: real servers, our SIP server, phones that are RTP alone. */
export class MediaScene {
  readonly freeswitches: readonly Freeswitch[];
  readonly media: MediaServer;
  readonly signalling: DrachtioSignalling;
  /** Endpoints that were lost, in their order. */
  readonly lost: string[] = [];
  /** What the engine said about its servers. */
  readonly nodes: string[] = [];
  readonly #sip: SipServer;
  readonly #prompts: PromptStore;
  readonly #directory: string;
  readonly #legs: Leg[] = [];

  private constructor(
    freeswitches: readonly Freeswitch[],
    sip: SipServer,
    signalling: DrachtioSignalling,
    directory: string,
  ) {
    this.freeswitches = freeswitches;
    this.signalling = signalling;
    this.#sip = sip;
    this.#directory = directory;
    this.#prompts = new PromptStore({ directory });
    this.media = new FreeswitchMediaServer({
      nodes: freeswitches.map(({ entry }) => ({ ...entry, weight: 1 })),
      listen: { address: '127.0.0.1', port: 0, advertisedAddress: '127.0.0.1' },
      sip: signalling.mediaDialogs,
      sounds: { source: this.#prompts, directory, seenAs: directory },
      onNode: (node, fault) => this.nodes.push(`${node} ${fault ?? 'up'}`),
      commandMs: 1000,
      pingMs: 200,
    });
    this.media.onLost((ids) => this.lost.push(...ids));
  }

  static async start(servers = 1): Promise<MediaScene> {
    const freeswitches = await Promise.all(Array.from({ length: servers }, () => Freeswitch.start()));
    const sip = await startSipServer({ address: '127.0.0.1', port: 0, advertisedAddress: '127.0.0.1' });
    const signalling = new DrachtioSignalling({
      servers: [{ host: '127.0.0.1', port: sip.adminPort, secret: sip.secret }],
      localHost: '127.0.0.1',
    });
    await signalling.start({ incoming: (call) => call.reject(480, 'no'), register: () => {} });
    const directory = mkdtempSync(join(tmpdir(), 'tacet-media-'));
    const scene = new MediaScene(freeswitches, sip, signalling, directory);
    await scene.media.start();
    return scene;
  }

  /** A leg that the phone has called. */
  async called(options: LegOptions): Promise<Leg> {
    const leg = await this.#leg(options);
    leg.follow(await leg.endpoint.answer(leg.sdp()));
    return leg;
  }

  /** A leg that calls the phone. */
  async calling(options: LegOptions): Promise<Leg> {
    const leg = await this.#leg(options);
    leg.follow(await leg.endpoint.offer());
    await leg.endpoint.acceptAnswer(leg.sdp());
    return leg;
  }

  /** Ends every leg, and waits until no FreeSWITCH has a channel. */
  async clear(): Promise<void> {
    for (const { endpoint, phone } of this.#legs.splice(0)) {
      await Promise.all([endpoint.close(), phone.close()]);
    }
    this.lost.splice(0);
  }

  async close(): Promise<void> {
    await this.clear();
    await this.media.close();
    await this.#prompts.close();
    await this.signalling.close();
    await this.#sip.close();
    await Promise.all(this.freeswitches.map((freeswitch) => freeswitch.stop()));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #leg({ hz, telephoneEvent = true, ...options }: LegOptions): Promise<Leg> {
    const endpoint = await this.media.createEndpoint(options);
    const phone = await PhoneMedia.open('127.0.0.1');
    phone.sound = tones([hz], -10);
    const keys: DigitEvent[] = [];
    endpoint.onDigit((key) => keys.push(key));
    const eventPayloadType = telephoneEvent ? 101 : null;
    let version = 0;
    const leg: Leg = {
      endpoint,
      phone,
      keys,
      sdp: (direction = 'sendrecv') => {
        version += 1;
        const { address, port } = phone;
        return writeSdp(
          { address, port, codecs: ['PCMU', 'PCMA'], crypto: null, eventPayloadType, direction },
          version,
        );
      },
      follow: (sdp) => {
        const remote = readSdp(sdp);
        const codec = remote.codecs[0] ?? 'PCMU';
        phone.sendTo(remote, { codec, eventPayloadType: telephoneEvent ? remote.eventPayloadType : null });
      },
    };
    this.#legs.push(leg);
    return leg;
  }
}
