import type { DataActionConfig } from '../../config/data-action.js';
import type { CallDataResult } from '../../flows/commands.js';
import { type ConnectorClock, systemClock } from '../connectors/clock.js';
import { type DataAction, type DataRequest, failed } from './data-action.js';
import { HttpDataAction } from './http-data-action.js';

/** A result, and how long it took. */
export interface DataAnswer {
  readonly result: CallDataResult;
  readonly durationMs: number;
}

/** The data actions of a configuration, by name. */
export class DataActions {
  readonly #actions: ReadonlyMap<string, DataAction>;
  readonly #clock: ConnectorClock;

  constructor(actions: ReadonlyMap<string, DataAction>, clock: ConnectorClock = systemClock) {
    this.#actions = actions;
    this.#clock = clock;
  }

  /** Throws an Error that names the data action and what to change when one cannot work, without any secret. */
  static of(
    configs: Readonly<Record<string, DataActionConfig>>,
    clock: ConnectorClock = systemClock,
  ): DataActions {
    const actions = Object.entries(configs).map(([name, config]) => {
      try {
        return [name, new HttpDataAction(config, clock)] as const;
      } catch (error) {
        throw new Error(`data action ${name}: ${error instanceof Error ? error.message : 'not usable'}`);
      }
    });
    return new DataActions(new Map(actions), clock);
  }

  async call(name: string, request: DataRequest): Promise<DataAnswer> {
    const begun = this.#clock.now();
    const action = this.#actions.get(name);
    const result = action
      ? await action.call(request)
      : failed('unknown-data-action', `there is no data action ${name}`);
    return { result, durationMs: Math.round(this.#clock.now() - begun) };
  }
}
