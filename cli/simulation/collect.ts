import { Collector, type CollectorStep } from '../../flows/collector.js';
import type { CollectCommand } from '../../flows/commands.js';
import { brandOf } from '../../flows/fields/brands.js';
import type { Collected, CollectOptions } from '../../server/call/collect.js';
import { tellEnd } from '../../server/call/tell-end.js';
import type { Line } from './line.js';

export interface AttemptOptions extends Omit<CollectOptions, 'leg'> {
  readonly line: Line;
  /** Counts the attempts of the call. */
  readonly attempt: number;
}

/** One attempt at one field, as server/call/collect.ts makes it, on the clock of the line. */
export async function collect(command: CollectCommand, options: AttemptOptions): Promise<Collected> {
  const { line, value, card, signal, surplusSince, onProgress: tell } = options;
  const collector = new Collector({
    command,
    sink: value,
    look: (check) => value.use('field-check', check),
    surplusSince,
    cardBrand: card?.use('field-check', brandOf) ?? null,
    now: line.today,
    startedAt: line.now,
  });
  tell('asked', 0, null);
  let promptEnds = line.say(command.audio);
  let step = collector.timer(line.now);
  while (step.result === null) {
    if (signal.aborted) {
      tell('rejected', 0, 'caller-hung-up');
      return { result: { ok: false, error: 'caller-hung-up' }, surplusSince: collector.surplusSince };
    }
    const next = await advance(collector, step, promptEnds, options);
    step = next;
    // A key that counts ends the prompt, and so does its own end.
    if (step.change !== null || next.promptEnded) promptEnds = Number.POSITIVE_INFINITY;
    if (next.replay) {
      tell('asked', 0, null);
      promptEnds = line.say(command.audio);
    }
    if (step.change === 'key') tell('entering', step.entered, null);
    if (step.change === 'cleared') tell('cleared', 0, null);
  }
  const { result } = step;
  tellEnd(tell, result, step.entered);
  return { result, surplusSince: collector.surplusSince };
}

type Advance = CollectorStep & { readonly replay: boolean; readonly promptEnded: boolean };

async function advance(
  collector: Collector,
  { timerAt }: CollectorStep,
  promptEnds: number,
  { line, attempt }: AttemptOptions,
): Promise<Advance> {
  const act = await line.next(Math.min(promptEnds, timerAt ?? Number.POSITIVE_INFINITY), attempt);
  if (act?.do === 'command' && line.secure) {
    const step = collector.command(act.command, line.now);
    line.tell({ type: 'command', command: act.command.do, refusal: step.refusal });
    return { ...step, promptEnded: false };
  }
  const step = act?.do === 'key' ? collector.key(act.code, line.now) : collector.timer(line.now);
  const promptEnded = line.now >= promptEnds && step.result === null && step.change === null;
  return { ...(promptEnded ? collector.audioEnded(line.now) : step), replay: false, promptEnded };
}
