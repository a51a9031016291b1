import { inside } from '../unit/sip-calls.js';
import { Mailbox, SDP } from '../unit/sip-peer.js';
import { type AppRequest, settled } from '../unit/sip-srf.js';
import { OFFER, type Run } from './script.js';

const INVITE = { method: 'INVITE', seq: 1, branch: 'z9hG4bKinvite', ...OFFER };
const CANCEL = { ...INVITE, method: 'CANCEL', headers: [], body: '' };
const REFER_TO = ['Refer-To: <sip:other@example.com>'];

/** An INVITE of the application under way, and the INVITE as the peer heard it. */
async function dialling(run: Run) {
  const requests = new Mailbox<AppRequest>();
  const outcome = run.app.createUAC(
    run.target,
    { localSdp: SDP },
    {
      cbRequest: (error, request) => {
        if (!error) requests.put(request);
      },
      cbProvisional: ({ status, body }) => run.note(`provisional ${status}${body ? ' sdp' : ''}`),
    },
  );
  outcome.catch(() => {});
  return { outcome, request: await requests.take('the INVITE as sent'), invite: await run.hear('INVITE') };
}

/** Refuses the next INVITE as the application, and acknowledges the refusal as the peer. */
async function refuse(run: Run, status: number): Promise<void> {
  (await run.rung.take('the INVITE')).reply.send(status);
  const refused = await run.hear(String(status));
  run.send({ ...INVITE, method: 'ACK', to: refused.get('To'), headers: [], body: '' });
}

/** Rings as the application; resolves with the reply and To with its tag. */
async function ringing(run: Run) {
  const { reply } = await run.rung.take('the INVITE');
  reply.send(180);
  return { reply, to: (await run.hear('180')).get('To') };
}

