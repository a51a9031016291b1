import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type SipServer, startSipServer } from '../../server/sip/embedded/server.js';
import { Drachtio, drachtioInstalled } from '../kit/drachtio.js';
import { REINVITE_SCRIPTS } from './reinvite-scripts.js';
import { Run, type Trace } from './script.js';
import { SCRIPTS as OTHER_SCRIPTS } from './scripts.js';

const SCRIPTS = { ...OTHER_SCRIPTS, ...REINVITE_SCRIPTS };

const skip = drachtioInstalled() ? false : 'drachtio is not on the PATH';

/** Over TCP nothing is sent twice; of the 200 to INVITE, which RFC 3261 section 13.3.1.4 repeats there too, see below. */
const UDP_ONLY = new Set([
  'retransmitted INVITE: absorbed, the last answer repeated',
  'retransmitted BYE: the answer repeated',
  // drachtio-server repeats no 200 over TCP; the embedded server does. The ACK cannot be lost there.
  'lost ACK: the 200 repeated until one comes',
]);

interface Difference {
  readonly why: string;
  readonly ours: Trace;
  readonly theirs: Trace;
}

const UP = ['100 INVITE', '200 INVITE sdp contact tag'];

/** Where the two differ, and why. Anything else that differs fails, and so does an entry that is no longer true. */
const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'CANCEL after the 200': {
    why: 'RFC 3261 section 9.2: a CANCEL that matches is answered 200 though it has no effect; drachtio-server knows the transaction no more',
    ours: { peer: [...UP, '200 CANCEL', '200 BYE'], app: ['INVITE', 'ack', 'destroy (normal release)'] },
    theirs: { peer: [...UP, '481 CANCEL', '200 BYE'], app: ['INVITE', 'ack', 'destroy (normal release)'] },
  },
  'CANCEL crosses the 200': {
    why: 'as after the ACK: CANCEL is answered 481, and the call stands',
    ours: { peer: [...UP, '200 CANCEL'], app: ['INVITE', 'ack'] },
    theirs: { peer: [...UP, '481 CANCEL'], app: ['INVITE', 'ack'] },
  },
  're-INVITE from the application rings before it is accepted': {
    why: 'drachtio-server forgets a re-INVITE at its first 18x: the application is never told of the 200, and the 200 never gets its ACK',
    ours: {
      peer: [...UP, 'INVITE sdp', 'ACK'],
      app: ['INVITE', 'ack', 're-INVITE: 180', 're-INVITE: 200'],
    },
    theirs: { peer: [...UP, 'INVITE sdp', 'nothing: ACK'], app: ['INVITE', 'ack', 're-INVITE: 180'] },
  },
  're-INVITE from the application, cancelled': {
    why: 'drachtio-server looks for the transaction by the number of the first INVITE, and finds none to cancel',
    ours: {
      peer: [...UP, 'INVITE sdp', 'CANCEL', 'ACK'],
      app: ['INVITE', 'ack', 'CANCEL: done', 're-INVITE: 487'],
    },
    theirs: {
      peer: [...UP, 'INVITE sdp', 'ACK'],
      app: ['INVITE', 'ack', 'CANCEL: refused', 're-INVITE: 487'],
    },
  },
  'BYE from the peer while a re-INVITE of the application waits': {
    why: 'drachtio-server forgets the re-INVITE: its answer reaches nobody, and gets no ACK',
    ours: {
      peer: [...UP, 'INVITE sdp', '200 BYE', 'ACK'],
      app: ['INVITE', 'ack', 'destroy (normal release)', 're-INVITE: 487'],
    },
    theirs: {
      peer: [...UP, 'INVITE sdp', '200 BYE', 'nothing: ACK'],
      app: ['INVITE', 'ack', 'destroy (normal release)'],
    },
  },
  'BYE from the application while its re-INVITE waits': {
    why: 'drachtio-server cancels the re-INVITE, and tells nobody how it ended',
    ours: {
      peer: [...UP, 'INVITE sdp', 'BYE', 'ACK'],
      app: ['INVITE', 'ack', 'destroy: done', 're-INVITE: 487'],
    },
    theirs: { peer: [...UP, 'INVITE sdp', 'BYE', 'ACK'], app: ['INVITE', 'ack', 'destroy: done'] },
  },
  'BYE before the answer': {
    why: 'section 15 lets a caller say BYE in an early dialog; drachtio-server has no dialog before the 200, and answers 481 and 500 without a word to the application',
    ours: { peer: ['100 INVITE', '180 INVITE', '200 BYE', '487 INVITE'], app: ['INVITE', 'cancel'] },
    theirs: { peer: ['100 INVITE', '180 INVITE', '481 BYE', '500 INVITE'], app: ['INVITE'] },
  },
  'glare: re-INVITEs cross': {
    why: 'section 14.2: 491; drachtio-server hands the re-INVITE to the application, which must refuse it itself while it has one of its own under way',
    ours: { peer: [...UP, 'INVITE sdp', '491 INVITE', 'ACK'], app: ['INVITE', 'ack', 'modify: done'] },
    theirs: {
      peer: [...UP, 'INVITE sdp', ...UP, 'ACK'],
      app: ['INVITE', 'ack', 'modify', 'modify: done'],
    },
  },
  'requests with a To tag that nobody knows': {
    why: 'drachtio-server sends 100 before it looks',
    ours: { peer: ['481 INVITE', '481 BYE', '481 UPDATE'], app: [] },
    theirs: { peer: ['100 INVITE', '481 INVITE', '481 BYE', '481 UPDATE'], app: [] },
  },
  'call out: 200 without Contact': {
    why: 'the embedded server sends ACK and BYE to where the 200 came from; drachtio-server has no target, and lets the call end by itself after 32 s',
    ours: { peer: ['INVITE sdp', 'ACK', 'BYE'], app: ['call: 500'] },
    theirs: { peer: ['INVITE sdp'], app: ['call: 500'] },
  },
};

describe('the embedded SIP server and drachtio-server, same application, same peer', { skip }, () => {
  let embedded: SipServer;
  let drachtio: Drachtio;
  before(async () => {
    embedded = await startSipServer();
    drachtio = await Drachtio.start();
  });
  after(async () => {
    await embedded.close();
    await drachtio.stop();
  });

  for (const [name, script] of Object.entries(SCRIPTS)) {
    for (const protocol of ['udp', 'tcp'] as const) {
      if (protocol === 'tcp' && UDP_ONLY.has(name)) continue;
      const difference = DIFFERENCES[name];
      it(`${name} (${protocol})${difference ? `: differs, ${difference.why}` : ''}`, async () => {
        const ours = await Run.of(embedded, protocol, script);
        const theirs = await Run.of(drachtio, protocol, script);
        assert.deepEqual(ours, difference?.ours ?? theirs);
        assert.deepEqual(theirs, difference?.theirs ?? ours);
        assert.doesNotMatch(ours.peer.join(), /nothing/);
      });
    }
  }

  it('lists no difference that is not there', () => {
    for (const [name, { ours, theirs }] of Object.entries(DIFFERENCES)) {
      assert.ok(name in SCRIPTS, name);
      assert.notDeepEqual(ours, theirs);
    }
  });
});
