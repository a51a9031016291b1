import { SDP } from '../unit/sip-peer.js';
import type { AppDialog, AppRequest } from '../unit/sip-srf.js';
import { OFFER, type Run } from './script.js';

const INVITE = { method: 'INVITE', seq: 1, branch: 'z9hG4bKinvite', ...OFFER };

/**
 * Sends a re-INVITE in the way that tells of each answer and leaves the next one free: `modify` of drachtio-srf never
 * comes back to a dialog after a refusal. Acknowledges a 200 and nothing else.
 */
function reinvite(run: Run, dialog: AppDialog): Promise<AppRequest> {
  return new Promise((resolve, reject) => {
    const options = { method: 'INVITE', stackDialogId: dialog.id, body: SDP };
    run.app.request('sip:placeholder', options, (error, request) => {
      if (error) return reject(error);
      // Here, and not after an await: the answer may be in the same packet.
      request.on('response', ({ status }, ack) => {
        run.note(`re-INVITE: ${status}`);
        if (status === 200) ack();
      });
      request.on('update', (_update, reply) => {
        run.note('update while the re-INVITE waits');
        reply.send(491);
      });
      resolve(request);
    });
  });
}

/** Scripts of re-INVITEs, either way and both at once. */
export const REINVITE_SCRIPTS: Readonly<Record<string, (run: Run) => Promise<void>>> = {
  're-INVITE from the peer': async (run) => {
    const { to } = await run.up();
    run.send({ ...INVITE, seq: 2, branch: 'z9hG4bKagain', to });
    await run.hear('200 INVITE');
    run.send({ method: 'ACK', seq: 2, to });
    await run.told('ack');
  },
  're-INVITE from the application, accepted': async (run) => {
    const { dialog } = await run.up();
    const modified = dialog.modify(SDP);
    run.peer.accept(await run.hear('INVITE'));
    await run.outcome('modify', modified);
    await run.hear('ACK');
  },
  're-INVITE from the application, refused': async (run) => {
    const { dialog } = await run.up();
    const modified = dialog.modify(SDP);
    run.peer.answer(await run.hear('INVITE'), '488 Not Acceptable Here');
    await run.outcome('modify', modified);
    await run.hear('ACK');
  },
  're-INVITE from the peer without an offer: the answer comes in the ACK': async (run) => {
    const { to } = await run.up();
    run.send({ ...INVITE, seq: 2, branch: 'z9hG4bKagain', to, headers: [], body: '' });
    await run.hear('200 INVITE sdp');
    run.send({ method: 'ACK', seq: 2, to, ...OFFER });
    await run.told('ack sdp');
  },
  're-INVITE from the peer, refused by the application': async (run) => {
    const { to } = await run.up();
    run.refusing = 491;
    run.send({ ...INVITE, seq: 2, branch: 'z9hG4bKagain', to });
    await run.hear('491');
    run.send({ ...INVITE, method: 'ACK', seq: 2, branch: 'z9hG4bKagain', to, headers: [], body: '' });
  },
  're-INVITE from the application refused, the next accepted': async (run) => {
    const { dialog } = await run.up();
    await reinvite(run, dialog);
    run.peer.answer(await run.hear('INVITE'), '491 Request Pending');
    await run.hear('ACK');
    await run.told('re-INVITE: 491');
    await reinvite(run, dialog);
    run.peer.accept(await run.hear('INVITE'));
    await run.hear('ACK');
    await run.told('re-INVITE: 200');
  },
  're-INVITE from the application rings before it is accepted': async (run) => {
    const { dialog } = await run.up();
    await reinvite(run, dialog);
    const invite = await run.hear('INVITE');
    run.peer.answer(invite, '180 Ringing');
    await run.told('re-INVITE: 180');
    run.peer.accept(invite);
    await run.hear('ACK');
    await run.told('re-INVITE: 200');
  },
  'BYE from the peer while a re-INVITE of the application waits': async (run) => {
    const { dialog, to } = await run.up();
    await reinvite(run, dialog);
    const invite = await run.hear('INVITE');
    run.send({ method: 'BYE', seq: 2, to });
    await run.hear('200 BYE');
    await run.told('destroy (normal release)');
    run.peer.answer(invite, '487 Request Terminated');
    await run.hear('ACK');
  },
  'BYE from the application while its re-INVITE waits': async (run) => {
    const { dialog } = await run.up();
    await reinvite(run, dialog);
    const invite = await run.hear('INVITE');
    const over = dialog.destroy();
    run.peer.answer(await run.hear('BYE'), '200 OK');
    await run.outcome('destroy', over);
    run.peer.answer(invite, '487 Request Terminated');
    await run.hear('ACK');
  },
  're-INVITE from the application, cancelled': async (run) => {
    const { dialog } = await run.up();
    const request = await reinvite(run, dialog);
    const invite = await run.hear('INVITE');
    run.peer.answer(invite, '100 Trying');
    const cancelled = new Promise<void>((resolve, reject) => {
      request.cancel((error) => (error ? reject(new Error('refused')) : resolve()));
    });
    await run.outcome('CANCEL', cancelled);
    run.peer.answer(invite, '487 Request Terminated');
    await run.told('re-INVITE: 487');
  },
  'UPDATE from the peer while a re-INVITE of the application waits': async (run) => {
    const { dialog, to } = await run.up();
    await reinvite(run, dialog);
    const invite = await run.hear('INVITE');
    run.send({ method: 'UPDATE', seq: 2, to, ...OFFER });
    await run.hear(['491 UPDATE', '500 UPDATE']);
    run.peer.accept(invite);
    await run.hear('ACK');
    await run.told('re-INVITE: 200');
  },
  'glare: re-INVITEs cross': async (run) => {
    const { dialog, to } = await run.up();
    const modified = dialog.modify(SDP);
    const offer = await run.hear('INVITE');
    run.send({ ...INVITE, seq: 2, branch: 'z9hG4bKglare', to });
    await run.hear(['491', '200 INVITE']);
    run.peer.accept(offer);
    await run.outcome('modify', modified);
    await run.hear('ACK');
  },
};