/** The same script for either server, by name. */
export const SCRIPTS: Readonly<Record<string, (run: Run) => Promise<void>>> = {
  'set-up, BYE from the peer': async (run) => {
    const { to } = await run.up();
    run.send({ method: 'BYE', seq: 2, to });
    await run.hear('200 BYE');
    await run.told('destroy (normal release)');
  },
  'set-up, BYE from the application': async (run) => {
    const { dialog } = await run.up();
    const over = dialog.destroy();
    run.peer.answer(await run.hear('BYE'), '200 OK');
    await run.outcome('destroy', over);
  },
  'ringing, early media, answer': async (run) => {
    run.send(INVITE);
    const { request, reply } = await run.rung.take('the INVITE');
    reply.send(180);
    await run.hear('180');
    reply.send(183, { body: SDP });
    await run.hear('183');
    run.attend(await run.app.createUAS(request, reply, { localSdp: SDP }));
    const ok = await run.hear('200 INVITE');
    run.send({ method: 'ACK', seq: 1, to: ok.get('To') });
    await run.told('ack');
  },
  'refusal, its ACK absorbed': async (run) => {
    run.send(INVITE);
    await refuse(run, 486);
  },
  'retransmitted INVITE: absorbed, the last answer repeated': async (run) => {
    const invite = run.request(INVITE);
    run.peer.sendRaw(invite);
    const { reply } = await ringing(run);
    run.peer.sendRaw(invite);
    await run.hear('180', true);
    reply.send(486);
    const refused = await run.hear('486');
    run.send({ ...INVITE, method: 'ACK', to: refused.get('To'), headers: [], body: '' });
  },
  'retransmitted BYE: the answer repeated': async (run) => {
    const { to } = await run.up();
    const bye = run.request({ method: 'BYE', seq: 2, to });
    run.peer.sendRaw(bye);
    await run.hear('200 BYE');
    run.peer.sendRaw(bye);
    await run.hear('200 BYE', true);
  },
  'lost ACK: the 200 repeated until one comes': async (run) => {
    run.send(INVITE);
    await run.answer();
    const ok = await run.hear('200 INVITE');
    await run.hear('200 INVITE', true);
    run.send({ method: 'ACK', seq: 1, to: ok.get('To') });
    await run.told('ack');
  },
  'CANCEL before the application has said anything': async (run) => {
    run.send(INVITE);
    await run.rung.take('the INVITE');
    run.send(CANCEL);
    await run.hear('487');
    await run.told('cancel');
  },
  'CANCEL while it rings; an answer too late': async (run) => {
    run.send(INVITE);
    const { reply } = await ringing(run);
    run.send(CANCEL);
    const terminated = await run.hear('487');
    run.send({ ...INVITE, method: 'ACK', to: terminated.get('To'), headers: [], body: '' });
    await run.told('cancel');
    const late = new Promise((resolve, reject) => {
      reply.send(200, { body: SDP }, (error) => (error ? reject(error) : resolve('done')));
    });
    await run.outcome('late answer', late);
  },
  'CANCEL after the 200': async (run) => {
    const { to } = await run.up();
    run.send(CANCEL);
    run.send({ method: 'BYE', seq: 2, to });
    await run.hear('200 BYE');
  },
  'CANCEL crosses the 200': async (run) => {
    run.send(INVITE);
    await run.answer();
    const ok = await run.hear('200 INVITE');
    run.send(CANCEL);
    await run.hear(['200 CANCEL', '481 CANCEL']);
    run.send({ method: 'ACK', seq: 1, to: ok.get('To') });
    await run.told('ack');
  },
  'CANCEL of nothing': async (run) => {
    run.send(CANCEL);
    await run.hear('481');
  },
  'BYE before the answer': async (run) => {
    run.send(INVITE);
    const { to } = await ringing(run);
    run.send({ method: 'BYE', seq: 2, to });
    await run.hear(['487 INVITE', '500 INVITE']);
  },
  'BYE before the ACK': async (run) => {
    run.send(INVITE);
    await run.answer();
    const ok = await run.hear('200 INVITE');
    run.send({ method: 'BYE', seq: 2, to: ok.get('To') });
    await run.hear('200 BYE');
    await run.told('destroy (normal release)');
  },
  'both say BYE': async (run) => {
    const { dialog, to } = await run.up();
    const over = dialog.destroy();
    const theirs = await run.hear('BYE');
    run.send({ method: 'BYE', seq: 2, to });
    await run.hear('200 BYE');
    run.peer.answer(theirs, '200 OK');
    await run.outcome('destroy', over);
  },
  'REFER from the peer, and its progress in NOTIFYs': async (run) => {
    const { dialog, to } = await run.up();
    run.send({ method: 'REFER', seq: 2, to, headers: REFER_TO });
    await run.hear('202 REFER');
    for (const [state, status] of [
      ['active;expires=60', '100 Trying'],
      ['terminated;reason=noresource', '200 OK'],
    ] as const) {
      const headers = {
        Event: 'refer',
        'Subscription-State': state,
        'Content-Type': 'message/sipfrag;version=2.0',
      };
      const notified = dialog.request({ method: 'NOTIFY', headers, body: `SIP/2.0 ${status}` });
      run.peer.answer(await run.hear('NOTIFY body'), '200 OK');
      await run.outcome('NOTIFY', notified);
    }
  },
  'REFER, NOTIFY, INFO, OPTIONS, UPDATE, MESSAGE from the peer': async (run) => {
    const { to } = await run.up();
    for (const method of ['REFER', 'NOTIFY', 'INFO', 'OPTIONS', 'UPDATE', 'MESSAGE']) {
      const headers = method === 'REFER' ? REFER_TO : method === 'NOTIFY' ? ['Event: refer'] : [];
      run.send({ method, seq: run.nextSeq, to, headers });
      await run.hear(`${method === 'REFER' ? 202 : 200} ${method}`);
    }
  },
  'REFER, NOTIFY, INFO, OPTIONS from the application': async (run) => {
    const { dialog } = await run.up();
    for (const method of ['REFER', 'NOTIFY', 'INFO', 'OPTIONS']) {
      const headers = { 'Refer-To': '<sip:o@example.com>', Event: 'refer' };
      const answered = dialog.request({ method, headers });
      run.peer.answer(await run.hear(method), '202 Accepted');
      await run.outcome(method, answered);
    }
  },
  'OPTIONS, INFO, MESSAGE outside a dialog': async (run) => {
    for (const method of ['OPTIONS', 'INFO', 'MESSAGE']) {
      run.send({ method, seq: 1, callId: `outside-${method}-${run.target}` });
      await run.hear(`200 ${method}`);
    }
  },
  'a method that no application takes': async (run) => {
    run.send({ method: 'PUBLISH', seq: 1, headers: ['Event: presence'] });
    await run.hear('503');
  },
  'requests with a To tag that nobody knows': async (run) => {
    const to = '<sip:service@example.com>;tag=nobody';
    for (const method of ['INVITE', 'BYE', 'UPDATE']) {
      run.send({ method, seq: 1, callId: `unknown-${method}-${run.target}`, to });
      await run.hear(`481 ${method}`);
    }
  },
  'call out: ringing, answer, repeated 200 acknowledged again, BYE from the peer': async (run) => {
    const { outcome, invite } = await dialling(run);
    run.peer.answer(invite, '180 Ringing');
    run.peer.accept(invite);
    run.attend(await outcome);
    await run.hear('ACK');
    if (run.peer.protocol === 'UDP') {
      run.peer.accept(invite);
      await run.hear('ACK', true);
    }
    run.send({ method: 'BYE', seq: 2, ...inside(invite) });
    await run.hear('200 BYE');
    await run.told('destroy (normal release)');
  },
  'call out: ringing, early media, answer': async (run) => {
    const { outcome, invite } = await dialling(run);
    run.peer.answer(invite, '180 Ringing');
    await run.told('provisional 180');
    run.peer.answer(invite, '183 Session Progress', {
      headers: ['Content-Type: application/sdp'],
      body: SDP,
    });
    await run.told('provisional 183 sdp');
    run.peer.accept(invite);
    run.attend(await outcome);
    await run.hear('ACK');
  },
  'call out: refused': async (run) => {
    const { outcome, invite } = await dialling(run);
    run.peer.answer(invite, '486 Busy Here');
    await run.outcome('call', outcome);
    await run.hear('ACK');
  },
  'call out: cancelled before anything came': async (run) => {
    const { outcome, request, invite } = await dialling(run);
    request.cancel();
    await settled(run.app);
    // RFC 3261 section 9.1: CANCEL waits for a provisional answer.
    run.peer.answer(invite, '100 Trying');
    run.peer.answer(await run.hear('CANCEL'), '200 OK');
    run.peer.answer(invite, '487 Request Terminated');
    await run.hear('ACK');
    await run.outcome('call', outcome);
  },
  'call out: cancelled while it rings': async (run) => {
    const { outcome, request, invite } = await dialling(run);
    run.peer.answer(invite, '180 Ringing');
    await run.told('provisional 180');
    request.cancel();
    run.peer.answer(await run.hear('CANCEL'), '200 OK');
    run.peer.answer(invite, '487 Request Terminated');
    await run.hear('ACK');
    await run.outcome('call', outcome);
  },
  'call out: the answer crosses CANCEL': async (run) => {
    const { outcome, request, invite } = await dialling(run);
    run.peer.answer(invite, '180 Ringing');
    await run.told('provisional 180');
    request.cancel();
    run.peer.answer(await run.hear('CANCEL'), '200 OK');
    run.peer.accept(invite);
    await run.hear('ACK');
    run.peer.answer(await run.hear('BYE'), '200 OK');
    await run.outcome('call', outcome);
  },
  'call out: 200 without Contact': async (run) => {
    const { outcome, invite } = await dialling(run);
    run.peer.answer(invite, '200 OK', { headers: ['Content-Type: application/sdp'], body: SDP });
    await run.outcome('call', outcome);
  },
};
