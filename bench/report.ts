import { availableParallelism } from 'node:os';
import type { Lateness, LatenessMs, Steady } from './measure/steady.js';
import type { Figures } from './run.js';
import type { Percentiles } from './statistics.js';

/** One figure of DESIGN.md section 7. */
export interface Verdict {
  readonly figure: string;
  readonly limit: number;
  /** The value must not be under the limit; otherwise not over it. */
  readonly atLeast?: true;
  /** Null where there was nothing to compare with: no FreeSWITCH. */
  readonly value: number | null;
  /** Null where it could not be judged: nothing to compare with, or late on a machine that was busy. */
  readonly ok: boolean | null;
}

export const round = (value: number, digits: number): number => Number(value.toFixed(digits));

export function verdict(figure: string, value: number | null, limit: number): Verdict {
  if (value === null) return { figure, limit, value, ok: null };
  return { figure, limit, value: round(value, 3), ok: value <= limit };
}

/** For delays: a limit that was missed on a machine busy with something else says nothing about Tacet. */
export function delayVerdict(figure: string, value: number, limit: number, quiet: boolean): Verdict {
  const found = verdict(figure, value, limit);
  return found.ok || quiet ? found : { ...found, ok: null };
}

/** The figures to reach, and whether they were. */
export function verdicts({ tacet, bare, freeswitch }: Figures): Verdict[] {
  const { steady, most, quiet } = tacet;
  const perCall = freeswitch ? steady.cpuMsPerCallSecond / freeswitch.steady.cpuMsPerCallSecond : null;
  const perBare = steady.cpuMsPerCallSecond / bare.steady.cpuMsPerCallSecond;
  const perSetUp = freeswitch ? tacet.cpuMsPerSetUp / freeswitch.cpuMsPerSetUp : null;
  const latest = (most.quiet ?? most.lateness).engine?.max ?? Number.POSITIVE_INFINITY;
  return [
    verdict('CPU per call-second, x FreeSWITCH', perCall, 0.35),
    verdict('CPU per call-second, x bare loop', perBare, 1.5),
    verdict('CPU per call set-up, x FreeSWITCH', perSetUp, 0.35),
    verdict('memory per call, KB', tacet.bytesPerCall / 1000, 150),
    delayVerdict(`latest packet at ${most.calls} calls, ms`, latest, 10, most.quiet !== null),
    delayVerdict('end of a key to its prompt, p99, ms', tacet.keyToPromptMs.p99, 40, quiet.keys),
    delayVerdict('secure session: agent silent, p99, ms', tacet.secureSilentMs.p99, 60, quiet.secure),
  ];
}

export const pair = ({ p99, max }: Lateness) => ({ p99: round(p99, 2), max: round(max, 2) });
const pairOrNull = (lateness: Lateness | null | undefined) => (lateness ? pair(lateness) : null);
export const p50p99 = ({ p50, p99 }: Percentiles) => ({ p50: round(p50, 1), p99: round(p99, 1) });

/** What `--json` prints. */
export function jsonReport(engine: string, figures: Figures): object {
  const { tacet, bare, freeswitch } = figures;
  const all = verdicts(figures);
  const [perCall, perBare, perSetUp] = all;
  return {
    engine,
    calls: tacet.steady.calls,
    cpuMsPerCallSecond: {
      tacet: round(tacet.steady.cpuMsPerCallSecond, 3),
      bareLoop: round(bare.steady.cpuMsPerCallSecond, 3),
      freeswitch: freeswitch && round(freeswitch.steady.cpuMsPerCallSecond, 3),
    },
    cpuMsPerSetup: {
      tacet: round(tacet.cpuMsPerSetUp, 2),
      freeswitch: freeswitch && round(freeswitch.cpuMsPerSetUp, 2),
    },
    packetLatenessMs: pairOrNull(tacet.steady.lateness.engine),
    digitToPromptMs: p50p99(tacet.keyToPromptMs),
    bytesPerCall: Math.round(tacet.bytesPerCall),
    secureSilentMs: p50p99(tacet.secureSilentMs),
    secureAcceptedMs: p50p99(tacet.secureAcceptedMs),
    ratios: {
      callSecondToFreeswitch: perCall?.value ?? null,
      callSecondToBareLoop: perBare?.value ?? null,
      setupToFreeswitch: perSetUp?.value ?? null,
    },
    steady: {
      tacet: [steadyReport(tacet.steady), steadyReport(tacet.most)],
      bareLoop: [steadyReport(bare.steady), steadyReport(bare.most)],
      freeswitch: freeswitch && [steadyReport(freeswitch.steady)],
    },
    freeswitch: freeswitch && {
      version: freeswitch.version,
      bytesPerCall: Math.round(freeswitch.bytesPerCall),
    },
    cores: availableParallelism(),
    verdicts: all,
    ok: all.every(({ ok }) => ok !== false),
  };
}

