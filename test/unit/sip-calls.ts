import assert from 'node:assert/strict';
import { type Bench, type Heard, Mailbox, type PeerRequest, SDP } from './sip-peer.js';
import {
  type AppDialog,
  type AppReply,
  type AppRequest,
  type AppResponse,
  settled,
  type UacOptions,
} from './sip-srf.js';

/** An INVITE with an offer. */
export const INVITE = {
  method: 'INVITE',
  seq: 1,
  branch: 'z9hG4bKinvite',
  headers: ['Content-Type: application/sdp'],
  body: SDP,
};

/** What the application was given. */
export interface Rung {
  readonly request: AppRequest;
  readonly reply: AppReply;
}

/** Collects the INVITEs the application is given, and answers none. */
export async function ring({ app }: Bench): Promise<Mailbox<Rung>> {
  const rung = new Mailbox<Rung>();
  app.invite((request, reply) => rung.put({ request, reply }));
  await settled(app);
  return rung;
}

/** A call that is up. */
export interface Answered {
  readonly dialog: AppDialog;
  readonly ok: Heard;
  /** To with the server's tag. */
  readonly to: string;
}

/** A call from the peer that the application has answered and the peer acknowledged. */
export async function answered(bench: Bench, parts: Partial<PeerRequest> = {}): Promise<Answered> {
  const { peer, app } = bench;
  const dialogs = new Mailbox<AppDialog>();
  app.invite((request, reply) => {
    app.createUAS(request, reply, { localSdp: SDP }).then((dialog) => dialogs.put(dialog));
  });
  await settled(app);
  peer.send({ ...INVITE, ...parts });
  const ok = await peer.final();
  assert.equal(ok.status, 200);
  const dialog = await dialogs.take('the dialog');
  const acked = new Mailbox<true>();
  dialog.on('ack', () => acked.put(true));
  const to = ok.get('To');
  peer.send({ method: 'ACK', seq: parts.seq ?? 1, to });
  await acked.take('the ACK');
  return { dialog, ok, to };
}

/** An INVITE of the application under way. */
export interface Calling {
  readonly outcome: Promise<AppDialog>;
  readonly invite: Heard;
  readonly request: AppRequest;
  readonly provisional: Mailbox<AppResponse>;
}

/** An INVITE the application sends to the peer. */
export async function calling(
  { app, peer }: Bench,
  options: UacOptions = {},
  uri?: string,
): Promise<Calling> {
  const requests = new Mailbox<AppRequest>();
  const provisional = new Mailbox<AppResponse>();
  const outcome = app.createUAC(
    uri ?? `sip:callee@127.0.0.1:${peer.port}`,
    { localSdp: SDP, ...options },
    {
      cbRequest: (error, request) => {
        if (!error) requests.put(request);
      },
      cbProvisional: (response) => provisional.put(response),
    },
  );
  outcome.catch(() => {});
  const request = await requests.take('the INVITE as sent');
  return { outcome, request, provisional, invite: await peer.next('the INVITE') };
}

/** A call the peer has answered and the application acknowledged. */
export async function connected(bench: Bench): Promise<{ dialog: AppDialog; invite: Heard }> {
  const { outcome, invite } = await calling(bench);
  bench.peer.accept(invite);
  const dialog = await outcome;
  assert.equal((await bench.peer.next()).method, 'ACK');
  return { dialog, invite };
}

/** A request of the peer inside a dialog that the application opened. */
export function inside(invite: Heard, tag = 'answertag'): { callId: string; to: string; from: string } {
  return { callId: invite.get('Call-ID'), to: invite.get('From'), from: `${invite.get('To')};tag=${tag}` };
}

/** Whether drachtio-srf failed with this status. */
export const failsWith = (status: number) => (error: { status?: number }) => error.status === status;
