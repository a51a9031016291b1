import {
  answer,
  answered,
  call,
  calledBye,
  expect,
  expectAck,
  expectCall,
  expectProvisional,
  expectRequest,
  hangUp,
  inDialog,
  invite,
  OFFER,
  refusalAck,
  request,
} from '../clients/sipp-script.js';
import type { AppDialog, AppRequest } from '../unit/sip-srf.js';
import { reinvite, type SippApp, type SippCall } from './sipp-app.js';

/** One call: what SIPp sends and must receive, what the application does, and what it must be told. */
export interface SippCase {
  readonly peer: readonly string[];
  /** SIPp calls: what becomes of it. */
  readonly take?: (call: SippCall) => unknown;
  /** SIPp is called. */
  readonly call?: (app: SippApp, uri: string) => Promise<void>;
  readonly told: readonly string[];
  /** The scenario counts repetitions, over UDP alone. */
  readonly seesCopies?: boolean;
}

const OK = answer('200 OK');
const OK_SDP = answer('200 OK', { body: OFFER });
const theirBye = [expectRequest('BYE'), OK];
const RINGING = answer('180 Ringing', { tagged: true });
const ANSWERED = answer('200 OK', { tagged: true, body: OFFER });
const REFER = { headers: ['Refer-To: <sip:other@example.com>'] };
const INFO = { headers: ['Content-Type: application/dtmf'], body: '5' };

/**
 * BYE, once the application has been told all that came before: drachtio-srf keeps an ACK to itself when the BYE is
 * right behind it.
 */
const calmBye = (cseq: number) => [inDialog('OPTIONS', { cseq }), expect(200), hangUp(cseq + 1)];

const cancel = request('CANCEL', { cseq: 1, branch: 'invite' });
const cancelled = [cancel, expect(200), expect(487), refusalAck()];
const ring = (one: SippCall) => one.ring();
const pickUp = (one: SippCall) => one.answer();

export const CALLERS: Readonly<Record<string, SippCase>> = {
  'SIPp calls: set-up, INFO, OPTIONS, UPDATE, re-INVITE, REFER with its NOTIFY, BYE': {
    peer: [
      call(),
      inDialog('INFO', { cseq: 2, ...INFO }),
      expect(200),
      inDialog('OPTIONS', { cseq: 3 }),
      expect(200),
      inDialog('UPDATE', { cseq: 4 }),
      expect(200),
      inDialog('INVITE', { cseq: 5, body: OFFER }),
      expect(200),
      inDialog('ACK', { cseq: 5 }),
      inDialog('REFER', { cseq: 6, ...REFER }),
      expect(202),
      expectRequest('NOTIFY', { matching: 'SIP/2.0 200 OK' }),
      OK,
      ...calmBye(7),
    ],
    take: pickUp,
    told: [
      'INVITE',
      'ACK',
      'info',
      'options',
      'update',
      're-INVITE',
      'ACK',
      'refer',
      'NOTIFY 200',
      'options',
      'BYE',
    ],
  },
  'SIPp calls: ringing, early media, answer': {
    peer: [
      invite(),
      expectProvisional(180),
      expectProvisional(183, { matching: 'm=audio' }),
      answered(),
      inDialog('ACK', { cseq: 1 }),
      ...calmBye(2),
    ],
    take(one) {
      one.ring();
      one.earlyMedia();
      return one.answer();
    },
    told: ['INVITE', 'ACK', 'options', 'BYE'],
  },
  'SIPp calls and is refused': {
    peer: [invite(), expect(486), refusalAck()],
    take: (one) => one.refuse(486),
    told: ['INVITE'],
  },
  'SIPp calls and gives up when it has heard 100': {
    peer: [invite(), expectProvisional(100), ...cancelled],
    told: ['INVITE', 'cancel'],
  },
  'SIPp calls and gives up while it rings': {
    peer: [invite(), expectProvisional(180), ...cancelled],
    take: ring,
    told: ['INVITE', 'cancel'],
  },
  'SIPp calls; its ACK is lost': {
    peer: [
      invite(),
      answered(),
      answered({ timeoutMs: 1500 }),
      answered({ timeoutMs: 2500 }),
      inDialog('ACK', { cseq: 1 }),
      ...calmBye(2),
    ],
    take: pickUp,
    told: ['INVITE', 'ACK', 'options', 'BYE'],
    seesCopies: true,
  },
  'SIPp calls and says BYE before ACK': {
    peer: [invite(), answered(), hangUp(2)],
    take: pickUp,
    told: ['INVITE', 'BYE'],
  },
  'SIPp calls; it and the application say BYE at once': {
    peer: [
      call(),
      expectRequest('BYE'),
      inDialog('BYE', { cseq: 2 }),
      expect(200, { matching: 'CSeq: 2 BYE' }),
    ],
    async take(one) {
      const dialog = await one.answer();
      dialog.on('ack', () => void dialog.destroy());
    },
    told: ['INVITE', 'ACK', 'BYE'],
  },
  'SIPp calls; the application sends re-INVITE': {
    peer: [call(), expectRequest('INVITE'), OK_SDP, expectRequest('ACK'), ...theirBye],
    take: pickUpAndReinvite,
    told: ['INVITE', 'ACK', 're-INVITE 200'],
  },
  'SIPp calls and refuses the re-INVITE of the application': {
    peer: [
      call(),
      expectRequest('INVITE'),
      answer('488 Not Acceptable Here'),
      expectRequest('ACK'),
      ...theirBye,
    ],
    take: pickUpAndReinvite,
    told: ['INVITE', 'ACK', 're-INVITE 488'],
  },
};

