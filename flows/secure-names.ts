import type { FlowCommand } from './commands.js';
import type { SecureNames } from './state.js';

/**
 * The names that the server holds secure values under. A module's are made of its call, so that they are no other's; what
 * a caller handed over keeps its name. Values never move: handing one over hands over its name.
 */

export const OWN_NAMES: SecureNames = { prefix: '', handed: {} };

/** For one call of a module: `card` of it is `ask-card#17.card`. No variable, and no name of an action, has such a form. */
export function namesOfCall(module: string, action: number, handed: SecureNames['handed']): SecureNames {
  return { prefix: `${module}#${action}.`, handed };
}

/** What the variable is held under, whoever collected it. */
export function heldUnder(names: SecureNames, variable: string): string {
  const handed = Object.hasOwn(names.handed, variable) ? names.handed[variable] : undefined;
  return handed ?? `${names.prefix}${variable}`;
}

/** The name that the author gave the variable. */
export function variableOf(held: string): string {
  return held.slice(held.lastIndexOf('.') + 1);
}

/** The command with the server's names in place of the flow's, and the names after it. */
export function withHeldNames(
  command: FlowCommand,
  names: SecureNames,
): { readonly command: FlowCommand; readonly names: SecureNames } {
  switch (command.do) {
    case 'extract':
      return { command: { ...command, source: heldUnder(names, command.source) }, names };
    case 'callSecureData': {
      const inputs = Object.entries(command.secureInputs);
      const secureInputs = Object.fromEntries(inputs.map(([input, name]) => [input, heldUnder(names, name)]));
      return { command: { ...command, secureInputs }, names };
    }
    case 'collect': {
      const { field, into } = command;
      const card = field.cardVariable;
      const named = {
        ...command,
        field: { ...field, cardVariable: card === null ? null : heldUnder(names, card) },
      };
      if (into.scope !== 'secure') return { command: named, names };
      // What was handed over stays as it is for whoever else can name it.
      const { [into.name]: _replaced, ...handed } = names.handed;
      const name = `${names.prefix}${into.name}`;
      return { command: { ...named, into: { ...into, name } }, names: { ...names, handed } };
    }
    default:
      return { command, names };
  }
}
