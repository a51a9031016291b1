import type { DataActionConfig } from '../../config/data-action.js';
import type { CallDataResult, PlainValue } from '../../flows/commands.js';
import { failed } from './data-action.js';
import type { Answer } from './exchange.js';

/** Nesting of an answer; more is nobody's data. */
const DEPTH_MAX = 32;

/** As long as a text of a flow can be. */
const TEXT_MAX = 10_000;

type Declared = DataActionConfig['outputs'];

/** Reads an answer with a status of 2xx: the declared outputs, each there and of its type, or a failure. */
export function readOutputs(answer: Answer, declared: Declared): CallDataResult {
  const names = Object.entries(declared);
  if (names.length === 0) return succeeded({});
  const json = parse(answer);
  if ('failure' in json) return json.failure;
  const outputs: Record<string, PlainValue> = {};
  for (const [name, { type, path = name }] of names) {
    const value = valueAt(json.value, path);
    const problem = problemOf(value, type);
    if (problem) return failed(problem.error, `output '${name}' ${problem.what} (at ${path})`);
    outputs[name] = value as PlainValue;
  }
  return succeeded(outputs);
}

const succeeded = (outputs: CallDataResult['outputs']): CallDataResult => ({
  status: 'success',
  error: '',
  message: '',
  outputs,
});

function parse({
  contentType,
  contentEncoding,
  body,
}: Answer): { readonly value: unknown } | { readonly failure: CallDataResult } {
  const refuse = (error: string, message: string) => ({ failure: failed(error, message) });
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType.trim())) {
    return refuse('not-json', 'the content type of the answer is not application/json');
  }
  if (contentEncoding.toLowerCase() !== 'identity') return refuse('not-json', 'the answer is compressed');
  const json = plainJson(body);
  if (json === 'not-json') return refuse('not-json', 'the answer is not JSON');
  return json === 'too-deep' ? refuse('too-deep', 'the answer is nested too deep') : json;
}

/** The JSON of a body in UTF-8, or why it is not taken. */
export function plainJson(body: Uint8Array): { readonly value: unknown } | 'not-json' | 'too-deep' {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return isTooDeep(value, DEPTH_MAX) ? 'too-deep' : { value };
  } catch {
    // The words of JSON.parse would quote the answer.
    return 'not-json';
  }
}

function isTooDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return left === 0 || Object.values(value).some((inner) => isTooDeep(inner, left - 1));
}

/** Undefined where nothing is. */
function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => {
    const isThere = typeof at === 'object' && at !== null && Object.hasOwn(at, key);
    return isThere ? (at as Readonly<Record<string, unknown>>)[key] : undefined;
  }, value);
}

function problemOf(value: unknown, type: string): { readonly error: string; readonly what: string } | null {
  if (value === undefined) return { error: 'missing-output', what: 'is missing' };
  if (typeof value !== type) return { error: 'wrong-type', what: `is no ${type}` };
  // Beyond this size JSON.parse has already changed the digits.
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    return { error: 'wrong-type', what: 'is a number that cannot be exact' };
  }
  const isTooLong = typeof value === 'string' && value.length > TEXT_MAX;
  return isTooLong ? { error: 'wrong-type', what: `is longer than ${TEXT_MAX} characters` } : null;
}