export function steadyReport(steady: Steady): object {
  const lateness = (of: LatenessMs | null) =>
    of && { engine: pairOrNull(of.engine), receiver: pair(of.receiver), load: pair(of.load) };
  return {
    calls: steady.calls,
    cpuMsPerCallSecond: round(steady.cpuMsPerCallSecond, 3),
    deliveredShare: round(steady.delivered, 4),
    otherProgramsShare: round(steady.others, 3),
    latenessMs: lateness(steady.lateness),
    latenessInQuietWindowsMs: lateness(steady.quiet),
  };
}

type Row = readonly string[];

/** The same for people. */
export function tableReport(figures: Figures): string {
  const { tacet, bare, freeswitch } = figures;
  const latency = (name: string, { p50, p99, max }: Percentiles) =>
    `${name}: p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms`;
  return [
    align([
      ['', 'tacet', 'bare loop', freeswitch ? `freeswitch ${freeswitch.version}` : 'no freeswitch'],
      ...steadyRows(tacet.steady, bare.steady, freeswitch?.steady ?? null),
      ...steadyRows(tacet.most, bare.most, null),
      row('CPU ms per call set-up', [tacet.cpuMsPerSetUp, null, freeswitch?.cpuMsPerSetUp], 2),
      row('KB per call', [tacet.bytesPerCall / 1000, null, freeswitch && freeswitch.bytesPerCall / 1000], 0),
    ]),
    '',
    latency('end of a key to the first packet of its prompt', tacet.keyToPromptMs),
    latency('request for a secure session to the last of the caller at the agent', tacet.secureSilentMs),
    latency('request for a secure session to its 202', tacet.secureAcceptedMs),
    '',
    align(verdicts(figures).map(verdictRow)),
  ].join('\n');
}

function steadyRows(tacet: Steady, bare: Steady, freeswitch: Steady | null): Row[] {
  const all = [tacet, bare, freeswitch];
  const late = (name: string, pick: (lateness: LatenessMs) => Lateness | null): Row => [
    `  ${name}`,
    ...all.map((steady) => {
      const lateness = steady && pick(steady.lateness);
      return lateness ? `${lateness.p99.toFixed(1)} / ${lateness.max.toFixed(1)}` : '-';
    }),
  ];
  return [
    row(
      `${tacet.calls} calls: CPU ms per call-second`,
      all.map((steady) => steady?.cpuMsPerCallSecond),
      3,
    ),
    late('late ms, p99 / max: by the engine', ({ engine }) => engine),
    late('late ms, p99 / max: by the receiver', ({ receiver }) => receiver),
    late('late ms, p99 / max: the load itself', ({ load }) => load),
    row(
      '  % of the packets delivered',
      all.map((steady) => steady && steady.delivered * 100),
      1,
    ),
    row(
      '  % of the machine used by others',
      all.map((steady) => steady && steady.others * 100),
      1,
    ),
  ];
}

export function row(name: string, values: readonly (number | null | undefined)[], digits: number): Row {
  return [name, ...values.map((value) => value?.toFixed(digits) ?? '-')];
}

export function verdictRow({ figure, limit, atLeast, value, ok }: Verdict): Row {
  const outcome = ok === null ? 'not judged' : ok ? 'reached' : 'MISSED';
  return [figure, value === null ? '-' : String(value), `at ${atLeast ? 'least' : 'most'} ${limit}`, outcome];
}

export function align(rows: readonly Row[]): string {
  const columns = Math.max(...rows.map(({ length }) => length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}
