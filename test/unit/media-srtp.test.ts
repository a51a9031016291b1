import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EmbeddedMediaServer } from '../../media/embedded/embedded-media-server.js';
import type { MediaEndpoint } from '../../media/endpoint.js';
import { MediaError } from '../../media/media-server.js';
import { KEY_BYTES, SrtpStream, SUITE } from '../kit/srtp.js';
import { FarEnd, startEngine } from './media-far-end.js';

const KEY = Buffer.alloc(KEY_BYTES, 7);
const LINE = `a=crypto:1 ${SUITE} inline:${KEY.toString('base64')}`;
const SECURE = { profile: 'RTP/SAVP', lines: [LINE] };

/** Our key, as the SDP says it. */
function keyOf(sdp: string): Buffer {
  return Buffer.from(new RegExp(`${SUITE} inline:(\\S+)`).exec(sdp)?.[1] ?? '', 'base64');
}

describe('embedded engine: SRTP', { timeout: 30_000 }, () => {
  let server: EmbeddedMediaServer;
  const ends: FarEnd[] = [];
  before(async () => {
    server = await startEngine({ from: 31_400, to: 31_499 });
  });
  after(async () => {
    for (const far of ends) far.close();
    await server.close();
  });

  async function far(protect = false): Promise<FarEnd> {
    const end = await FarEnd.open();
    ends.push(end);
    const stream = new SrtpStream(KEY);
    if (protect) end.protect = (packet) => stream.protect(packet);
    return end;
  }

  const isInsecure = (error: unknown) => error instanceof MediaError && error.code === 'insecure';
  const keys = (endpoint: MediaEndpoint) => {
    const pressed: string[] = [];
    endpoint.onDigit(({ code }) => pressed.push(String.fromCharCode(code)));
    return pressed;
  };

  it('is offered, and protects prompts and keys, when the endpoint must have it', async () => {
    const endpoint = await server.createEndpoint({ srtp: true });
    const phone = await far(true);
    const offer = await endpoint.offer();
    await assert.rejects(endpoint.acceptAnswer(phone.sdp()), isInsecure);
    await endpoint.acceptAnswer(phone.sdp(SECURE));
    phone.aim(offer);
    const incoming = new SrtpStream(keyOf(offer));
    const plain: Buffer[] = [];
    phone.socket.on('message', (datagram) => {
      const packet = incoming.unprotect(datagram);
      if (packet) plain.push(packet);
    });
    await endpoint.play([{ text: '3' }]);
    await endpoint.sendDigits(['5'.charCodeAt(0)]);
    const pressed = keys(endpoint);
    phone.press(9);
    await phone.next(() => pressed.length > 0, 'the key');
    assert.deepEqual(pressed, ['9']);
    const audible = plain.filter((packet) => packet.length === 172 && packet[12] !== 0xff);
    assert.deepEqual(
      audible.map((packet) => packet[12]),
      [1, 2, 3],
    );
    const events = plain.filter((packet) => packet.length === 16);
    assert.ok(events.length > 3 && events.every((packet) => packet[12] === 5));
    assert.ok(phone.heard.length - plain.length <= 1, 'nothing went out that is not SRTP');
    await assert.rejects(endpoint.answer(phone.sdp()), isInsecure);
  });

  it('locks to a source that is authentic, and to no other', async () => {
    const endpoint = await server.createEndpoint();
    const [home, stranger, phone] = [await far(), await far(), await far(true)];
    const answer = await endpoint.answer(home.sdp(SECURE));
    for (const end of [stranger, phone]) end.aim(answer);
    const pressed = keys(endpoint);
    stranger.talk(() => 0x55);
    stranger.press(1);
    // Longer than the head start of the address in the SDP.
    await home.listen(30);
    assert.equal(stranger.heard.length, 0);
    phone.talk(() => 0x55);
    await phone.listen(3);
    phone.press(2);
    await phone.next(() => pressed.length > 0, 'the key');
    assert.deepEqual([pressed, stranger.heard.length], [['2'], 0]);
    const { dropped } = await server.stats();
    assert.ok(dropped.unauthenticated >= 30);
  });
});
