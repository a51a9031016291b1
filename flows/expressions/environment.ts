import { Environment } from '@marcbachmann/cel-js';
import type { CallFacts } from '../commands.js';
import { formatMoney, minorUnits } from './money.js';
import { toCel } from './values.js';

/** Sizes that an honest expression never needs: they bound what one can cost. */
const LIMITS = {
  maxAstNodes: 300,
  maxDepth: 30,
  maxListElements: 100,
  maxMapEntries: 50,
  maxCallArguments: 8,
};

/** JSON text to a map; an empty map when it is not JSON or not an object, so that bad input cannot fail a flow. */
function json(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? toCel(value) : {};
  } catch {
    return {};
  }
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? Number(inner) : inner));
}

/** A map's value, or `otherwise` when the key is missing or has nothing a variable could hold. */
function get(map: Readonly<Record<string, unknown>>, key: string, otherwise: unknown): unknown {
  const value = Object.hasOwn(map, key) ? map[key] : null;
  return value === null || typeof value === 'object' ? otherwise : value;
}

/** CEL has no arithmetic between int and double; an author who writes `flow.price * 2` expects one. */
function registerMixedArithmetic(environment: Environment): void {
  const operators: Record<string, (a: number, b: number) => number> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
  };
  for (const [operator, apply] of Object.entries(operators)) {
    environment.registerOperator(`int ${operator} double: double`, (a: bigint, b: number) =>
      apply(Number(a), b),
    );
    environment.registerOperator(`double ${operator} int: double`, (a: number, b: bigint) =>
      apply(a, Number(b)),
    );
  }
}

function withFunctions(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    limits: LIMITS,
  });
  environment.registerFunction('json(string): map', json);
  environment.registerFunction('toJson(map): string', toJson);
  environment.registerFunction('get(map, string, dyn): dyn', get);
  environment.registerFunction('minorUnits(dyn, string): int', (amount: unknown, currency: string) =>
    BigInt(minorUnits(amount, currency)),
  );
  environment.registerFunction('money(int, string): string', (amount: bigint, currency: string) =>
    formatMoney(Number(amount), currency),
  );
  registerMixedArithmetic(environment);
  return environment;
}

const functions = withFunctions();

/**
 * The CEL environment of running flows: no clock, no randomness, no access to the host, and no `secure`,
 * so that no expression can be given a secure value.
 */
export const environment: Environment = functions
  .clone()
  .registerVariable('flow', 'map')
  .registerVariable('call', 'map')
  .registerVariable('data', 'map');

/** The same with the types of one flow's variables, to find mistakes before a call. */
export function checkingEnvironment(types: Readonly<Record<string, 'string' | 'dyn' | 'bool'>>): Environment {
  return functions
    .clone()
    .registerVariable('flow', { schema: { ...types } })
    .registerVariable('call', { schema: CALL_FACTS })
    .registerVariable('data', 'map');
}

const CALL_FACTS = {
  id: 'string',
  from: 'string',
  to: 'string',
  invocationData: 'string',
  language: 'string',
} as const satisfies Record<keyof CallFacts, string>;
