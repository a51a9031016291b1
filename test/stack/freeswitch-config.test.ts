import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Esl, EslRefused } from '../kit/esl.js';
import { Freeswitch, freeswitchInstalled } from '../kit/freeswitch.js';
import { FreeswitchPeer, type Invite } from './freeswitch-peer.js';
import { emptied } from './whole-stack.js';

const skip = freeswitchInstalled() ? false : 'freeswitch is not on the PATH';

const MODULES = [
  ...['mod_commands', 'mod_console', 'mod_dialplan_xml', 'mod_dptools', 'mod_event_socket'],
  ...['mod_sndfile', 'mod_sofia', 'mod_spandsp', 'mod_tone_stream'],
];

/** To requests of strangers outside a call. INFO and MESSAGE go nowhere: there is no channel, and no module for them. */
const ANSWERS: Readonly<Record<string, string>> = {
  REGISTER: '405 Method Not Allowed',
  REFER: '405 Method Not Allowed',
  SUBSCRIBE: '405 Method Not Allowed',
  PUBLISH: '405 Method Not Allowed',
  NOTIFY: '481 Subscription Does Not Exist',
  BYE: '481 Call Does Not Exist',
  INFO: '200 OK',
  MESSAGE: '202 Accepted',
};

const status = (response: string): string => response.slice('SIP/2.0 '.length, response.indexOf('\r\n'));

describe('FreeSWITCH with the shipped configuration', { skip, timeout: 120_000 }, () => {
  let freeswitch: Freeswitch;
  let peer: FreeswitchPeer;
  before(async () => {
    freeswitch = await Freeswitch.start();
    peer = await FreeswitchPeer.start(freeswitch.sipPort);
  });
  after(async () => {
    peer?.close();
    await freeswitch?.stop();
  });

  const strangers: Readonly<Record<string, () => Invite>> = {
    'no key': () => ({}),
    'an empty key': () => ({ key: '' }),
    'another key of the right length': () => ({ key: randomBytes(16).toString('hex') }),
    'the beginning of the key': () => ({ key: freeswitch.key.slice(0, 20) }),
    'the key and more': () => ({ key: `${freeswitch.key}0` }),
    'a pattern': () => ({ key: '.'.repeat(32) }),
    'another user and no key': () => ({ user: 'park' }),
    'a key in another header': () => ({
      headers: [`X-Key: ${freeswitch.key}`, `P-Tacet-Key: ${freeswitch.key}`],
    }),
  };
  for (const [name, invite] of Object.entries(strangers)) {
    it(`INVITE with ${name}: 403, no channel, no connection`, async () => {
      assert.equal(status(await peer.invite(invite())), '403 Forbidden');
      await emptied(freeswitch);
      assert.equal(peer.handed, 0);
    });
  }

  it('other requests of strangers have no effect', async () => {
    const answers: Record<string, string> = {};
    for (const method of Object.keys(ANSWERS)) answers[method] = status(await peer.request(method));
    assert.deepEqual(answers, ANSWERS);
    assert.equal(await freeswitch.channels(), 0);
  });

  it('garbage on the SIP port and on the event socket disturbs nobody', async () => {
    for (const size of [0, 1, 4, 60, 1400, 60_000]) peer.send(randomBytes(size));
    peer.send('INVITE sip:\r\n\r\n');
    peer.send(`INVITE sip:a@b SIP/2.0\r\nContent-Length: 99999999\r\n\r\n${'m=audio '.repeat(500)}`);
    for (const port of [freeswitch.eslPort, freeswitch.sipPort]) {
      for (const bytes of [
        randomBytes(100_000),
        Buffer.from(`auth ${'x'.repeat(70_000)}\n\n`),
        Buffer.alloc(9),
      ]) {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => {});
        await once(socket, 'connect');
        await new Promise((resolve) => socket.end(bytes, () => resolve(null)));
        socket.destroy();
      }
    }
    assert.equal(status(await peer.invite()), '403 Forbidden');
    assert.match(await freeswitch.api('status'), /^UP /);
    assert.equal(await freeswitch.channels(), 0);
  });

  for (const password of ['ClueCon', '', 'JambonzR0ck$', 'x'.repeat(32)]) {
    it(`event socket: the password "${password}" is refused`, async () => {
      await assert.rejects(Esl.connect(freeswitch.eslPort, password), EslRefused);
    });
  }

  it('nothing is loaded but what is needed', () => {
    assert.deepEqual(freeswitch.modules, MODULES);
  });

  it('a channel with the key is handed over, masks its digits, and ends with the connection', async () => {
    assert.equal(status(await peer.invite({ key: freeswitch.key })), '200 OK');
    const [uuid] = await peer.channels(1);
    const esl = await freeswitch.esl();
    assert.equal(await esl.api(`uuid_getvar ${uuid} digits_dialed_filter`), '.+');
    assert.equal(await esl.api(`uuid_getvar ${uuid} disable_app_log`), 'true');
    peer.dropChannels();
    await peer.until((message) => message.startsWith('BYE '), 'BYE');
    await emptied(freeswitch);
    esl.close();
  });

  it('channels that were joined hear nothing of each other any more, and end by an appointment', async () => {
    for (const _ of ['caller', 'agent']) await peer.invite({ key: freeswitch.key });
    const [one = '', other = ''] = await peer.channels(2);
    const esl = await freeswitch.esl();
    await esl.recordEvents();
    await esl.api(`uuid_bridge ${one} ${other}`);
    await esl.event(/^Event-Name: CHANNEL_BRIDGE$/m);
    assert.equal(await esl.api(`uuid_getvar ${one} signal_bond`), other);
    const owner = peer.listening;
    peer.dropChannels();
    await esl.event(/^Event-Name: CHANNEL_UNBRIDGE$/m);
    await esl.api(`sched_api +1 ${owner} hupall NORMAL_TEMPORARY_FAILURE sip_h_X-esl-outbound ${owner}`);
    await emptied(freeswitch);
    esl.close();
  });

  it('speaks SRTP where the offer does, and not otherwise', async () => {
    const key = freeswitch.key;
    assert.match(await peer.invite({ key, srtp: true }), /m=audio \d+ RTP\/SAVP.*a=crypto:/s);
    assert.doesNotMatch(await peer.invite({ key }), /SAVP|a=crypto/);
    await peer.channels(2);
    peer.dropChannels();
    await emptied(freeswitch);
  });

  it('prints nothing at all for a call, and nothing above the level of errors when turned up', async () => {
    const printed = freeswitch.output.length;
    const esl = await freeswitch.esl();
    await esl.recordLog();
    await esl.api('console loglevel debug');
    await peer.invite();
    await emptied(freeswitch);
    await esl.logged(/Hangup sofia\/drachtio_mrf/);
    assert.equal(freeswitch.output.slice(printed), '');
    await esl.api('fsctl loglevel err');
    esl.close();
  });
});

