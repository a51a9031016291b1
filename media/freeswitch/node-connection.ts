import Mrf from 'drachtio-fsmrf';
import type Endpoint from 'drachtio-fsmrf/lib/endpoint.js';
import MediaServer from 'drachtio-fsmrf/lib/mediaserver.js';
import modesl, { type Connection } from 'drachtio-modesl';
import { REPLY_MS } from './channel.js';
import { type EslGate, hardenSocket } from './esl-gate.js';
import { type FreeswitchNode, NodeFailure } from './freeswitch-node.js';
import type { MediaDialog, SipClient } from './sip-client.js';

const PROFILE = 'drachtio_mrf';
/** For each step of connecting. */
const STEP_MS = 5000;
/** A channel that is not there by then does not come. */
const CREATE_MS = 5000;

export interface NodeConnection {
  /** Aborted when the connection is gone. */
  readonly gone: AbortSignal;
  api(command: string): Promise<string>;
  createEndpoint(options: {
    remoteSdp?: string;
    srtp?: boolean;
    headers: Record<string, string>;
  }): Promise<Endpoint>;
  onDialogGone(dialog: MediaDialog, listener: () => void): void;
  close(): void;
}

interface Plan {
  /** Its host is an IP address. */
  readonly node: FreeswitchNode;
  readonly gate: EslGate;
  readonly advertised: { readonly address: string; readonly port: number };
  readonly sip: SipClient;
}

/**
 * Connects once. Not by drachtio-fsmrf's `connect`, which goes on in the background after it has failed, and goes on
 * with the replies of a dead connection after it has connected anew. Rejects with NodeFailure.
 */
export async function openNodeConnection({ node, gate, advertised, sip }: Plan): Promise<NodeConnection> {
  const gone = new AbortController();
  const dialogs = new WeakMap<MediaDialog, () => void>();
  const conn = await logIn(node, gone);
  const mrf = new Mrf({ createUAC: (uri, options) => invite(sip, dialogs, uri, options) });
  // Its listener is taken from the network before anybody can find it: connections come from our gate.
  const server = new MediaServer(conn, mrf, '127.0.0.1', 0, advertised.address, advertised.port, PROFILE);
  const close = () => {
    gate.route(node.host, null);
    try {
      server.disconnect();
    } catch {
      // It was never up.
    }
    conn.socket?.destroy();
    gone.abort();
  };
  try {
    await inTime<void>(gone.signal, (resolve, reject) => {
      server.on('error', () => reject(new NodeFailure('silent')));
      server.once('connect', () => {
        takeListener(server, gate, node.host);
        server.advertisedAddress = advertised.address;
        server.advertisedPort = advertised.port;
      });
      server.once('ready', resolve);
    });
  } catch (error) {
    close();
    throw error;
  }
  return {
    gone: gone.signal,
    api: (command) => api(conn, command, gone.signal),
    createEndpoint: (options) => createInTime(server, options, gone.signal),
    onDialogGone: (dialog, listener) => void dialogs.set(dialog, listener),
    close,
  };
}

function logIn(node: FreeswitchNode, gone: AbortController): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const end = (fault: 'password-refused' | 'unreachable' | 'silent') => {
      clearTimeout(late);
      conn.socket?.destroy();
      gone.abort();
      reject(new NodeFailure(fault));
    };
    const late = setTimeout(() => end('silent'), STEP_MS);
    const conn = new modesl.Connection(node.host, node.port, node.secret, () => {
      clearTimeout(late);
      if (conn.socket) hardenSocket(conn.socket);
      resolve(conn);
    });
    // It must not connect again by itself, ever.
    conn.closing = true;
    conn.on('error', () => end('password-refused'));
    conn.on('esl::end', () => end('unreachable'));
    conn.on('esl::event::raw::text/rude-rejection', () => end('password-refused'));
  });
}

function takeListener(server: MediaServer, gate: EslGate, address: string): void {
  const tcp = server._server?.server;
  const [take] = tcp?.listeners('connection') ?? [];
  if (!tcp || !take) throw new Error('drachtio-fsmrf has no listener');
  tcp.removeAllListeners('connection');
  tcp.on('connection', (socket) => socket.destroy());
  tcp.close();
  gate.route(address, (socket) => take.call(tcp, socket));
}

async function invite(
  sip: SipClient,
  dialogs: WeakMap<MediaDialog, () => void>,
  uri: string,
  options: object,
): Promise<MediaDialog> {
  const wanted = options as { headers: Record<string, string>; localSdp?: string };
  const dialog: MediaDialog = await sip.invite(uri, wanted, { onGone: () => dialogs.get(dialog)?.() });
  return dialog;
}

/** The order of replies is lost with one that is missing, and the connection with it. */
function api(conn: Connection, command: string, gone: AbortSignal): Promise<string> {
  if (gone.aborted) return Promise.reject(new NodeFailure('closed'));
  return new Promise((resolve, reject) => {
    const end = () => reject(new NodeFailure('closed'));
    const late = setTimeout(() => conn.socket?.destroy(), REPLY_MS);
    gone.addEventListener('abort', end, { once: true });
    conn.api(command, (event) => {
      clearTimeout(late);
      gone.removeEventListener('abort', end);
      resolve(event.getBody().trim());
    });
  });
}

/** drachtio-fsmrf does not settle when its connection ends meanwhile. */
function createInTime(
  server: MediaServer,
  options: { remoteSdp?: string; srtp?: boolean; headers: Record<string, string> },
  gone: AbortSignal,
): Promise<Endpoint> {
  return inTime(
    gone,
    (resolve, reject) => {
      server.createEndpoint(options).then(resolve, reject);
    },
    CREATE_MS,
  );
}

function inTime<T>(
  gone: AbortSignal,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
  ms = STEP_MS,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const end = () => reject(new NodeFailure('closed'));
    const late = setTimeout(() => reject(new NodeFailure('silent')), ms);
    gone.addEventListener('abort', end, { once: true });
    const settled = () => {
      clearTimeout(late);
      gone.removeEventListener('abort', end);
    };
    begin(
      (value) => {
        settled();
        resolve(value);
      },
      (error) => {
        settled();
        reject(error);
      },
    );
  });
}
