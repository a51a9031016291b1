import type { Config } from '../../config/schema.js';
import type { Flow, FlowSet } from '../../flows/flow.js';

interface Reference {
  readonly field: string;
  readonly message: string;
  readonly remedy: string;
}

/** Bot flows whose service is not configured, or that a secure flow comes to without `pci: true`. */
export function botReferences({ bots }: Pick<Config, 'bots'>, flows: FlowSet): Reference[] {
  const all = [...flows.values()];
  return all.flatMap((flow) => {
    const service = flow.bot?.remote;
    if (!service) return [];
    const field = `bots.${service}`;
    const config = Object.hasOwn(bots, service) ? bots[service] : undefined;
    if (!config) {
      const known = Object.keys(bots).join(', ') || 'none is configured';
      const message = `bot flow ${flow.name} names a service that is not configured`;
      return [{ field, message, remedy: `configure it, or name one of: ${known}` }];
    }
    const secure = all.find((one) => one.type === 'secure' && comesTo(one, flow.name));
    if (!secure || config.pci) return [];
    const message = `secure flow ${secure.name} calls the bot ${flow.name}, which may not be told what is keyed`;
    const remedy = 'write pci: true where the service may have card data, or call another bot';
    return [{ field: `${field}.pci`, message, remedy }];
  });
}

const comesTo = (flow: Flow, bot: string): boolean => Object.hasOwn(flow.modules, bot);
