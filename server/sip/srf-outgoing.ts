import type { EventEmitter } from 'node:events';
import type Srf from 'drachtio-srf';
import { remoteSdp } from './remote-sdp.js';
import { type AnsweredCall, type DialogHandlers, type OutgoingCall, SipFailure } from './signalling.js';
import { SrfDialog } from './srf-dialog.js';
import { guarded, type LooseResponse } from './srf-incoming.js';
import type { SrfLink } from './srf-link.js';

/** A called party that neither answers nor refuses after CANCEL is given up after this (RFC 3261 section 9.1: 64*T1). */
const CANCEL_DEADLINE_MS = 32_000;

/** What srf rejects with: SipError for an answer, a plain string for a refusal by the SIP server. */
type Refusal = { readonly status?: unknown; readonly res?: LooseResponse };

/** What drachtio-srf's dialog has beyond its published types. */
type AnsweredDialog = Srf.Dialog & { readonly res: Srf.SrfResponse };

/**
 * Sends INVITE over this link and resolves when it is answered.
 *
 * @throws SipFailure; its status is 487 when the call was cancelled by its signal.
 */
export async function placeCall(
  link: SrfLink,
  localHost: string,
  outgoing: OutgoingCall,
  handlers: DialogHandlers,
): Promise<AnsweredCall> {
  const over = new AbortController();
  try {
    return await new Promise<AnsweredCall>((resolve, reject) => {
      const forget = link.whileUp(reject);
      over.signal.addEventListener('abort', forget);
      const cancelled = cancelling(outgoing.signal, over.signal, reject);
      const onAnswer = (error: unknown, dialog: Srf.Dialog) => {
        if (error) {
          endOrphan(link, error as Refusal);
          return reject(sipFailure(error));
        }
        const wrapped = new SrfDialog(dialog, handlers, { awaitingAnswer: false });
        link.adopt(wrapped);
        if (!outgoing.signal.aborted)
          return resolve({ dialog: wrapped, answer: remoteSdp((dialog as AnsweredDialog).res) });
        // The answer crossed our CANCEL on the way.
        void wrapped.hangUp();
        reject(new SipFailure(487, 'cancelled'));
      };
      link.srf.createUAC(
        outgoing.uri,
        inviteOptions(localHost, outgoing),
        {
          // srf calls this as (error, request); its types show the request alone.
          cbRequest: ((_error: unknown, sent: Srf.SrfRequest | undefined) => {
            if (!sent) return;
            refuseUpdates(sent);
            cancelled(sent);
          }) as unknown as (req: Srf.SrfRequest) => void,
          cbProvisional: (response) => {
            if (response.status > 100) outgoing.onRinging?.();
          },
        },
        onAnswer,
      );
    });
  } catch (error) {
    throw sipFailure(error);
  } finally {
    over.abort();
  }
}

function inviteOptions(
  localHost: string,
  { offer, proxy, from, headers }: OutgoingCall,
): Srf.CreateUACOptions {
  const name = from.name ? `"${from.name.replace(/["\\\r\n]/g, '')}" ` : '';
  const uri = `<sip:${encodeURIComponent(from.user)}@${localHost}>`;
  return {
    localSdp: offer,
    ...(proxy ? { proxy } : {}),
    headers: { From: `${name}${uri}`, ...headers },
  };
}

/** Cancels the request, once there is one, when the signal aborts; gives the call up when that leads to nothing. */
function cancelling(
  signal: AbortSignal,
  over: AbortSignal,
  reject: (failure: SipFailure) => void,
): (request: Srf.SrfRequest) => void {
  let request: Srf.SrfRequest | null = null;
  const cancel = () => {
    // Before the server has confirmed the INVITE there is nothing to cancel; it is asked again then.
    request?.cancel(() => {});
    const late = setTimeout(() => reject(new SipFailure(487, 'cancelled')), CANCEL_DEADLINE_MS);
    over.addEventListener('abort', () => clearTimeout(late));
  };
  signal.addEventListener('abort', cancel);
  over.addEventListener('abort', () => signal.removeEventListener('abort', cancel));
  return (sent) => {
    request = sent;
    if (signal.aborted) request.cancel(() => {});
  };
}

/**
 * srf answers UPDATE with our offer, whatever was offered, unless it is answered already: this listener comes first.
 * Until the INVITE is answered there is nothing to change (RFC 3311 section 5.2).
 */
function refuseUpdates(request: Srf.SrfRequest): void {
  (request as unknown as EventEmitter).on('update', (update: Srf.SrfRequest, res: Srf.SrfResponse) =>
    guarded(res, () => res.send(update.body ? 491 : 200)),
  );
}

/** srf acknowledges a 200 that it can make no dialog of, one without Contact above all, and leaves the call standing. */
function endOrphan(link: SrfLink, { res }: Refusal): void {
  if (res?.status === 200 && res.stackDialogId) link.sendBye(res.stackDialogId);
}

/** What srf failed with, as the rest of the program knows it. */
export function sipFailure(error: unknown): SipFailure {
  if (error instanceof SipFailure) return error;
  const status = typeof error === 'object' && error !== null ? Number((error as Refusal).status ?? 0) : 0;
  return new SipFailure(status, status ? `SIP ${status}` : 'the SIP server could not send it', {
    cause: error,
  });
}
