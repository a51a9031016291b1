import { FarEnd, startEngine } from './media-far-end.js';

/** Ends the process while RTP pours in: argument `exit` calls process.exit(), `fault` breaks the engine first. */

const server = await startEngine({ from: 31_700, to: 31_799 });
for (let i = 0; i < 20; i += 1) {
  const far = await FarEnd.open();
  far.aim(await (await server.createEndpoint()).answer(far.sdp()));
  setInterval(() => {
    for (let n = 0; n < 5; n += 1) far.audio();
  }, 1);
}
const endpoint = await server.createEndpoint();
setTimeout(() => {
  if (process.argv[2] === 'exit') process.exit(7);
  endpoint.sendDigits(null as never).catch((error) => process.exit(error.code === 'engine-lost' ? 8 : 9));
}, 300);
