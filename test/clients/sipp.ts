import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, listening } from './ports.js';
import { RunningProgram } from './program.js';
import { type CallSteps, stepsXml } from './sipp-steps.js';

const SCENARIOS = new URL('../../../test/clients/sipp/', import.meta.url);

interface SippOptions {
  /** SIP port of SIPp. Default: a free one. */
  readonly port?: number;
  /** Calls to make or take. Default 1. */
  readonly calls?: number;
  /** How long SIPp may run, ms. Default 60,000. */
  readonly deadlineMs?: number;
}

export interface SippCaller extends SippOptions {
  readonly scenario: 'caller' | 'torture' | 'garbage';
  /** Where to send it: `user@address:port`. */
  readonly target: string;
  /** What a caller does once connected. Default: hangs up at once. */
  readonly steps?: CallSteps;
  /** New calls each second. Default 10. */
  readonly rate?: number;
}

export interface SippAgent extends SippOptions {
  readonly scenario: 'agent';
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
    if (options.scenario === 'agent') await Promise.race([listening(port, 5000), result]);
    return { uri: `sip:agent@127.0.0.1:${port}`, audioPort: audio, result, stop: () => started.stop() };
  } catch (error) {
    await program?.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function writeScenario(options: SippCaller | SippAgent, path: string): Promise<void> {
  const xml = await readFile(new URL(`${options.scenario}.xml`, SCENARIOS), 'utf8');
  const steps = options.scenario === 'caller' ? stepsXml(options.steps ?? { groups: [] }) : '';
  await writeFile(
    path,
    xml.replace('  <!-- steps -->\n', () => steps),
  );
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
  const all = [...local, ...calls, ...files, ...numbers, ...limit];
  if (options.scenario === 'agent') return [...all, '-rtp_echo'];
  const [user = '', host = ''] = options.target.replace(/^sip:/, '').split('@');
  // What garbage is answered with is not the scenario's business; that the last request is answered is.
  if (options.scenario === 'garbage') all.push('-default_behaviors', 'none');
  return [...all, '-s', user, '-r', `${options.rate ?? 10}`, host];
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
