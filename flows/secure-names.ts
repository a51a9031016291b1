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

/** The variables of those held names, as the flow knows them. */
export function variablesOf(
  names: SecureNames,
  variables: readonly string[],
  held: readonly string[],
): string[] {
  return variables.filter((variable) => held.includes(heldUnder(names, variable)));
}

/** A name for a value that is new. What was handed over stays as it is for whoever else can name it. */
function ownName(
  names: SecureNames,
  variable: string,
): { readonly held: string; readonly names: SecureNames } {
  const { [variable]: _replaced, ...handed } = names.handed;
  return { held: `${names.prefix}${variable}`, names: { ...names, handed } };
}

/** The command with the server's names in place of the flow's, and the names after it. */
export function withHeldNames(
  command: FlowCommand,
  names: SecureNames,
): { readonly command: FlowCommand; readonly names: SecureNames } {
  switch (command.do) {
    case 'extract':
      return { command: { ...command, source: heldUnder(names, command.source) }, names };
    case 'held':
      return { command: { ...command, names: command.names.map((name) => heldUnder(names, name)) }, names };
    case 'fill': {
      const into = ownName(names, command.into);
      return { command: { ...command, into: into.held }, names: into.names };
    }
    case 'botTurn': {
      const { secureDigits: digits } = command;
      const secureDigits = digits && { ...digits, name: heldUnder(names, digits.name) };
      return { command: { ...command, secureDigits }, names };
    }
    case 'callSecureData': {
      const inputs = Object.entries(command.secureInputs);
      const secureInputs = Object.fromEntries(inputs.map(([input, name]) => [input, heldUnder(names, name)]));
      let after = names;
      const outputs = Object.entries(command.secureOutputs).map(([output, name]) => {
        const own = ownName(after, name);
        after = own.names;
        return [output, own.held];
      });
      return {
        command: { ...command, secureInputs, secureOutputs: Object.fromEntries(outputs) },
        names: after,
      };
    }
    case 'collect': {
      const { field, into } = command;
      const card = field.cardVariable;
      const named = {
        ...command,
        field: { ...field, cardVariable: card === null ? null : heldUnder(names, card) },
      };
      if (into.scope !== 'secure') return { command: named, names };
      const own = ownName(names, into.name);
      return { command: { ...named, into: { ...into, name: own.held } }, names: own.names };
    }
    default:
      return { command, names };
  }
}
