import type { StartFacts } from '../../flows/commands.js';
import type { Flow, FlowSet } from '../../flows/flow.js';
import { runFlow } from '../../server/call/run-flow.js';
import type { CallEnd, SecureEnd } from '../../server/call/views.js';
import { SimulatedBots } from './bots.js';
import type { Caller } from './caller.js';
import { SimulatedCustomer } from './customer.js';
import { SimulatedDataService } from './data-service.js';
import { AttemptCount, Fields } from './fields.js';
import { SimulatedGateway } from './gateway.js';
import type { Happening } from './happening.js';
import { InboundHost } from './inbound-host.js';
import { Line } from './line.js';
import type { Scenario } from './scenario.js';
import { SimulatedActions } from './secure-actions.js';
import { SimulatedSession } from './session.js';
import { SimulatedTransfers } from './transfers.js';

export interface SimulationOptions {
  /** A flow takes the call; a secure one is asked for by an agent who talks to the caller. */
  readonly flow: Flow;
  /** What a transfer to a secure flow finds. */
  readonly flows: FlowSet;
  readonly scenario: Scenario;
  readonly caller: Caller;
  readonly onHappening: (happening: Happening) => void;
}

type End = CallEnd | 'talking';

/** Simulates one call, from its first action to its end or to the agent. */
export async function simulateCall(options: SimulationOptions): Promise<void> {
  await new SimulatedCall(options).run();
}

class SimulatedCall {
  readonly #options: SimulationOptions;
  readonly #line: Line;
  readonly #gateway: SimulatedGateway;
  readonly #data: SimulatedDataService;
  readonly #bots: SimulatedBots;
  readonly #attempts = new AttemptCount();
  readonly #customer: SimulatedCustomer;
  readonly #transfers: SimulatedTransfers;

  constructor(options: SimulationOptions) {
    const { caller, onHappening, scenario } = options;
    this.#options = options;
    this.#line = new Line({ caller, onHappening, today: scenario.today });
    this.#gateway = new SimulatedGateway(scenario.gateway);
    this.#bots = new SimulatedBots(scenario.bots, this.#line);
    this.#data = new SimulatedDataService(scenario.dataActions, this.#line);
    this.#customer = new SimulatedCustomer(scenario.attributes, this.#line);
    this.#transfers = new SimulatedTransfers(scenario, this.#line);
  }

  async run(): Promise<void> {
    const { flow } = this.#options;
    const end = await (flow.type === 'secure' ? this.#agentReferred(flow) : this.#inbound(flow));
    await this.#gateway.close();
    this.#line.tell({ type: 'end', end });
  }

  async #agentReferred(flow: Flow): Promise<End> {
    const session = this.#session(flow, this.#options.scenario.invocationData, true);
    return session.engage() ? this.#leave(session, true) : 'talking';
  }

  async #inbound(flow: Flow): Promise<End> {
    const line = this.#line;
    const fields = new Fields(line, this.#attempts, line.gone);
    const secureActions = this.#secureActions(fields);
    const host = new InboundHost({
      line,
      fields,
      data: this.#data,
      secureActions,
      customer: this.#customer,
      transfers: this.#transfers,
      flows: this.#options.flows,
      bots: this.#bots,
      enterSecure: (name, invocationData) => this.#enterSecure(name, invocationData),
    });
    line.tell({ type: 'flow', flow: flow.name });
    const end = await runFlow(flow, this.#facts(''), host, line.gone);
    secureActions.close(end !== 'interrupted' && end.kind === 'disconnect' ? end.reason : 'error');
    if (line.gone.aborted) return 'customer-hung-up';
    if (end === 'interrupted') return 'flow-error';
    if (end.kind === 'disconnect') return end.reason === 'flow' ? 'flow-disconnected' : 'flow-error';
    return end.kind === 'talk' ? 'talking' : this.#leave(end.session, false);
  }

  /** Runs an engaged session; a transfer that it ends with is blind. */
  async #leave(session: SimulatedSession, hasAgent: boolean): Promise<End> {
    const end = await session.run();
    const { transfer } = session;
    if (end !== 'transferred' || transfer === null) return afterSession(end, hasAgent);
    if (this.#transfers.ring(transfer) === null) return 'talking';
    await this.#line.play(transfer.failedTransferAudio, this.#line.gone);
    return this.#line.gone.aborted ? 'customer-hung-up' : 'flow-error';
  }

  #secureActions(fields: Fields): SimulatedActions {
    return new SimulatedActions({
      line: this.#line,
      fields,
      gateway: this.#gateway,
      data: this.#data,
      bots: this.#bots,
      customer: this.#customer,
      flows: this.#options.flows,
      runId: this.#facts('').id,
      refused: this.#options.scenario.refusesSecure,
    });
  }

  #enterSecure(name: string, invocationData: string): SimulatedSession | null {
    const flow = this.#options.flows.get(name);
    if (!flow) return null;
    const session = this.#session(flow, invocationData, false);
    return session.engage() ? session : null;
  }

  #session(flow: Flow, invocationData: string, hasAgent: boolean): SimulatedSession {
    return new SimulatedSession({
      line: this.#line,
      flow,
      facts: this.#facts(invocationData),
      hasAgent,
      gateway: this.#gateway,
      data: this.#data,
      customer: this.#customer,
      flows: this.#options.flows,
      bots: this.#bots,
      attempts: this.#attempts,
      refused: this.#options.scenario.refusesSecure,
    });
  }

  #facts(invocationData: string): StartFacts {
    const { from, to } = this.#options.scenario;
    return { id: 'simulated', from, to, invocationData, language: this.#line.language };
  }
}

/** What the call does after a session: the agent has the caller back, or it ends as server/call/call.ts has it. */
function afterSession(end: SecureEnd, hasAgent: boolean): End {
  switch (end) {
    case 'returned':
    case 'cancelled':
      return hasAgent ? 'talking' : 'flow-disconnected';
    case 'customer-hung-up':
      return 'customer-hung-up';
    case 'disconnected':
      return 'flow-disconnected';
    default:
      return 'flow-error';
  }
}
