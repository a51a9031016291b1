import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type SipServer, startSipServer } from '../../server/sip/embedded/server.js';
import { missing } from '../clients/program.js';
import { runSipp, type Sipp, startSipp } from '../clients/sipp.js';
import { scenario } from '../clients/sipp-script.js';
import { within } from '../kit/deadline.js';
import { Drachtio, drachtioInstalled } from '../kit/drachtio.js';
import { connectApp, settled } from '../unit/sip-srf.js';
import type { Contestant } from './script.js';
import { SippApp } from './sipp-app.js';
import { CALLED, CALLERS, type SippCase } from './sipp-cases.js';

const skip = (drachtioInstalled() ? false : 'drachtio is not on the PATH') || missing('sipp');

const OK = { ok: true, successful: 1, failed: 0, errors: '' };

/** What the application was told in a call that went, message by message, as the scenario of SIPp says. */
async function played(contestant: Contestant, transport: 'udp' | 'tcp', one: SippCase): Promise<string[]> {
  const srf = await connectApp(contestant);
  const app = new SippApp(srf);
  let called: Sipp | null = null;
  try {
    const { seesCopies = false } = one;
    const common = { xml: scenario(...one.peer), transport, seesCopies, deadlineMs: 20_000 };
    if (one.call) {
      called = await startSipp({ scenario: 'called', ...common });
      const uri = transport === 'tcp' ? `${called.uri};transport=tcp` : called.uri;
      await within(one.call(app, uri), 20_000, 'the call');
      assert.deepEqual(await called.result, OK);
    } else {
      app.onCall((call) => one.take?.(call));
      await settled(srf);
      const target = `app@127.0.0.1:${contestant.sipPort}`;
      assert.deepEqual(await runSipp({ scenario: 'script', target, ...common }), OK);
    }
    await settled(srf);
    return app.told;
  } finally {
    await called?.stop();
    srf.disconnect();
  }
}

describe('SIPp on the embedded SIP server and on drachtio-server, same application', { skip }, () => {
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

  for (const [name, one] of Object.entries({ ...CALLERS, ...CALLED })) {
    for (const transport of ['udp', 'tcp'] as const) {
      if (transport === 'tcp' && one.seesCopies) continue;
      it(`${name} (${transport})`, async () => {
        assert.deepEqual(await played(embedded, transport, one), one.told, 'the embedded server');
        assert.deepEqual(await played(drachtio, transport, one), one.told, 'drachtio-server');
      });
    }
  }
});
