import type { FlowEvent, PlainValue, Refusal } from '../../flows/commands.js';
import { changedData } from '../../flows/plain-data.js';
import {
  executePlainData,
  type PlainDataCommand,
  type PlainDataOptions,
} from '../../server/call/plain-data.js';
import type { Line } from './line.js';

/** The caller as the conversation knows them: their attributes, as server/call/participant.ts keeps them. */
export class SimulatedCustomer {
  readonly #line: Line;
  attributes: Readonly<Record<string, PlainValue>>;

  constructor(attributes: Readonly<Record<string, PlainValue>>, line: Line) {
    this.attributes = attributes;
    this.#line = line;
  }

  execute(command: PlainDataCommand, values: PlainDataOptions['values']): FlowEvent {
    const line = this.#line;
    return executePlainData(command, {
      customer: this,
      flow: '',
      values,
      publish: (event) => {
        if (event.type === 'flow.event') line.tell({ type: 'event', name: event.name, data: event.data });
      },
    });
  }

  setAttributes(changes: Readonly<Record<string, PlainValue>>): Refusal | null {
    const changed = changedData(this.attributes, changes);
    if ('refusal' in changed) return changed.refusal;
    this.attributes = changed.data;
    this.#line.tell({ type: 'attributes', attributes: changes });
    return null;
  }
}