describe('FreeSWITCH without secrets in its environment', { skip, timeout: 120_000 }, () => {
  const missing = { FREESWITCH_ESL_PASSWORD: undefined, FREESWITCH_TACET_KEY: undefined };
  const blank = { FREESWITCH_ESL_PASSWORD: '', FREESWITCH_TACET_KEY: '' };
  for (const [name, env] of Object.entries({ missing, empty: blank })) {
    it(`${name}: nobody gets in`, async () => {
      const freeswitch = await Freeswitch.launch({ env });
      const peer = await FreeswitchPeer.start(freeswitch.sipPort);
      try {
        for (const password of ['ClueCon', '', freeswitch.eslPassword, '&#10;']) {
          await assert.rejects(Esl.connect(freeswitch.eslPort, password), EslRefused);
        }
        for (const key of [undefined, '', freeswitch.key, '&#10;&#10;&#10;&#10;']) {
          const invite = key === undefined ? {} : { key };
          assert.equal(status(await peer.invite(invite)), '403 Forbidden');
        }
        assert.equal(peer.handed, 0);
      } finally {
        peer.close();
        await freeswitch.stop();
      }
    });
  }

  it('an address outside the lists is refused on both ports', async () => {
    const env = {
      FREESWITCH_ESL_ALLOW: '192.0.2.0/24,198.51.100.7/32',
      FREESWITCH_SIP_ALLOW: '192.0.2.0/24',
    };
    const freeswitch = await Freeswitch.launch({ env });
    const peer = await FreeswitchPeer.start(freeswitch.sipPort);
    try {
      await assert.rejects(freeswitch.esl(), /Access Denied/);
      assert.equal(status(await peer.invite({ key: freeswitch.key })), '403 Forbidden');
    } finally {
      peer.close();
      await freeswitch.stop();
    }
  });
});
