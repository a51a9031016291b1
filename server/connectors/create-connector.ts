import type { ConnectorConfig } from '../../config/schema.js';
import { type ConnectorClock, systemClock } from './clock.js';
import type { Connector } from './connector.js';
import { HttpsConnector } from './https-connector.js';
import type { ConnectorNotice } from './notice.js';
import { SandboxConnector } from './sandbox-connector.js';
import { StripeConnector } from './stripe-connector.js';

export interface ConnectorOptions {
  /** Default: the system's clock and timers. */
  readonly clock?: ConnectorClock;
  /** Told what is worth a log line. Default: nobody. */
  readonly onNotice?: (notice: ConnectorNotice) => void;
}

/**
 * Builds the connector of one entry under `connectors` in the configuration. Throws an Error that names the
 * connector and what to change when it cannot work; the message never holds a secret.
 */
export function createConnector(
  name: string,
  config: ConnectorConfig,
  { clock = systemClock, onNotice = () => {} }: ConnectorOptions = {},
): Connector {
  if (config.type === 'sandbox') return new SandboxConnector(name);
  try {
    if (config.type === 'stripe') return new StripeConnector(name, config, clock, onNotice);
    return new HttpsConnector(name, config, clock, onNotice);
  } catch (error) {
    throw new Error(`connector ${name}: ${error instanceof Error ? error.message : 'not usable'}`);
  }
}
