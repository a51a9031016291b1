import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { within } from '../kit/deadline.js';
import { freePorts, listening } from '../kit/ports.js';
import { RunningProgram } from './program.js';
import { type CallSteps, stepsXml } from './sipp-steps.js';

const SCENARIOS = new URL('../../../test/clients/sipp/', import.meta.url);

/** The calls of one SIPp have the Call-ID of this process, its number, and their own. */
const CALL_ID_PREFIX = `sipp-${process.pid}-`;

interface SippOptions {
  /** SIP port of SIPp. Default: a free one. */
  readonly port?: number;
  /** Calls to make or take. Default 1. */
  readonly calls?: number;
  /** How long SIPp may run, ms. Default 60,000. */
  readonly deadlineMs?: number;
  /** Puts this port into its SDP and leaves the audio of all calls to whoever listens there. Default: its own. */
  readonly audioPort?: number;
  /** Default `udp`. */
  readonly transport?: 'udp' | 'tcp';
  /** Shows the scenario each copy of a message, and sends none again. Default: SIPp sees to both by itself. */
  readonly seesCopies?: boolean;
}

export interface SippCaller extends SippOptions {
  /** `script`: what {@link xml} says. */
  readonly scenario: 'caller' | 'torture' | 'garbage' | 'script';
  /** The scenario, from sipp-script.ts. */
  readonly xml?: string;
  /** Where to send it: `user@address:port`. */
  readonly target: string;
  /** What a caller does once connected. Default: hangs up at once. */
  readonly steps?: CallSteps;
  /** Goes on when something comes that the scenario does not wait for, as when it sends twice in a row. */
  readonly goesOn?: boolean;
  /** New calls each second. Default 10. */
  readonly rate?: number;
}

export interface SippAgent extends SippOptions {
  /** `called`: takes calls as {@link xml} says. */
  readonly scenario: 'agent' | 'called';
  readonly xml?: string;
}

export interface SippResult {
  /** All calls went as the scenario says. */
  readonly ok: boolean;
  readonly successful: number;
  readonly failed: number;
  /** What SIPp complained about; empty when nothing. */
  readonly errors: string;
}

export interface Sipp {
  /** `sip:` address of an agent. */
  readonly uri: string;
  readonly audioPort: number;
  /** Rejects with a DeadlineError when it does not end in time. */
  readonly result: Promise<SippResult>;
  /** Lets the first call of a caller go on to the next group of keys that waits for a cue. */
  cue(): Promise<void>;
  /** Ends SIPp now. Idempotent. */
  stop(): Promise<void>;
}

