import { once } from 'node:events';
import Srf from 'drachtio-srf';
import type { SipServer } from '../../server/sip/embedded/server.js';
import { within } from '../kit/deadline.js';

/** The parts of drachtio-srf these tests use; its own typings lack some and mistake others. */
export interface AppMessage {
  readonly body: string;
  readonly uri: string;
  readonly method: string;
  readonly raw: string;
  readonly source_address: string;
  readonly protocol: string;
  get(name: string): string;
  has(name: string): boolean;
}

export interface AppResponse extends AppMessage {
  readonly status: number;
}

export interface AppRequest extends AppMessage {
  on(event: 'cancel', listener: (cancel: AppMessage) => void): void;
  on(event: 'response', listener: (response: AppResponse, ack: (options?: object) => void) => void): void;
  on(event: 'update', listener: (update: AppRequest, reply: AppReply) => void): void;
  cancel(callback?: (error: Error | null) => void): void;
}

export interface SendOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export type Sent = (error: unknown, message: AppMessage) => void;

export interface AppReply {
  send(status: number, options?: SendOptions, sent?: Sent): void;
  send(status: number, reason: string, options?: SendOptions, sent?: Sent): void;
}

export interface AppDialog {
  readonly id: string;
  readonly local: { readonly contact: string };
  readonly remote: { readonly sdp: string; readonly uri: string };
  on(event: 'destroy', listener: (request: AppMessage, reason?: string) => void): void;
  on(event: 'ack', listener: (request: AppMessage) => void): void;
  on(event: string, listener: (request: AppRequest, reply: AppReply) => void): void;
  request(options: { method: string; headers?: Record<string, string>; body?: string }): Promise<AppResponse>;
  modify(sdp: string): Promise<string>;
  destroy(): Promise<unknown>;
}

export type Handler = (request: AppRequest, reply: AppReply) => void;

export interface UacOptions {
  readonly localSdp?: string;
  readonly callingNumber?: string;
  readonly proxy?: string;
  readonly headers?: Record<string, string>;
  readonly auth?: { username: string; password: string };
}

export interface UacProgress {
  cbRequest?: (error: Error | null, request: AppRequest) => void;
  cbProvisional?: (response: AppResponse) => void;
}

/** Called before any other request in the dialog, as the promise may not be. */
export type DialogDone = (error: { status?: number } | null, dialog: AppDialog) => void;

export interface App {
  connect(options: { host: string; port: number; secret: string }): void;
  disconnect(): void;
  on(event: string, listener: (error?: Error) => void): void;
  invite(handler: Handler): void;
  options(handler: Handler): void;
  register(handler: Handler): void;
  message(handler: Handler): void;
  notify(handler: Handler): void;
  info(handler: Handler): void;
  refer(handler: Handler): void;
  createUAS(request: AppRequest, reply: AppReply, options: object): Promise<AppDialog>;
  createUAS(request: AppRequest, reply: AppReply, options: object, done: DialogDone): void;
  createUAC(uri: string, options: UacOptions, progress?: UacProgress): Promise<AppDialog>;
  createUAC(uri: string, options: UacOptions, progress: UacProgress, done: DialogDone): void;
  request(uri: string, options: object, sent: (error: Error | null, request: AppRequest) => void): void;
}

/** An unmodified drachtio-srf, not connected. */
export function newApp(): App {
  return new Srf() as unknown as App;
}

/** An unmodified drachtio-srf connected to a server. */
export async function connectApp(server: Pick<SipServer, 'adminPort' | 'secret'>): Promise<App> {
  const app = newApp();
  app.on('error', () => {});
  const connected = once(app as unknown as NodeJS.EventEmitter, 'connect');
  app.connect({ host: '127.0.0.1', port: server.adminPort, secret: server.secret });
  const [error] = await within(connected, 5000, 'drachtio-srf to connect');
  if (error) throw error;
  return app;
}

/**
 * Resolves once the server has handled everything the application told it so far, its routes above all:
 * the refusal of an impossible request comes after them on the same connection.
 */
export async function settled(app: App): Promise<void> {
  const refused = new Promise<void>((resolve) => {
    app.request('sip:;', { method: 'OPTIONS' }, () => resolve());
  });
  await within(refused, 5000, 'the server to have handled all');
}
