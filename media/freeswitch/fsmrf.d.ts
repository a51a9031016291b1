/** What is used of drachtio-fsmrf 4.1 and drachtio-modesl 1.3, which come without types. */

declare module 'drachtio-modesl' {
  import type { Socket } from 'node:net';

  export interface EslEvent {
    getHeader(name: string): string | undefined;
    getBody(): string;
  }

  type Listener = (event: EslEvent) => void;

  export interface Connection {
    readonly socket: Socket | null;
    /** It must not connect again by itself. */
    closing: boolean;
    readonly parser?: { readonly buffer: Buffer };
    on(event: string, listener: Listener): void;
    off(event: string, listener: Listener): void;
    subscribe(events: readonly string[], reply?: Listener): void;
    api(command: string, reply: Listener): void;
    sendRecv(command: string, headers: Readonly<Record<string, string>>, reply: Listener): void;
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
    constructor(srf: {
      createUAC(
        uri: string,
        options: { headers: Record<string, string>; localSdp?: string },
      ): Promise<{ destroy(): void }>;
    });
  }
}

declare module 'drachtio-fsmrf/lib/endpoint.js' {
  import type { Connection } from 'drachtio-modesl';

  export default class Endpoint {
    readonly uuid: string;
    readonly conn: Connection | null;
    readonly dialog: object;
    readonly local: { readonly sdp: string };
    on(event: 'destroy', listener: () => void): void;
  }
}

declare module 'drachtio-fsmrf/lib/mediaserver.js' {
  import type { Server } from 'node:net';
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
    closing: boolean;
    /** Set when it listens. */
    readonly _server: {
      readonly server: Server;
      on(event: 'connection::open', listener: (connection: Connection) => void): void;
    };
    readonly pendingConnections: ReadonlyMap<string, unknown>;
    once(event: 'ready' | 'connect', listener: () => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    createEndpoint(options: { remoteSdp: string; headers: Record<string, string> }): Promise<Endpoint>;
    disconnect(): void;
  }
}
