import { ConfigError, type ConfigProblem } from '../config/problems.js';
import type { Config } from '../config/schema.js';
import type { FlowSet } from '../flows/flow.js';
import { flowUses, type Known } from '../flows/uses.js';
import { botReferences } from './bots/references.js';

/** What flows can name, in the configuration. A connector that nobody vouches for takes no secure value. */
export function knownNames(config: Config): Known {
  const connectors = Object.keys(config.connectors).filter((name) => isVouchedFor(config, name));
  return {
    connector: new Set(connectors),
    dataAction: new Set(Object.keys(config.dataActions)),
    agent: new Set(config.agents.map(({ id }) => id)),
    queue: new Set(config.queues.map(({ name }) => name)),
    trunk: new Set(config.trunks.map(({ name }) => name)),
  };
}

/** The sandbox sends nothing anywhere. */
function isVouchedFor({ connectors }: Config, name: string): boolean {
  const connector = connectors[name];
  return connector?.type === 'sandbox' || connector?.pci === true;
}

/** Where the configuration has what flows name, and what it is called. */
const SECTIONS = {
  connector: ['connectors', 'a connector'],
  dataAction: ['dataActions', 'a data action'],
  agent: ['agents', 'an agent'],
  queue: ['queues', 'a queue'],
  trunk: ['trunks', 'a trunk'],
} as const;

/** A flow that a route names, and whatever a flow names, must exist: an error now, not in a call. Throws ConfigError. */
export function checkReferences(config: Config, flows: FlowSet, known: Known): void {
  const problem = (field: string, message: string, remedy: string): ConfigProblem => ({
    file: config.configFile ?? '(defaults)',
    line: null,
    column: null,
    field,
    message,
    remedy,
  });
  const problems = config.routes.flatMap(({ flow: name }, index) => {
    const flow = flows.get(name);
    if (flow?.type === 'inbound') return [];
    const inbound = [...flows.values()].filter(({ type }) => type === 'inbound').map((one) => one.name);
    const message = flow ? `flow ${name} is of type ${flow.type}` : `there is no flow ${name}`;
    return [problem(`routes[${index}].flow`, message, `name an inbound flow: ${inbound.join(', ')}`)];
  });
  for (const flow of flows.values()) {
    for (const { action, use } of flowUses(flow)) {
      if (use.kind === 'flow' || known[use.kind].has(use.name)) continue;
      const version = flow.version === null ? '' : ` version ${flow.version}`;
      const who = `flow ${flow.name}${version} (${action.path})`;
      if (use.kind === 'connector' && use.name in config.connectors) {
        const message = `${who} sends secure values to a connector that is not flagged as PCI`;
        const remedy = 'write pci: true there if the gateway is assessed under PCI DSS, or name another';
        problems.push(problem(`connectors.${use.name}.pci`, message, remedy));
        continue;
      }
      const [section, what] = SECTIONS[use.kind];
      const names = [...known[use.kind]].join(', ') || 'none is configured';
      const remedy = `configure it, or name one of: ${names}`;
      problems.push(problem(`${section}.${use.name}`, `${who} calls ${what} that is not configured`, remedy));
    }
  }
  for (const { field, message, remedy } of botReferences(config, flows)) {
    problems.push(problem(field, message, remedy));
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
