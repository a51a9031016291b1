import type { Refusal } from '../../flows/commands.js';
import { connect, invite, type TransferContext, type TransferResult, userOf } from './connect.js';
import type { Trunks } from './trunks.js';

/** A number to be called over a trunk. */
export interface NumberTarget {
  readonly number: string;
  readonly trunk: string;
  readonly ringTimeoutMs: number;
}

/** Calls a number and connects the customer with it. The called party is no agent: nothing of ours goes there but the audio. */
export async function transferToNumber(
  context: TransferContext,
  trunks: Trunks,
  { number, trunk, ringTimeoutMs }: NumberTarget,
): Promise<TransferResult> {
  const route = trunks.route(trunk, number);
  if ('error' in route) return { ok: false, ...route };
  const user = route.callerId ?? userOf(context.conversation.from);
  return connect(context, {
    state: 'ringing-external',
    loop: 'ringback',
    ringTimeoutMs,
    ring: async (signal) => {
      const answered = await invite(context, { uri: route.uri, role: 'external', from: { user } }, signal);
      return typeof answered === 'number' ? refusalOf(answered) : answered;
    },
  });
}

const UNANSWERED: ReadonlySet<number> = new Set([408, 480, 487]);
const BUSY: ReadonlySet<number> = new Set([486, 600]);

function refusalOf(status: number): Refusal {
  if (UNANSWERED.has(status)) return { error: 'no-answer', message: 'the number did not answer' };
  if (BUSY.has(status)) return { error: 'busy', message: 'the number is busy' };
  return { error: 'not-connected', message: `the call was refused (SIP status ${status})` };
}
