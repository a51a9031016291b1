import type { PlainValue, StartFacts } from '../../flows/commands.js';
import type { Flow, FlowSet } from '../../flows/flow.js';
import { runFlow } from '../../server/call/run-flow.js';
import type { SecureEnd } from '../../server/call/views.js';
import type { Connector } from '../../server/connectors/connector.js';
import type { SecureFlowEnd } from '../../server/secure/secure-run.js';
import type { TransferCommand } from '../../server/transfer/transfers.js';
import type { SimulatedBots } from './bots.js';
import type { SimulatedCustomer } from './customer.js';
import type { SimulatedDataService } from './data-service.js';
import { type AttemptCount, Fields } from './fields.js';
import type { Line } from './line.js';
import { SecureHost } from './secure-host.js';
import { SimulatedStay } from './stay.js';

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

/** A stay in secure mode for the whole run of a secure flow, as server/secure/secure-session.ts walks through it. */
export class SimulatedSession {
  readonly #options: SessionOptions;
  readonly #stay: SimulatedStay;
  #transfer: TransferCommand | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#stay = new SimulatedStay(options.line, options.refused);
  }

  /** False: the session was refused, the call goes on as it was. */
  engage(): boolean {
    return this.#stay.engage();
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
    this.#stay.unshield();
    const result = fields.values.redact(resultData(end, host));
    fields.values.wipe();
    const wanted = this.#endOf(end);
    if (end !== 'interrupted' && end.kind === 'transfer') this.#transfer = end.command;
    const returns = hasAgent && (wanted === 'returned' || wanted === 'cancelled');
    const left = returns || wanted === 'transferred' ? await this.#guard(wanted) : wanted;
    if (Object.keys(result).length > 0) line.tell({ type: 'result', data: result });
    this.#stay.finish(left);
    return left;
  }

  #endOf(end: SecureFlowEnd | 'interrupted'): SecureEnd {
    const { line, hasAgent } = this.#options;
    if (line.gone.aborted) return 'customer-hung-up';
    if (end === 'interrupted') return 'cancelled';
    if (end.kind === 'disconnect') return end.reason === 'flow' ? 'disconnected' : 'flow-error';
    if (end.kind === 'transfer') return 'transferred';
    return hasAgent ? 'returned' : 'disconnected';
  }

  async #guard(wanted: SecureEnd): Promise<SecureEnd> {
    const left = await this.#stay.guard();
    if (left === 'gone') return 'customer-hung-up';
    return left === 'quiet' ? wanted : 'flow-error';
  }
}

/** The flow's own data, or, when it ended early, what became of the charge. */
function resultData(
  end: SecureFlowEnd | 'interrupted',
  { verdict }: SecureHost,
): Readonly<Record<string, PlainValue>> {
  return end !== 'interrupted' && end.kind === 'return' ? end.data : verdict;
}
