import { availableParallelism } from 'node:os';
import {
  align,
  delayVerdict,
  p50p99,
  pair,
  round,
  row,
  steadyReport,
  type Verdict,
  verdict,
  verdictRow,
} from './report.js';
import type { StackFigures } from './run-stack.js';
import type { Percentiles } from './statistics.js';

/** Shorter than any payment: the program works at the beginning and the end of a call, FreeSWITCH all the time. */
const CALL_SECONDS = 10;

/** The program's processor time as a share of FreeSWITCH's for the same calls. */
interface Shares {
  readonly callSecond: number | null;
  readonly setUp: number | null;
  /** Of a whole call of {@link CALL_SECONDS}. */
  readonly call: number | null;
}

function shares({ steady, cpuMsPerSetUp }: StackFigures): Shares {
  const { tacet, freeswitch } = cpuMsPerSetUp;
  const setUp = ratio(tacet, freeswitch);
  const talk = CALL_SECONDS * steady.cpuMsPerCallSecond;
  const talkBeside = CALL_SECONDS * (steady.with.freeswitch ?? Number.NaN);
  return {
    callSecond: ratio(steady.cpuMsPerCallSecond, steady.with.freeswitch),
    setUp,
    call: setUp === null ? null : ratio(Number(tacet) + talk, Number(freeswitch) + talkBeside),
  };
}

/** The figures to reach on FreeSWITCH, and whether they were. */
export function stackVerdicts(figures: StackFigures): Verdict[] {
  const { keyToPromptMs, secureSilentMs, vaultMs, secure, quiet } = figures;
  return [
    verdict(`CPU of a call of ${CALL_SECONDS} s, x FreeSWITCH`, shares(figures).call, 0.3),
    delayVerdict('end of a key to its prompt, p99, ms', keyToPromptMs.p99, 80, quiet.keys),
    delayVerdict('secure session: agent silent, p99, ms', secureSilentMs.p99, 60, quiet.secure),
    delayVerdict('into the vault, p99, ms', vaultMs.enter.p99, 100, quiet.secure),
    delayVerdict('out of the vault, p99, ms', vaultMs.leave.p99, 100, quiet.secure),
    atLeast('calls at once', secure.calls, secure.wanted.calls, quiet.atOnce),
    atLeast('of them in secure sessions', secure.sessions, secure.wanted.sessions, quiet.atOnce),
  ];
}

/** Null where there is nothing to compare: on a busy machine what idling costs may exceed what was measured. */
function ratio(own: number | undefined, other: number | undefined): number | null {
  return own !== undefined && other !== undefined && own > 0 && other > 0 ? own / other : null;
}

function share(value: number | null): number | null {
  return value === null ? null : round(value, 3);
}

/** Shields have deadlines, and a session that misses one is refused: on a busy machine that says nothing about Tacet. */
function atLeast(figure: string, value: number, limit: number, quiet: boolean): Verdict {
  return { figure, limit, atLeast: true, value, ok: value >= limit || (quiet ? false : null) };
}

/** What `--json` prints; the names are those of the embedded engine where the meaning is. */
export function stackJsonReport(figures: StackFigures): object {
  const { steady, most, bare, cpuMsPerSetUp, secure } = figures;
  const all = stackVerdicts(figures);
  const { callSecond, setUp, call } = shares(figures);
  const each = (values: Readonly<Record<string, number>>, digits: number) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, round(value, digits)]));
  const both = ({ enter, leave }: StackFigures['vaultMs']) => ({
    enter: p50p99(enter),
    leave: p50p99(leave),
  });
  return {
    engine: 'freeswitch',
    sip: 'drachtio' in steady.with ? 'drachtio' : 'embedded',
    calls: steady.calls,
    cpuMsPerCallSecond: {
      tacet: round(steady.cpuMsPerCallSecond, 3),
      bareLoop: round(bare.cpuMsPerCallSecond, 3),
      ...each(steady.with, 3),
    },
    cpuMsPerSetup: each(cpuMsPerSetUp, 2),
    packetLatenessMs: pair(steady.lateness.receiver),
    digitToPromptMs: p50p99(figures.keyToPromptMs),
    bytesPerCall: Math.round(figures.bytesPerCall),
    secureSilentMs: p50p99(figures.secureSilentMs),
    secureAcceptedMs: p50p99(figures.secureAcceptedMs),
    vaultMs: both(figures.vaultMs),
    secure: {
      calls: secure.calls,
      sessions: secure.sessions,
      failure: secure.failure,
      vaultMs: both(secure.vaultMs),
    },
    ratios: {
      callSecondToFreeswitch: share(callSecond),
      setupToFreeswitch: share(setUp),
      callToFreeswitch: share(call),
    },
    steady: { tacet: [steadyReport(steady), steadyReport(most)], bareLoop: [steadyReport(bare)] },
    freeswitch: { version: figures.version },
    cores: availableParallelism(),
    verdicts: all,
    ok: all.every(({ ok }) => ok !== false),
  };
}

/** The same for people. */
export function stackTableReport(figures: StackFigures): string {
  const { steady, most, bare, cpuMsPerSetUp, secure, vaultMs } = figures;
  const others = Object.keys(steady.with);
  const late = steady.lateness.receiver;
  const named = (name: string): string => (name === 'freeswitch' ? `freeswitch ${figures.version}` : name);
  const latency = (name: string, { p50, p99, max }: Percentiles) =>
    `${name}: p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms`;
  const cpu = ({ calls, cpuMsPerCallSecond, with: beside }: typeof steady, bareLoop: number | null) =>
    row(
      `${calls} calls: CPU ms per call-second`,
      [cpuMsPerCallSecond, ...others.map((name) => beside[name]), bareLoop],
      3,
    );
  return [
    align([
      ['', 'tacet', ...others.map(named), 'bare loop'],
      cpu(steady, bare.cpuMsPerCallSecond),
      cpu(most, null),
      row('CPU ms per call set-up', [cpuMsPerSetUp.tacet, ...others.map((name) => cpuMsPerSetUp[name])], 2),
      row('KB per call', [figures.bytesPerCall / 1000], 0),
    ]),
    '',
    `late packets, by the receiver: p99 ${late.p99.toFixed(1)}, max ${late.max.toFixed(1)} ms`,
    latency('end of a key to the first packet of its prompt', figures.keyToPromptMs),
    latency('request for a secure session to the last of the caller at the agent', figures.secureSilentMs),
    latency('request for a secure session to its 202', figures.secureAcceptedMs),
    latency('into the vault', vaultMs.enter),
    latency('out of the vault', vaultMs.leave),
    latency(`into the vault, ${secure.wanted.sessions} at once`, secure.vaultMs.enter),
    latency(`out of the vault, ${secure.wanted.sessions} at once`, secure.vaultMs.leave),
    ...(secure.failure === null ? [] : [`a secure session failed: ${secure.failure}`]),
    '',
    align(stackVerdicts(figures).map(verdictRow)),
  ].join('\n');
}
