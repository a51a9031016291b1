import assert from 'node:assert/strict';
import { startSipServer } from '../../server/sip/embedded/server.js';
import { SDP, TcpPeer, UdpPeer } from './sip-peer.js';
import { connectApp, settled } from './sip-srf.js';

/**
 * A server closed in the middle of calls, in real time. This process ends by itself only when no socket and
 * no timer is left; one that is left would keep it for half a minute.
 */
const server = await startSipServer();
const app = await connectApp(server);
app.invite((request, reply) => {
  if (request.uri.includes('answer')) void app.createUAS(request, reply, { localSdp: SDP });
});
await settled(app);
const udp = await UdpPeer.open(server.sipPort);
const tcp = await TcpPeer.open(server.sipPort);
for (const peer of [udp, tcp]) {
  peer.send({ method: 'INVITE', seq: 1, callId: `held-${peer.protocol}` });
  await peer.next();
  const uri = 'sip:answer@127.0.0.1';
  peer.send({ method: 'INVITE', seq: 1, uri, callId: `answered-${peer.protocol}` });
  await peer.final();
}
app.createUAC(`sip:a@127.0.0.1:${udp.port}`, { localSdp: SDP }).catch(() => {});
await udp.next();
assert.equal(server.stats().dialogs, 5);
app.disconnect();
await Promise.all([server.close(), server.close()]);
await server.close();
await tcp.closed;
udp.close();
const { transactions, dialogs, connections, clients } = server.stats();
assert.deepEqual([transactions, dialogs, connections, clients], [0, 0, 0, 0]);
process.disconnect();
