import Type, { type Static } from 'typebox';
import { BotReply, botReply } from '../../flows/bots/reply.js';
import type { CaptureCommand } from '../../flows/commands.js';
import { readDocument } from '../../flows/document.js';
import { duration, milliseconds } from '../../flows/duration.js';
import { calendarDay } from '../../flows/fields/date.js';
import { FlowError } from '../../flows/problems.js';
import { schemaProblems } from '../../flows/schema-problems.js';
import { AGENT_RESULTS, NUMBER_RESULTS, type Scenario } from './scenario.js';
import type { Step } from './scripted-caller.js';

const strict = { additionalProperties: false } as const;

const Command = Type.Union(
  [
    Type.Literal('askAgain'),
    Type.Literal('clear'),
    Type.Literal('cancel'),
    Type.Literal('complete'),
    Type.Object({ extendTime: duration('how much time is added', '30s') }, strict),
    Type.Object({ focus: Type.String({ minLength: 1, description: 'name of a field' }) }, strict),
  ],
  { description: 'askAgain, clear, cancel, complete, {extendTime: 30s} or {focus: name}' },
);

const Act = Type.Union(
  [
    Type.Object({ keys: Type.String({ pattern: '^[0-9*#]{1,100}$' }) }, strict),
    Type.Object({ wait: duration('how long the caller does nothing', '1s') }, strict),
    Type.Object({ agent: Command }, strict),
    Type.Literal('hang-up'),
    Type.Literal('cancel'),
  ],
  { description: `keys: '12#', wait: 5s, agent: clear, hang-up or cancel` },
);

const Outputs = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()], { description: 'a value' }),
  { description: 'values by name' },
);

const DataAnswer = Type.Object(
  {
    status: Type.Enum(['success', 'failure', 'timeout'], { description: 'success, failure or timeout' }),
    error: Type.Optional(Type.String({ description: 'a text' })),
    outputs: Type.Optional(Outputs),
    after: Type.Optional(duration('how long the answer takes')),
  },
  { ...strict, description: 'a mapping with status, error, outputs, after' },
);
type DataAnswer = Static<typeof DataAnswer>;

const BotAnswer = Type.Object(
  {
    reply: Type.Optional(
      Type.Unsafe<BotReply>({ ...BotReply, description: 'an answer as docs/bots.md has it' }),
    ),
    error: Type.Optional(Type.String({ minLength: 1, description: 'a text, as timeout' })),
    after: Type.Optional(duration('how long the answer takes')),
  },
  { ...strict, description: 'a mapping with reply or error, after' },
);

const Answer = Type.Object(
  {
    status: Type.Enum(['approved', 'declined', 'in-doubt', 'error'], {
      description: 'approved, declined, in-doubt or error',
    }),
    reason: Type.Optional(Type.String({ description: 'a text' })),
    outputs: Type.Optional(Outputs),
  },
  { ...strict, description: 'a mapping with status, reason, outputs' },
);

const Document = Type.Object(
  {
    description: Type.Optional(Type.String({ description: 'a text' })),
    today: Type.Optional(
      Type.String({
        pattern: '^[0-9]{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?$',
        description: 'a month or a day, as 2026-11 or 2026-11-27',
      }),
    ),
    from: Type.Optional(Type.String({ description: 'who calls, a text' })),
    to: Type.Optional(Type.String({ description: 'who is called, a text' })),
    invocationData: Type.Optional(Type.String({ description: 'what the agent hands over, a text' })),
    caller: Type.Optional(
      Type.Array(Act, { description: `a list of keys: '12#', wait: 5s, agent: clear, hang-up, cancel` }),
    ),
    gateway: Type.Optional(Type.Array(Answer, { description: 'a list of answers' })),
    dataActions: Type.Optional(Type.Array(DataAnswer, { description: 'a list of answers' })),
    bots: Type.Optional(Type.Array(BotAnswer, { description: 'a list of answers' })),
    agents: Type.Optional(
      Type.Array(Type.Enum([...AGENT_RESULTS]), { description: `a list of ${AGENT_RESULTS.join(', ')}` }),
    ),
    numbers: Type.Optional(
      Type.Array(Type.Enum([...NUMBER_RESULTS]), { description: `a list of ${NUMBER_RESULTS.join(', ')}` }),
    ),
    attributes: Type.Optional(Outputs),
    secureSession: Type.Optional(Type.Literal('refused', { description: 'refused, or leave it out' })),
    expect: Type.Optional(Type.String({ description: 'the trace, a text with a line for each thing' })),
  },
  strict,
);
type Document = Static<typeof Document>;

