import { RawCaller } from './raw-caller.js';

/** The process of load.test.ts's callers, so that their packets cost the server's process nothing. */

export type LoadOrder =
  | { readonly do: 'call'; readonly index: number; readonly sipPort: number; readonly user: string }
  /** Listens to the prompt for a moment, then presses. */
  | { readonly do: 'press'; readonly index: number; readonly keys: string };

/** `ended` comes when the far end said BYE. */
export type LoadNews = {
  readonly index: number;
  readonly news: 'answered' | 'ended' | 'failed';
  readonly why: string;
};

/** 400 ms of a prompt: sooner, keys count as surplus of the field before. */
const LISTENED_PACKETS = 25;

/** Under way, too: an order to press may be here before the answer to the call. */
const callers = new Map<number, Promise<RawCaller>>();
const tell = (index: number, news: LoadNews['news'], why = ''): void => {
  process.send?.({ index, news, why } satisfies LoadNews);
};

async function call(order: Extract<LoadOrder, { do: 'call' }>): Promise<void> {
  const { index, sipPort, user } = order;
  const calling = RawCaller.call(sipPort, user, { user: `caller-${index}` });
  callers.set(index, calling);
  const caller = await calling;
  tell(index, 'answered');
  await caller.ended;
  tell(index, 'ended');
  await caller.vanish();
}

async function press(order: Extract<LoadOrder, { do: 'press' }>): Promise<void> {
  const caller = await callers.get(order.index);
  if (!caller) throw new Error(`caller ${order.index} was not told to call`);
  await caller.listen(LISTENED_PACKETS);
  await caller.press(order.keys);
}

process.on('message', (order: LoadOrder) => {
  const work = order.do === 'call' ? call(order) : press(order);
  work.catch((error: unknown) => tell(order.index, 'failed', String(error)));
});

// The test has ended, however it did.
process.on('disconnect', () => {
  for (const calling of callers.values()) void calling.then((caller) => caller.vanish()).catch(() => {});
});
