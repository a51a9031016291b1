import type { FlowCommand, FlowEvent, PlainValue } from '../../flows/commands.js';
import { dataRefusal } from '../../flows/plain-data.js';
import type { CallEventBody } from './events.js';
import type { Participant } from './participant.js';

/** Commands by which a flow leaves plain data where others read it, and takes such data. */
export type PlainDataCommand = FlowCommand & {
  readonly do: 'setParticipantData' | 'getParticipantData' | 'sendEvent';
};

export interface PlainDataOptions {
  readonly customer: Pick<Participant, 'attributes' | 'setAttributes'>;
  /** The flow that runs. */
  readonly flow: string;
  readonly publish: (event: CallEventBody) => void;
  /** What must not be seen; null outside of secure mode. */
  readonly values: {
    showIn(data: Readonly<Record<string, PlainValue>>): boolean;
    redact(data: Readonly<Record<string, PlainValue>>): Record<string, PlainValue>;
  } | null;
}

/** Reads or sets attributes of the customer, or publishes an event; refuses data that shows a secure value. */
export function executePlainData(command: PlainDataCommand, options: PlainDataOptions): FlowEvent {
  const { customer, flow, publish, values } = options;
  if (command.do === 'getParticipantData') {
    const { attributes } = customer;
    const found = command.names.filter((name) => Object.hasOwn(attributes, name));
    const read = Object.fromEntries(found.map((name) => [name, attributes[name] ?? null]));
    return { type: 'participantData', attributes: values?.redact(read) ?? read };
  }
  const data = command.do === 'sendEvent' ? command.data : command.attributes;
  // No expression can see a secure value; what looks like one all the same does not leave.
  if (values?.showIn(data)) {
    const message = 'the data shows a value of the secure session';
    return { type: 'applied', refusal: { error: 'secure-value', message } };
  }
  if (command.do === 'setParticipantData') {
    return { type: 'applied', refusal: customer.setAttributes(data, publish) };
  }
  const refusal = dataRefusal(data);
  if (refusal === null) publish({ type: 'flow.event', flow, name: command.type, data });
  return { type: 'applied', refusal };
}
