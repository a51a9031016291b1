import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MediaStats } from '../../media/media-server.js';
import { CallEvents } from '../../server/call/events.js';
import type { ConversationView, SecureSessionView } from '../../server/call/views.js';
import { createMetrics } from '../../server/log/metrics.js';

const STATS: MediaStats = {
  endpoints: 4,
  bridges: 2,
  portsInUse: 8,
  portsDraining: 1,
  latenessMs: { p99: 2, max: 5 },
};

const conversation = (state: ConversationView['state'], sessions: SecureSessionView['state'][] = []) =>
  ({ state, secureSessions: sessions.map((one) => ({ state: one })) }) as unknown as ConversationView;

function setUp(media: () => Promise<MediaStats>) {
  const events = new CallEvents();
  const list = [conversation('talking'), conversation('secure', ['ended', 'active']), conversation('ended')];
  const sip = { transactions: 1, dialogs: 2, connections: 3, dropped: 3 };
  const metrics = createMetrics({
    events,
    conversations: { list: () => list },
    liveSecureValues: () => 6,
    media,
    sip: () => sip,
  });
  const value = async (line: string) => {
    const text = await metrics.registry.metrics();
    return text
      .split('\n')
      .find((one) => one.startsWith(`${line} `))
      ?.slice(line.length + 1);
  };
  return { events, metrics, sip, value };
}

test('calls and sessions are counted by reasons from closed lists, from 0 on', async () => {
  const { events, metrics, value } = setUp(async () => STATS);
  assert.equal(await value('tacet_calls_total{end="customer-hung-up"}'), '0');
  events.publish('c', { type: 'conversation.ended', end: 'customer-hung-up' });
  events.publish('c', { type: 'secure.state', sessionId: 's', state: 'active', end: null, reason: null });
  events.publish('c', {
    type: 'secure.state',
    sessionId: 's',
    state: 'ended',
    end: 'returned',
    reason: null,
  });
  events.publish('c', { type: 'secure.data', sessionId: 's', status: 'calling', reason: '' });
  events.publish('c', { type: 'secure.data', sessionId: 's', status: 'approved', reason: '' });
  assert.equal(await value('tacet_calls_total{end="customer-hung-up"}'), '1');
  assert.equal(await value('tacet_secure_sessions_total{end="returned"}'), '1');
  assert.equal(await value('tacet_secure_data_total{status="approved"}'), '1');
  metrics.close();
  assert.equal(events.listeners, 0);
});

test('gauges show what is live', async () => {
  const { value } = setUp(async () => STATS);
  assert.equal(await value('tacet_conversations{state="talking"}'), '1');
  assert.equal(await value('tacet_conversations{state="ivr"}'), '0');
  assert.equal(await value('tacet_secure_sessions_active'), '1');
  assert.equal(await value('tacet_secure_values'), '6');
  assert.equal(await value('tacet_sip_dialogs'), '2');
  assert.match((await value('nodejs_eventloop_lag_p99_seconds')) ?? '', /^\d/);
});

test('the media engine is asked once a scrape, and all its gauges show that answer', async () => {
  let asked = 0;
  const { metrics } = setUp(async () => {
    asked += 1;
    return { ...STATS, endpoints: asked, bridges: asked };
  });
  for (const scrape of [1, 2]) {
    const text = await metrics.registry.metrics();
    assert.match(text, new RegExp(`^tacet_media_endpoints ${scrape}$`, 'm'));
    assert.match(text, new RegExp(`^tacet_media_bridges ${scrape}$`, 'm'));
    assert.match(text, /^tacet_media_up 1$/m);
  }
});

test('a media engine that does not answer is shown as down, the rest stays', async () => {
  const { value } = setUp(async () => {
    throw new Error('lost');
  });
  assert.equal(await value('tacet_media_up'), '0');
  assert.equal(await value('tacet_media_endpoints'), 'Nan');
  assert.equal(await value('tacet_sip_transactions'), '1');
});

test('a counter fed by a callback shows its value, not a sum of scrapes', async () => {
  const { sip, value } = setUp(async () => STATS);
  assert.equal(await value('tacet_sip_dropped_total'), '3');
  sip.dropped = 4;
  assert.equal(await value('tacet_sip_dropped_total'), '4');
});
