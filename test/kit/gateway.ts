import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { Conditions } from './conditions.js';
import { within } from './deadline.js';

/** The card as the gateway received it; kept for asserting only. */
export interface ReceivedCard {
  readonly number: string;
  readonly expiry?: { readonly month: string; readonly year: string };
  readonly securityCode?: string;
  readonly postalCode?: string;
}

/** One request whose body has arrived whole. */
export interface ReceivedCharge {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came, before anything was decrypted. */
  readonly raw: Buffer;
  /** Common name of the certificate that the client showed; null without one. */
  readonly clientName: string | null;
  readonly body: Readonly<Record<string, unknown>> & { readonly card: ReceivedCard };
}

type Outputs = Readonly<Record<string, unknown>>;

/**
 * What the gateway does with one request. `approve` and `decline` keep to the protocol: a key that has a
 * verdict gets the same one again. The others misbehave; `charges` says whether they charged first.
 */
export type Reply =
  | { readonly do: 'approve'; readonly outputs?: (card: ReceivedCard) => Outputs }
  | { readonly do: 'decline'; readonly reason?: string; readonly http?: 200 | 402 }
  /** Exactly this answer. */
  | {
      readonly do: 'answer';
      readonly http: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | ((card: ReceivedCard) => string);
      readonly charges?: boolean;
    }
  /** Approves when {@link Gateway.release} is called. */
  | { readonly do: 'hold'; readonly outputs?: (card: ReceivedCard) => Outputs }
  /** No answer; the connection stays open. */
  | { readonly do: 'never'; readonly charges?: boolean }
  /** The connection is reset after the whole body was read. */
  | { readonly do: 'reset'; readonly charges?: boolean }
  /** Half of an approval, then the end of the connection. */
  | { readonly do: 'half'; readonly charges?: boolean };

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** PEM file with the authority to trust: the certificate itself. */
  readonly caFile: string;
  /** Readable by its owner only. */
  readonly keyFile: string;
  remove(): void;
}

export interface GatewayOptions {
  /** PEM with the authorities of clients, who must show a certificate of theirs. */
  readonly clientAuthorities?: string;
  /** Turns the octets of a request into its JSON. */
  readonly decrypt?: (body: Buffer) => Promise<Buffer>;
}

