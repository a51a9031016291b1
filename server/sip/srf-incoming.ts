import type Srf from 'drachtio-srf';
import { remoteSdp } from './remote-sdp.js';
import { type IncomingCall, type Registration, type SipDialog, SipFailure } from './signalling.js';
import { SrfDialog } from './srf-dialog.js';
import type { SrfLink } from './srf-link.js';

/** What drachtio-srf's response has beyond its published types. */
export type LooseResponse = Srf.SrfResponse & {
  readonly stackDialogId?: string;
  /** `end`: a final response was sent. */
  on(event: 'end', listener: () => void): void;
};

/** A throw in an srf handler blocks the connection to the SIP server for good (srf-connection.ts). */
export function guarded(res: Srf.SrfResponse, handle: () => void): void {
  try {
    handle();
  } catch {
    if (!res.finalResponseSent) res.send(500);
  }
}

/** An INVITE as the rest of the program sees it; null when it was refused at once. */
export function incomingCall(
  link: SrfLink,
  srf: Srf,
  req: Srf.SrfRequest,
  res: Srf.SrfResponse,
): IncomingCall | null {
  // createUAS would both reject and answer 200.
  if (!hasContact(req)) {
    res.send(400, 'Contact Header Required', {});
    return null;
  }
  const offer = remoteSdp(req) || null;
  const cancel = () => {
    call.cancelled = true;
    forget();
  };
  const call: IncomingCall & { cancelled: boolean } = {
    callId: req.get('Call-ID'),
    from: uriOf(req, 'From'),
    to: req.uri,
    toUser: userOf(req.uri),
    offer,
    cancelled: false,
    reject: (status, reason) => {
      if (!res.finalResponseSent && !call.cancelled) res.send(status, reason, {});
    },
    answer: (sdp, handlers) =>
      new Promise<SipDialog>((resolve, reject) => {
        let open = true;
        const fail = (failure: SipFailure) => {
          open = false;
          answered();
          cancel();
          reject(failure);
        };
        const answered = link.whileUp(fail);
        // The callback form: with the promise form a BYE in the same packet would come before our listeners.
        srf.createUAS(req, res, { localSdp: sdp }, (error, dialog) => {
          answered();
          if (error) {
            // srf could not make a dialog of the 200 that went out.
            const { stackDialogId } = res as LooseResponse;
            if (stackDialogId) link.sendBye(stackDialogId);
            return fail(new SipFailure(487, 'the caller is gone', { cause: error }));
          }
          const wrapped = new SrfDialog(dialog, handlers, { awaitingAnswer: offer === null });
          link.adopt(wrapped);
          if (open) resolve(wrapped);
          // srf calls back a second time when CANCEL and 200 cross.
          else void wrapped.hangUp();
        });
      }),
  };
  // Attached at once: srf attaches its own when the answer is sent, and drops a CANCEL that came before.
  req.on('cancel', cancel);
  const forget = link.whileUp(cancel);
  (res as LooseResponse).on('end', forget);
  return call;
}

export function registration(req: Srf.SrfRequest, res: Srf.SrfResponse): Registration {
  const contact = req.has('Contact') ? req.getParsedHeader('Contact')[0] : undefined;
  const expires = contact?.params?.expires ?? (req.has('Expires') ? req.get('Expires') : '3600');
  const seconds = Number.parseInt(String(expires), 10);
  return {
    user: userOf(uriOf(req, 'To')),
    contact: contact?.uri ?? null,
    expiresSeconds: Number.isNaN(seconds) ? 3600 : Math.max(0, seconds),
    source: `sip:${req.source_address}:${req.source_port};transport=${req.protocol}`,
    authorization: req.has('Authorization') ? req.get('Authorization') : null,
    accept: (headers) => res.send(200, { headers }),
    reject: (status, headers = {}) => res.send(status, { headers }),
  };
}

function hasContact(req: Srf.SrfRequest): boolean {
  try {
    return req.has('Contact') && Boolean(req.getParsedHeader('Contact')[0]?.uri);
  } catch {
    return false;
  }
}

function uriOf(req: Srf.SrfRequest, header: 'From' | 'To'): string {
  return req.getParsedHeader(header).uri;
}

function userOf(uri: string): string {
  const match = /^sips?:([^@;?]*)@/i.exec(uri);
  const user = match?.[1]?.split(':')[0] ?? '';
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}