const up = [expectCall(), ANSWERED, expectAck()];

async function connected(app: SippApp, uri: string): Promise<AppDialog> {
  const dialog = await app.call(uri);
  if (typeof dialog === 'number') throw new Error(`SIPp refused with ${dialog}`);
  return dialog;
}

export const CALLED: Readonly<Record<string, SippCase>> = {
  'SIPp is called: ringing, early media, answer, BYE from the application': {
    peer: [
      expectCall(),
      RINGING,
      answer('183 Session Progress', { tagged: true, body: OFFER }),
      ANSWERED,
      expectAck(),
      ...theirBye,
    ],
    async call(app, uri) {
      await (await connected(app, uri)).destroy();
    },
    told: ['180', '183 sdp', 'answered'],
  },
  'SIPp is called and says BYE': {
    peer: [...up, calledBye()],
    async call(app, uri) {
      await connected(app, uri);
      await app.until('BYE');
    },
    told: ['answered', 'BYE'],
  },
  'SIPp is called and refuses': {
    peer: [expectCall(), answer('486 Busy Here', { tagged: true }), expectRequest('ACK')],
    call: async (app, uri) => void (await app.call(uri)),
    told: ['refused 486'],
  },
  'SIPp is called; the application gives up while it rings': {
    peer: [
      expectCall(),
      RINGING,
      expectRequest('CANCEL'),
      OK,
      answer('487 Request Terminated', { toInvite: true, tagged: true }),
      expectRequest('ACK'),
    ],
    call: givenUp,
    told: ['180', 'refused 487'],
  },
  'SIPp is called and answers all the same when the application gives up': {
    peer: [
      expectCall(),
      RINGING,
      expectRequest('CANCEL'),
      OK,
      answer('200 OK', { toInvite: true, tagged: true, body: OFFER }),
      expectRequest('ACK'),
      ...theirBye,
    ],
    call: givenUp,
    told: ['180', 'answered', 'BYE'],
  },
  'SIPp is called; re-INVITE accepted, INFO, BYE from the application': {
    peer: [
      ...up,
      expectRequest('INVITE', { matching: 'm=audio' }),
      OK_SDP,
      expectRequest('ACK'),
      expectRequest('INFO'),
      OK,
      ...theirBye,
    ],
    async call(app, uri) {
      const dialog = await connected(app, uri);
      await reinvite(app, dialog);
      const headers = { 'Content-Type': 'application/dtmf' };
      const { status } = await dialog.request({ method: 'INFO', headers, body: '5' });
      app.note(`INFO ${status}`);
      await dialog.destroy();
    },
    told: ['answered', 're-INVITE 200', 'INFO 200'],
  },
  'SIPp is called; its BYE crosses a re-INVITE': {
    peer: [...up, expectRequest('INVITE'), calledBye()],
    async call(app, uri) {
      const dialog = await connected(app, uri);
      void reinvite(app, dialog);
      await app.until('BYE');
    },
    told: ['answered', 'BYE'],
  },
};

async function pickUpAndReinvite(one: SippCall): Promise<void> {
  const dialog = await one.answer();
  // The re-INVITE must not overtake the ACK.
  dialog.on('ack', () => void reinvite(one.app, dialog).then(() => dialog.destroy()));
}

async function givenUp(app: SippApp, uri: string): Promise<void> {
  let invite: AppRequest | null = null;
  void app.until('180').then(() => invite?.cancel());
  await app.call(uri, (sent) => {
    invite = sent;
  });
}