export const SCRIPT_KEYS: readonly string[] = Object.keys(Document.properties);

/** A replay of a flow without a person: who does what, and the trace it must leave. */
export interface Script {
  readonly scenario: Scenario;
  readonly steps: readonly Step[];
  /** Null when the script expects nothing. */
  readonly expected: readonly string[] | null;
}

/** Reads a digit script. Throws {@link FlowError} with every problem found; none of them quotes a key. */
export function readScript(source: string, file: string): Script {
  const document = readDocument(source, file);
  const { value } = document;
  const isMapping = value !== null && typeof value === 'object' && !Array.isArray(value);
  if (!isMapping) {
    const [message, remedy] = ['a digit script is a mapping', 'begin with caller: and expect:'];
    throw new FlowError([{ file, line: 1, column: 1, message, remedy }]);
  }
  const problems = schemaProblems(Document, value as Readonly<Record<string, unknown>>);
  if (problems.length > 0) {
    throw new FlowError(
      problems.map(({ path, isKey, message, remedy }) => ({
        file,
        ...(isKey ? document.keyPlace(path) : document.place(path)),
        message,
        remedy,
      })),
    );
  }
  return scriptOf(value as Document);
}

function scriptOf(document: Document): Script {
  const { today, from = 'sip:caller', to = 'sip:tacet', invocationData = '' } = document;
  return {
    scenario: {
      from,
      to,
      invocationData,
      today: today === undefined ? calendarDay(new Date()) : dayOf(today),
      gateway: (document.gateway ?? []).map(({ status, reason = '', outputs = {} }) => ({
        status,
        reason,
        outputs,
      })),
      dataActions: (document.dataActions ?? []).map(dataAnswer),
      bots: (document.bots ?? []).map(botAnswer),
      agents: document.agents ?? [],
      numbers: document.numbers ?? [],
      attributes: document.attributes ?? {},
      refusesSecure: document.secureSession === 'refused',
    },
    steps: (document.caller ?? []).map(stepOf),
    expected: document.expect === undefined ? null : document.expect.trimEnd().split('\n'),
  };
}

function stepOf(act: Static<typeof Act>): Step {
  if (typeof act === 'string' || 'keys' in act) return act;
  return 'wait' in act ? { waitMs: milliseconds(act.wait) } : { command: commandOf(act.agent) };
}

function commandOf(agent: Static<typeof Command>): CaptureCommand {
  if (typeof agent === 'string') return { do: agent };
  if ('focus' in agent) return { do: 'focus', field: agent.focus };
  return { do: 'extendTime', ms: milliseconds(agent.extendTime) };
}

function dataAnswer({ status, error, outputs = {}, after }: DataAnswer): Scenario['dataActions'][number] {
  const afterMs = after === undefined ? 0 : milliseconds(after);
  if (status === 'success') return { result: { status, error: '', message: '', outputs }, afterMs };
  return { result: { status, error: error ?? status, message: '', outputs: {} }, afterMs };
}

function botAnswer({ reply, error, after }: Static<typeof BotAnswer>): Scenario['bots'][number] {
  const afterMs = after === undefined ? 0 : milliseconds(after);
  const taken = error === undefined ? botReply(reply) : null;
  if (taken) return { result: { ok: true, reply: taken }, afterMs };
  return { result: { ok: false, error: error ?? 'bad-answer', message: '' }, afterMs };
}

/** A month stands for the middle of it. */
function dayOf(text: string): Scenario['today'] {
  const [year = 0, month = 0, day = 15] = text.split('-').map(Number);
  return { year, month, day };
}
