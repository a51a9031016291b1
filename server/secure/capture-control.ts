import { type CommandRefusal, MOST_EXTRA_MS } from '../../flows/collector.js';
import type { CaptureCommand } from '../../flows/commands.js';
import { TacetError } from '../errors.js';

/** Decides on a command: why it is refused, or what makes its effects happen. */
export type Decide = (command: CaptureCommand) => CommandRefusal | (() => void);

const WHY: Readonly<Record<Exclude<CommandRefusal, 'no-field'>, string>> = {
  'nothing-keyed': 'nothing has been keyed that could be completed',
  'not-focusable': 'the flow does not let this field be left for that one',
  'no-more-time': `at most ${MOST_EXTRA_MS / 1000} seconds can be added to one entry`,
};

/** The one way for the agent's commands to the field that is being keyed in a secure session, if there is one. */
export class CaptureControl {
  #decide: Decide | null = null;

  /** A field is being keyed. Returns the function that says that it is not any more. */
  open(decide: Decide): () => void {
    this.#decide = decide;
    return () => {
      if (this.#decide === decide) this.#decide = null;
    };
  }

  /**
   * Has the command carried out; `onTaken` is called when it is accepted, before it shows any effect. Throws TacetError
   * `no-field-open` or `command-refused`: then nothing has changed.
   */
  command(command: CaptureCommand, onTaken: () => void): void {
    const decided = this.#decide?.(command) ?? 'no-field';
    if (decided === 'no-field') throw new TacetError('no-field-open');
    if (typeof decided === 'string') throw new TacetError('command-refused', WHY[decided]);
    onTaken();
    decided();
  }
}
