/** What is used of drachtio-fsmrf 4.1 and drachtio-modesl 1.3, which come without types. */

declare module 'drachtio-modesl' {
  import type { Socket } from 'node:net';

  export interface EslEvent {
    getHeader(name: string): string | undefined;
    getBody(): string;
  }

  export interface Connection {
    socket: Socket | null;
    /** It must not connect again by itself. */
    closing: boolean;
    on(event: string, listener: (event: EslEvent) => void): void;
    off(event: string, listener: (event: EslEvent) => void): void;
    subscribe(events: readonly string[]): void;
    api(command: string, reply: (event: EslEvent) => void): void;
    /** Returns the Application-UUID of the execution; calls back when it is over. */
    execute(app: string, argument: string, done: (event: EslEvent) => void): string;
  }

  const modesl: {
    /** Connects; calls back when it is let in. */
    readonly Connection: new (
      host: string,
      port: number,
      password: string,
      ready: () => void,
    ) => Connection;
  };
  export default modesl;
}

declare module 'drachtio-fsmrf' {
  /** Holds what its media servers share. */
  export default class Mrf {
    constructor(srf: { createUAC(uri: string, options: object): Promise<object> });
  }
}

declare module 'drachtio-fsmrf/lib/endpoint.js' {
  import type { Connection } from 'drachtio-modesl';

  export interface Dtmf {
    readonly dtmf: string;
    /** In samples at 8 kHz. */
    readonly duration: string;
    readonly source: string;
  }

  export default class Endpoint {
    readonly uuid: string;
    readonly conn: Connection | null;
    readonly dialog: object;
    readonly local: { readonly sdp: string };
    on(event: 'dtmf', listener: (dtmf: Dtmf) => void): void;
    on(event: 'destroy', listener: () => void): void;
  }
}

declare module 'drachtio-fsmrf/lib/mediaserver.js' {
  import type { Server, Socket } from 'node:net';
  import type Mrf from 'drachtio-fsmrf';
  import type Endpoint from 'drachtio-fsmrf/lib/endpoint.js';
  import type { Connection } from 'drachtio-modesl';

  export default class MediaServer {
    constructor(
      conn: Connection,
      mrf: Mrf,
      listenAddress: string,
      listenPort: number,
      advertisedAddress: string,
      advertisedPort: number,
      profile: string,
    );
    /** Set when it listens. */
    readonly _server?: { readonly server: Server; readonly connections: Record<string, { socket: Socket }> };
    advertisedAddress: string;
    advertisedPort: number;
    /** Calls that FreeSWITCH has, as of its last heartbeat. */
    readonly currentSessions: number;
    once(event: 'ready' | 'connect', listener: () => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    createEndpoint(options: {
      remoteSdp?: string;
      srtp?: boolean;
      headers: Record<string, string>;
    }): Promise<Endpoint>;
    disconnect(): void;
  }
}
