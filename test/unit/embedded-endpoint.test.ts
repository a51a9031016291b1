import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { EmbeddedEndpoint } from '../../media/embedded/embedded-endpoint.js';
import type { EngineLink } from '../../media/embedded/engine-link.js';
import type { EngineRequest } from '../../media/embedded/messages.js';
import type { PromptSource } from '../../media/embedded/prompt-source.js';
import type { SdpSession } from '../../media/sdp/session.js';

/** What the media thread was asked for, and how soon. */
let asked: string[];

beforeEach(() => {
  asked = [];
});

function endpoint(): EmbeddedEndpoint {
  const note = (how: string) => (request: EngineRequest) => void asked.push(`${request.op} ${how}`);
  const link = { tell: note('at once'), tellLater: note('later'), request: async () => null };
  return new EmbeddedEndpoint({
    id: 'leg',
    link: link as unknown as EngineLink,
    sdp: { close: () => {} } as unknown as SdpSession,
    prompts: {} as PromptSource,
    onClosed: () => {},
  });
}

test('a leg that nobody ever heard may be closed a packet later', async () => {
  await endpoint().close();
  assert.deepEqual(asked, ['close later']);
});

test('a leg that was bridged is closed at once: its audio goes to somebody', async () => {
  const leg = endpoint();
  leg.onBridge();
  await leg.close();
  assert.deepEqual(asked, ['close at once']);
});

test('a prompt may stop a packet later', async () => {
  await endpoint().stopPlaying();
  assert.deepEqual(asked, ['stop later']);
});
