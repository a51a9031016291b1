import type { BotResult, FlowCommand } from '../../flows/commands.js';
import type { CallEventBody } from '../call/events.js';
import type { SecureValues } from '../secure/secure-values.js';
import { type BotSession, botFailed, type Turn } from './bot-service.js';
import type { Bots } from './bots.js';

type Command = FlowCommand & { readonly do: 'botTurn' };

export interface BotTalksOptions {
  readonly bots: Bots;
  /** Names the run, for the session's identifier. */
  readonly runId: string;
  /** Gives a turn up at once. */
  readonly signal: AbortSignal;
  /** Where what was keyed in secure mode is; null outside it. */
  readonly values: SecureValues | null;
  readonly publish: (event: CallEventBody) => void;
}

/**
 * The talks of one run with remote bots. Of what is said and keyed nothing is published, in secure mode or not. A talk ends
 * when the bot is done, when a turn fails, and with the run: a hang-up is told as `end`.
 */
export class BotTalks {
  readonly #options: BotTalksOptions;
  readonly #open = new Map<string, { readonly session: BotSession; readonly last: Turn }>();

  constructor(options: BotTalksOptions) {
    this.#options = options;
  }

  async turn(command: Command): Promise<BotResult> {
    if (command.event === 'end') {
      this.#end(command.session);
      return { ok: true, reply: { done: true } };
    }
    const result = await this.#ask(command);
    const { bot, event, turn } = command;
    const status = result.ok ? 'success' : 'failure';
    this.#options.publish({
      type: 'flow.bot',
      bot,
      turn,
      event,
      status,
      error: result.ok ? '' : result.error,
    });
    return result;
  }

  /** The run is over. */
  close(): void {
    for (const session of [...this.#open.keys()]) this.#end(session);
  }

  async #ask(command: Command): Promise<BotResult> {
    const { bots, values, signal } = this.#options;
    const { bot, service, session: id, event, secureDigits, digits } = command;
    if (values?.showIn(command.context)) return botFailed('secure-value');
    const opened = this.#open.get(id)?.session ?? bots.open(service, values !== null);
    if ('ok' in opened) return opened;
    const session = `${this.#options.runId}:${id}`;
    const turn: Turn = {
      session,
      turn: command.turn,
      flow: bot,
      event,
      ...(event === 'start' && { context: command.context }),
      ...(digits !== null && { digits }),
    };
    this.#open.set(id, { session: opened, last: { session, turn: command.turn, flow: bot, event: 'end' } });
    const keyed = secureDigits === null ? null : (values?.get(secureDigits.name) ?? null);
    if (secureDigits !== null && keyed === null) return this.#failed(id, botFailed('digits-gone'));
    const result = await opened.turn(turn, keyed, signal);
    if (secureDigits !== null && !secureDigits.keep) values?.drop(secureDigits.name);
    if (!result.ok) return this.#failed(id, result);
    if (result.reply.done) {
      opened.close();
      this.#open.delete(id);
    }
    return result;
  }

  #failed(id: string, result: BotResult): BotResult {
    this.#end(id);
    return result;
  }

  #end(id: string): void {
    const talk = this.#open.get(id);
    this.#open.delete(id);
    talk?.session.end(talk.last);
  }
}
