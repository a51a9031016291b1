import type { PlainValue, StartFacts } from '../../flows/commands.js';
import type { Flow, FlowSet } from '../../flows/flow.js';
import { runFlow } from '../../server/call/run-flow.js';
import type { SecureEnd, SecureState } from '../../server/call/views.js';
import type { Connector } from '../../server/connectors/connector.js';
import type { SecureFlowEnd } from '../../server/secure/secure-run.js';
import type { TransferCommand } from '../../server/transfer/transfers.js';
import type { SimulatedBots } from './bots.js';
import type { SimulatedCustomer } from './customer.js';
import type { SimulatedDataService } from './data-service.js';
import { type AttemptCount, Fields } from './fields.js';
import type { Line } from './line.js';
import { SecureHost } from './secure-host.js';

/** The server's defaults of secure.leavingGuardMs and secure.leavingGuardMaxMs. */
const QUIET_MS = 800;
const RESTLESS_MS = 30_000;

export interface SessionOptions {
  readonly line: Line;
  readonly flow: Flow;
  readonly facts: StartFacts;
  /** True when an agent asked for it and waits; false when a flow did. */
  readonly hasAgent: boolean;
  readonly gateway: Connector;
  readonly data: SimulatedDataService;
  readonly customer: SimulatedCustomer;
  /** What a transfer to a flow finds. */
  readonly flows: FlowSet;
  readonly bots: SimulatedBots;
  readonly attempts: AttemptCount;
  /** The shields cannot be engaged. */
  readonly refused: boolean;
}

/** One stay in secure mode, as server/secure/secure-session.ts walks through it, without anything to shield. */
export class SimulatedSession {
  readonly #options: SessionOptions;
  #transfer: TransferCommand | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** False: the session was refused, the call goes on as it was. */
  engage(): boolean {
    this.#to('requested');
    this.#options.line.secure = true;
    this.#to('shielding');
    if (this.#options.refused) {
      this.#to('unshielding');
      this.#finish('shield-failed');
      return false;
    }
    this.#to('active');
    return true;
  }

  /** Who the caller is handed to after a session that ended as `transferred`. */
  get transfer(): TransferCommand | null {
    return this.#transfer;
  }

  /** Runs the flow of an engaged session and leaves secure mode. */
  async run(): Promise<SecureEnd> {
    const { line, flow, flows, facts, hasAgent, gateway, data, bots, customer, attempts } = this.#options;
    const signal = AbortSignal.any([line.gone, line.cancelled]);
    const fields = new Fields(line, attempts, signal);
    const sessionId = facts.id;
    const host = new SecureHost({ line, fields, gateway, data, bots, customer, flows, sessionId, signal });
    line.tell({ type: 'flow', flow: flow.name });
    const end = await runFlow(flow, facts, host, signal);
    this.#to('unshielding');
    const result = fields.values.redact(resultData(end, host));
    fields.values.wipe();
    const wanted = this.#endOf(end);
    if (end !== 'interrupted' && end.kind === 'transfer') this.#transfer = end.command;
    const returns = hasAgent && (wanted === 'returned' || wanted === 'cancelled');
    const left = returns || wanted === 'transferred' ? await this.#guard(wanted) : wanted;
    if (Object.keys(result).length > 0) line.tell({ type: 'result', data: result });
    return this.#finish(left);
  }

  #endOf(end: SecureFlowEnd | 'interrupted'): SecureEnd {
    const { line, hasAgent } = this.#options;
    if (line.gone.aborted) return 'customer-hung-up';
    if (end === 'interrupted') return 'cancelled';
    if (end.kind === 'disconnect') return end.reason === 'flow' ? 'disconnected' : 'flow-error';
    if (end.kind === 'transfer') return 'transferred';
    return hasAgent ? 'returned' : 'disconnected';
  }

  /** Swallows keys until none has come for a while. */
  async #guard(wanted: SecureEnd): Promise<SecureEnd> {
    const { line } = this.#options;
    const over = line.now + RESTLESS_MS;
    let quietAt = line.now + QUIET_MS;
    let keys = 0;
    while (line.now < Math.min(quietAt, over) && !line.gone.aborted) {
      const act = await line.next(Math.min(quietAt, over), null);
      if (act?.do !== 'key') continue;
      quietAt = line.now + QUIET_MS;
      keys += 1;
    }
    if (keys > 0) line.tell({ type: 'swallowed', keys });
    if (line.gone.aborted) return 'customer-hung-up';
    return line.now >= quietAt ? wanted : 'flow-error';
  }

  #finish(end: SecureEnd): SecureEnd {
    this.#to('ended', end);
    this.#options.line.secure = false;
    return end;
  }

  #to(state: SecureState, end: SecureEnd | null = null): void {
    this.#options.line.tell({ type: 'secure', state, end });
  }
}

/** The flow's own data, or, when it ended early, what became of the charge. */
function resultData(
  end: SecureFlowEnd | 'interrupted',
  { lastData }: SecureHost,
): Readonly<Record<string, PlainValue>> {
  if (end !== 'interrupted' && end.kind === 'return') return end.data;
  return lastData ? { ...lastData.outputs, status: lastData.status, reason: lastData.reason } : {};
}