/** Starts SIPp; an agent listens when this resolves. Throws when it is not on the PATH. */
export async function startSipp(options: SippCaller | SippAgent): Promise<Sipp> {
  const folder = await mkdtemp(join(tmpdir(), 'tacet-sipp-'));
  const [sip = 0, audio = 0] = await freePorts(2);
  const port = options.port ?? sip;
  let program: RunningProgram | null = null;
  try {
    await writeScenario(options, join(folder, 'scenario.xml'));
    program = RunningProgram.start(
      'sipp',
      argumentsOf(options, folder, port, audio),
      options.deadlineMs ?? 60_000,
    );
    const started = program;
    const result = started.exited
      .then(({ code, output }) => resultOf(folder, code, output))
      .finally(() => rm(folder, { recursive: true, force: true }));
    result.catch(() => undefined);
    if (takesCalls(options)) await Promise.race([listening(port, 5000, options.transport), result]);
    const uri = `sip:agent@127.0.0.1:${port}`;
    const audioPort = options.audioPort ?? audio;
    let cues = 0;
    const next = () => {
      cues += 1;
      return cue(port, cues);
    };
    return { uri, audioPort, result, cue: next, stop: () => started.stop() };
  } catch (error) {
    await program?.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function takesCalls(options: SippCaller | SippAgent): options is SippAgent {
  return options.scenario === 'agent' || options.scenario === 'called';
}

/**
 * A MESSAGE in the call, which a scenario can wait for: SIPp neither hears prompts nor reads events. Each has a
 * number of its own, as SIPp drops a message that is the same as the last.
 */
async function cue(port: number, number: number): Promise<void> {
  const message = [
    `MESSAGE sip:sipp@127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKcue${number}`,
    'From: <sip:test@127.0.0.1>;tag=test',
    `To: <sip:sipp@127.0.0.1:${port}>`,
    `Call-ID: ${CALL_ID_PREFIX}1`,
    `CSeq: ${number} MESSAGE`,
    'Content-Length: 0',
  ];
  const socket = createSocket('udp4');
  try {
    socket.connect(port, '127.0.0.1');
    await within(once(socket, 'connect'), 1000, 'a socket for the cue');
    const sent = new Promise<void>((resolve, reject) =>
      socket.send(`${message.join('\r\n')}\r\n\r\n`, (error) => (error ? reject(error) : resolve())),
    );
    await within(sent, 1000, 'sending the cue');
  } finally {
    socket.close();
  }
}

async function writeScenario(options: SippCaller | SippAgent, path: string): Promise<void> {
  const { scenario, xml, audioPort } = options;
  const text = xml ?? (await readFile(new URL(`${scenario}.xml`, SCENARIOS), 'utf8'));
  const steps = scenario === 'caller' ? stepsXml(options.steps ?? { groups: [] }) : '';
  const whole = text.replace('  <!-- steps -->\n', () => steps);
  await writeFile(path, audioPort === undefined ? whole : whole.replaceAll('[media_port]', `${audioPort}`));
}

/** Runs SIPp to its end. */
export async function runSipp(options: SippCaller | SippAgent): Promise<SippResult> {
  return (await startSipp(options)).result;
}

function argumentsOf(options: SippCaller | SippAgent, folder: string, port: number, audio: number): string[] {
  const local = ['-i', '127.0.0.1', '-p', `${port}`, '-mi', '127.0.0.1', '-mp', `${audio}`];
  const calls = ['-m', `${options.calls ?? 1}`, '-nostdin'];
  const files = [
    '-sf',
    join(folder, 'scenario.xml'),
    '-trace_err',
    '-error_file',
    join(folder, 'errors.log'),
  ];
  const numbers = ['-trace_stat', '-stf', join(folder, 'numbers.csv')];
  // SIPp ends by itself should this process be killed before it can stop it.
  const limit = ['-timeout', `${Math.ceil((options.deadlineMs ?? 60_000) / 1000) + 5}`, '-timeout_error'];
  const transport = options.transport === 'tcp' ? ['-t', 't1'] : [];
  const copies = options.seesCopies ? ['-nr'] : [];
  // Its watchdog writes warnings into the errors when the machine is busy.
  const all = [...local, ...calls, ...files, ...numbers, ...limit, ...transport, ...copies];
  all.push('-watchdog_interval', '0');
  if (takesCalls(options)) return options.audioPort === undefined ? [...all, '-rtp_echo'] : all;
  const [user = '', host = ''] = options.target.replace(/^sip:/, '').split('@');
  // What garbage is answered with is not the scenario's business; that the last request is answered is.
  if (options.scenario === 'garbage') all.push('-default_behaviors', 'none');
  if (options.goesOn) all.push('-default_behaviors', 'all,-abortunexp');
  // Nothing holds back a call until others have ended.
  const pace = ['-r', `${options.rate ?? 10}`, '-l', `${options.calls ?? 1}`];
  return [...all, '-cid_str', `${CALL_ID_PREFIX}%u`, '-s', user, ...pace, host];
}

async function resultOf(folder: string, code: number | null, output: string): Promise<SippResult> {
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
  const [head = '', ...rows] = (await read('numbers.csv')).trim().split('\n');
  const last = rows.at(-1)?.split(';') ?? [];
  const number = (name: string) => Number(last[head.split(';').indexOf(name)] ?? 0);
  const complaints = await read('errors.log');
  return {
    ok: code === 0,
    successful: number('SuccessfulCall(C)'),
    failed: number('FailedCall(C)'),
    errors: complaints || (code === 0 ? '' : output.slice(-1000)),
  };
}
