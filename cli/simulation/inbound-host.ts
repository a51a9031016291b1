import type { CallDataResult, FlowCommand, FlowNote } from '../../flows/commands.js';
import type { Executed, FlowHost } from '../../server/call/run-flow.js';
import type { SimulatedDataService } from './data-service.js';
import type { Fields } from './fields.js';
import type { Line } from './line.js';
import { type AgentResult, transferFailed } from './scenario.js';
import type { SimulatedActions } from './secure-actions.js';
import type { SimulatedSession } from './session.js';

/** How an inbound flow handed the call on. */
export type InboundEnd =
  | { readonly kind: 'talk' }
  | { readonly kind: 'secure'; readonly session: SimulatedSession }
  | { readonly kind: 'disconnect'; readonly reason: 'flow' | 'error' };

export interface InboundHostOptions {
  readonly line: Line;
  readonly fields: Fields;
  readonly data: SimulatedDataService;
  readonly secureActions: SimulatedActions;
  /** What comes of ringing an agent this time. */
  readonly ring: () => AgentResult;
  /** Starts a session without an agent; null when it is refused. */
  readonly enterSecure: (flow: string, invocationData: string) => SimulatedSession | null;
}

/** Executes the commands of an inbound flow, as server/call/inbound-run.ts does. */
export class InboundHost implements FlowHost<InboundEnd> {
  readonly #options: InboundHostOptions;
  #enteredPlain = false;

  constructor(options: InboundHostOptions) {
    this.#options = options;
  }

  note(note: FlowNote): void {
    this.#enteredPlain ||= !note.secure;
    this.#options.line.tell({ type: 'action', note });
  }

  async execute(command: FlowCommand, secure: boolean): Promise<Executed<InboundEnd>> {
    const { secureActions, fields } = this.#options;
    const stays = secure && !this.#enteredPlain;
    this.#enteredPlain = false;
    if (command.do === 'disconnect') return { end: { kind: 'disconnect', reason: command.reason } };
    if (secureActions.active && !stays) {
      if (!(await secureActions.leave())) return { end: { kind: 'disconnect', reason: 'error' } };
      fields.swallowSurplus();
    }
    return secure ? secureActions.execute(command) : this.#execute(command);
  }

  async #execute(command: FlowCommand): Promise<Executed<InboundEnd>> {
    const { line, fields } = this.#options;
    switch (command.do) {
      case 'play':
        await line.play(command.audio, line.gone, command.bargeIn);
        return { event: { type: 'played' } };
      case 'wait':
        await line.wait(command.ms, line.gone);
        return { event: { type: 'waited' } };
      case 'collect':
        return { event: await fields.collect(command) };
      case 'callData':
        return { event: { type: 'dataAnswered', result: await this.#callData(command) } };
      case 'transferToAgent':
        return this.#toAgent(command);
      case 'transferToSecureFlow':
        return this.#toSecureFlow(command);
      case 'disconnect':
      case 'callSecureData':
      case 'extract':
      case 'returnToAgent':
        return { end: { kind: 'disconnect', reason: 'error' } };
    }
  }

  #callData(command: FlowCommand & { do: 'callData' }): Promise<CallDataResult> {
    const { data, fields, line } = this.#options;
    return data.call(command, fields.values, line.gone);
  }

  async #toAgent(command: FlowCommand & { do: 'transferToAgent' }): Promise<Executed<InboundEnd>> {
    const { line, ring } = this.#options;
    await line.play(command.preTransferAudio, line.gone);
    if (line.gone.aborted) return { event: transferFailed('cancelled', 'the caller is gone') };
    const result = ring();
    line.tell({ type: 'to-agent', agent: command.agent, result });
    if (result === 'answered') return { end: { kind: 'talk' } };
    await line.play(command.failedTransferAudio, line.gone);
    const message = result === 'no-agent' ? 'no agent can be reached' : 'no agent answered';
    return { event: transferFailed(result, message) };
  }

  async #toSecureFlow(command: FlowCommand & { do: 'transferToSecureFlow' }): Promise<Executed<InboundEnd>> {
    const { line, enterSecure } = this.#options;
    const { flow, invocationData } = command;
    await line.play(command.preTransferAudio, line.gone);
    if (line.gone.aborted) return { event: transferFailed('cancelled', 'the caller is gone') };
    line.tell({ type: 'to-secure-flow', flow, invocationData });
    const session = enterSecure(flow, invocationData);
    if (session) return { end: { kind: 'secure', session } };
    await line.play(command.failedTransferAudio, line.gone);
    return { event: transferFailed('shield-failed', 'the secure session was refused') };
  }
}
