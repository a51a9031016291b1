import type { FieldKind } from './commands.js';
import type { Path } from './document.js';
import type { Flow, Port, Ports, VariableDeclaration } from './flow.js';
import type { Header, PortSource } from './schema.js';

type PortReport = (path: Path, isKey: boolean, message: string, remedy: string) => void;

const KEYS = ['inputs', 'outputs'] as const;
const EMPTY = { string: '', number: 0, boolean: false } as const;

/** A module's inputs and outputs, and the variables that they are in it. */
interface BuiltPorts extends Pick<Flow, 'inputs' | 'outputs' | 'variables'> {
  readonly secureVariables: string[];
}

/** Makes the inputs and outputs of a module; other types have none. */
export function buildPorts(header: Header, report: PortReport): BuiltPorts {
  const taken = new Set(Object.keys(header.variables ?? {}));
  const made: Record<(typeof KEYS)[number], Record<string, Port>> = { inputs: {}, outputs: {} };
  const variables: Record<string, VariableDeclaration> = {};
  const secureVariables: string[] = [];
  for (const key of KEYS) {
    const sources = header[key];
    if (sources !== undefined && header.type !== 'module') {
      const message = `a flow of type ${header.type} has no ${key}`;
      report([key], true, message, 'remove them, or make the flow `type: module`');
    }
    for (const [name, source] of Object.entries(sources ?? {})) {
      if (taken.has(name)) {
        const message = `the name '${name}' is declared twice`;
        report(
          [key, name],
          true,
          message,
          'inputs, outputs and variables share flow.* and secure.*: choose another',
        );
      }
      taken.add(name);
      checkPort(key, name, source, report);
      const { type, field = null } = source;
      const required = key === 'inputs' && source.default === undefined;
      made[key][name] = { type, field, required };
      if (type === 'secure') secureVariables.push(name);
      else variables[name] = { type, default: source.default ?? EMPTY[type] };
    }
  }
  return { ...made, variables, secureVariables };
}

function checkPort(key: 'inputs' | 'outputs', name: string, source: PortSource, report: PortReport): void {
  const { type, field } = source;
  if (field !== undefined && type !== 'secure') {
    report(
      [key, name, 'field'],
      true,
      `a ${type} holds no field of a caller`,
      'remove it, or use type: secure',
    );
  }
  if (source.default === undefined) return;
  const path = [key, name, 'default'];
  if (type === 'secure') report(path, true, 'a secure value has no default', 'remove it');
  else if (typeof source.default !== type) {
    report(path, false, `the default is no ${type}`, `give a ${type}`);
  }
}

/** Reports secure outputs that nothing fills, or that can hold another field than they say. */
export function checkSecureOutputs(
  outputs: Ports,
  collected: ReadonlyMap<string, ReadonlySet<FieldKind>>,
  report: PortReport,
): void {
  for (const [name, { type, field }] of Object.entries(outputs)) {
    if (type !== 'secure') continue;
    const kinds = collected.get(name);
    const path = ['outputs', name];
    if (!kinds) {
      const message = `nothing is ever collected into secure.${name}`;
      report(path, true, message, `add a collectInput with into: secure.${name}`);
      continue;
    }
    const other = field === null ? undefined : [...kinds].find((kind) => kind !== field);
    if (other === undefined) continue;
    const message = `the output is a ${field}, and secure.${name} can hold a ${other}`;
    report([...path, 'field'], false, message, 'collect each field into a variable of its own');
  }
}
