import type { DataResult } from '../../flows/commands.js';
import type { ChargeRequest, Connector } from '../../server/connectors/connector.js';
import { SandboxConnector } from '../../server/connectors/sandbox-connector.js';

/** Stands for every connector: gives the answers of a script in turn, and those of the sandbox after them. */
export class SimulatedGateway implements Connector {
  readonly name = 'simulated';
  readonly #answers: DataResult[];
  /** Always the same confirmation number, so that traces can be compared. */
  readonly #sandbox = new SandboxConnector('simulated', (min) => min);

  constructor(answers: readonly DataResult[]) {
    this.#answers = [...answers];
  }

  async charge(request: ChargeRequest): Promise<DataResult> {
    return this.#answers.shift() ?? this.#sandbox.charge(request);
  }

  close(): Promise<void> {
    return this.#sandbox.close();
  }
}