/** A self-signed certificate for 127.0.0.1 and localhost, made by the openssl command. */
export function selfSigned(name = 'tacet test gateway', days = 2): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'tacet-gateway-'));
  const keyFile = join(directory, 'key.pem');
  const caFile = join(directory, 'cert.pem');
  const subject = ['-subj', `/CN=${name}`, '-days', String(days)];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', caFile, ...subject, ...names], { stdio: 'pipe' });
  return {
    key: readFileSync(keyFile, 'utf8'),
    cert: readFileSync(caFile, 'utf8'),
    caFile,
    keyFile,
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/** Milliseconds that a test waits for something that should happen on loopback. */
const DEADLINE_MS = 5000;

/**
 * A payment gateway for tests on a port of its own. Does what {@link script} lists, one reply a request,
 * then approves. Counts charges by idempotency key.
 */
export class Gateway {
  readonly requests: ReceivedCharge[] = [];
  /** Questions after earlier charges, by path. */
  readonly lookups: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
  /** TCP connections accepted, whatever became of them. */
  connections = 0;
  readonly #server: Server;
  readonly #secure: boolean;
  readonly #script: Reply[] = [];
  readonly #charges = new Map<string, number>();
  readonly #answers = new Map<string, { readonly http: number; readonly body: string }>();
  readonly #held: (() => void)[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #conditions = new Conditions(DEADLINE_MS);
  readonly #decrypt: (body: Buffer) => Promise<Buffer>;
  #lookupAnswer: { readonly http: number; readonly body: string } | null = null;
  #drop = 0;

  private constructor(certificate: Certificate | undefined, options: GatewayOptions) {
    this.#secure = certificate !== undefined;
    this.#decrypt = options.decrypt ?? (async (body) => body);
    const { clientAuthorities: ca } = options;
    const clients = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
    const serve = (request: IncomingMessage, response: ServerResponse) => this.#serve(request, response);
    this.#server = certificate
      ? createSecureServer({ key: certificate.key, cert: certificate.cert, ...clients }, serve)
      : createServer(serve);
    this.#server.on('connection', (socket: Socket) => this.#accept(socket));
    // A client that does not trust the certificate breaks off the handshake.
    this.#server.on('tlsClientError', () => {});
  }

  /** Listens on 127.0.0.1; with a certificate over TLS. */
  static async start(certificate?: Certificate, options: GatewayOptions = {}): Promise<Gateway> {
    const gateway = new Gateway(certificate, options);
    const listening = new Promise<void>((resolve) => gateway.#server.listen(0, '127.0.0.1', resolve));
    await within(listening, DEADLINE_MS, 'gateway listening');
    return gateway;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#secure ? 'https' : 'http'}://127.0.0.1:${this.port}/charges`;
  }

  /** What to do with the next requests, in order. */
  script(...replies: Reply[]): void {
    this.#script.push(...replies);
  }

  /** What to answer to questions after earlier charges; without it, what each key came to. */
  answerLookups(answer: { readonly http: number; readonly body: string } | null): void {
    this.#lookupAnswer = answer;
  }

  /** Closes the next `count` connections as soon as they are accepted, before TLS. */
  dropConnections(count: number): void {
    this.#drop = count;
  }

  /** How often this key was charged; above 1 the gateway, or the one who called it, is broken. */
  charged(key: string): number {
    return this.#charges.get(key) ?? 0;
  }

  /** All charges of all keys. */
  get charges(): number {
    return [...this.#charges.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when `count` requests have arrived whole, counted from the start. */
  received(count: number): Promise<void> {
    return this.#conditions.when(() => this.requests.length >= count, `gateway: request ${count}`);
  }

  /** Resolves when `count` questions after earlier charges have arrived, counted from the start. */
  askedAfter(count: number): Promise<void> {
    return this.#conditions.when(() => this.lookups.length >= count, `gateway: question ${count}`);
  }

  /** Resolves when `count` connections were accepted, counted from the start. */
  connected(count: number): Promise<void> {
    return this.#conditions.when(() => this.connections >= count, `gateway: connection ${count}`);
  }

  /** Resolves when no connection is open. */
  idle(): Promise<void> {
    return this.#conditions.when(() => this.#sockets.size === 0, 'gateway: connections closed');
  }

  /** Answers everything that is held. */
  release(): void {
    for (const answer of this.#held.splice(0)) answer();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await within(closed, DEADLINE_MS, 'gateway closed');
  }

  #accept(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#conditions.changed();
    });
    if (this.#drop > 0) {
      this.#drop -= 1;
      socket.destroy();
    }
    this.#conditions.changed();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'GET') {
      this.#lookUp(request, response);
      return;
    }
    const reply = this.#script.shift() ?? { do: 'approve' };
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void this.#whole(request, Buffer.concat(chunks), reply, response));
  }

  /** `<path>/<key>`: what the key came to. A charge whose answer was lost is approved. */
  #lookUp({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const key = decodeURIComponent(url.slice(url.lastIndexOf('/') + 1));
    this.lookups.push({ path: url, headers });
    const approved = { http: 200, body: JSON.stringify({ status: 'approved', idempotencyKey: key }) };
    const known = this.#answers.get(key) ?? (this.#charges.has(key) ? approved : { http: 404, body: '{}' });
    const { http, body } = this.#lookupAnswer ?? known;
    response.writeHead(http, { 'Content-Type': 'application/json' }).end(body);
    this.#conditions.changed();
  }

  async #whole(request: IncomingMessage, raw: Buffer, reply: Reply, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await this.#decrypt(raw)).toString()) as ReceivedCharge['body'];
    const { method = '', url = '', headers, socket } = request;
    const clientName =
      socket instanceof TLSSocket
        ? (socket.getPeerX509Certificate()?.subject.replace('CN=', '') ?? null)
        : null;
    const charge = { method, path: url, headers, raw, clientName, body };
    this.requests.push(charge);
    this.#reply(reply, charge, response);
    this.#conditions.changed();
  }

  #reply(reply: Reply, charge: ReceivedCharge, response: ServerResponse): void {
    const { card } = charge.body;
    const key = String(charge.headers['idempotency-key']);
    if ('charges' in reply && reply.charges) this.#charge(key);
    if (reply.do === 'approve')
      this.#verdict(key, response, 200, () => this.#approval(key, reply.outputs?.(card)));
    else if (reply.do === 'decline') {
      const { http = 200, reason = 'do-not-honour' } = reply;
      this.#verdict(key, response, http, () => ({ status: 'declined', reason }));
    } else if (reply.do === 'answer') {
      const body = typeof reply.body === 'function' ? reply.body(card) : reply.body;
      response.writeHead(reply.http, reply.headers).end(body);
    } else if (reply.do === 'hold') {
      this.#held.push(() =>
        this.#verdict(key, response, 200, () => this.#approval(key, reply.outputs?.(card))),
      );
    } else if (reply.do === 'reset') this.#reset(response);
    else if (reply.do === 'half') {
      response.writeHead(200, { 'Content-Length': 500 });
      response.write('{"status":"approved",', () => response.destroy());
    }
  }

  #verdict(key: string, response: ServerResponse, http: number, decide: () => Outputs): void {
    const answer = this.#answers.get(key) ?? { http, body: JSON.stringify(decide()) };
    this.#answers.set(key, answer);
    response.writeHead(answer.http, { 'Content-Type': 'application/json' }).end(answer.body);
  }

  #approval(key: string, outputs: Outputs = {}): Outputs {
    this.#charge(key);
    return { status: 'approved', confirmation: String(481_516 + this.charges), ...outputs };
  }

  #charge(key: string): void {
    // A repeated key finds its charge and makes none: what the protocol asks of gateways.
    if (!this.#charges.has(key)) this.#charges.set(key, 1);
  }

  #reset(response: ServerResponse): void {
    const { socket } = response;
    if (socket instanceof TLSSocket) socket.destroy();
    else socket?.resetAndDestroy();
  }
}
