import type { BotServiceConfig } from '../../config/bot.js';
import type { BotResult } from '../../flows/commands.js';
import { type ConnectorClock, systemClock } from '../connectors/clock.js';
import { CircuitBreaker, type Health } from '../data-actions/circuit-breaker.js';
import { type BotSession, botFailed, type TransportOptions, type Turn } from './bot-service.js';
import { httpTransport } from './http-bot.js';
import { webSocketTransport } from './websocket-bot.js';

/** Failures that say that the service is not well. */
const ILL: ReadonlySet<string> = new Set(['timeout', 'unreachable', 'connection-lost']);

/** The bot services of a configuration, by name. */
export class Bots {
  readonly #services: ReadonlyMap<string, Service>;
  readonly #shutdown: AbortController;

  constructor(services: ReadonlyMap<string, Service>, shutdown = new AbortController()) {
    this.#services = services;
    this.#shutdown = shutdown;
  }

  /** Throws an Error that names the service and what to change when one cannot work, without any secret. */
  static of(configs: Readonly<Record<string, BotServiceConfig>>, clock: ConnectorClock = systemClock): Bots {
    const shutdown = new AbortController();
    const services = Object.entries(configs).map(([name, config]) => {
      try {
        return [name, new Service({ config, clock, shutdown: shutdown.signal })] as const;
      } catch (error) {
        throw new Error(`bot ${name}: ${error instanceof Error ? error.message : 'not usable'}`);
      }
    });
    return new Bots(new Map(services), shutdown);
  }

  /** A talk with a service. `secure`: from a secure session, whose digits only a service with `pci: true` may be told. */
  open(name: string, secure: boolean): BotSession | (BotResult & { readonly ok: false }) {
    const service = this.#services.get(name);
    if (!service) return refused('unknown-service');
    if (secure && !service.takesSecureDigits) return refused('not-pci');
    return service.open();
  }

  /** Ends what is under way. */
  close(): void {
    this.#shutdown.abort();
  }
}

function refused(error: 'unknown-service' | 'not-pci'): BotResult & { readonly ok: false } {
  return botFailed(error) as BotResult & { readonly ok: false };
}

/** One service, with what keeps callers from waiting for it when it is down. */
export class Service {
  /** It may be told what is keyed in secure mode: it says so, and the way to it is encrypted. */
  readonly takesSecureDigits: boolean;
  readonly #breaker: CircuitBreaker;
  readonly #transport: () => BotSession;

  constructor(options: TransportOptions) {
    const { config, clock } = options;
    const { protocol } = new URL(config.url);
    this.takesSecureDigits = config.pci && (protocol === 'https:' || protocol === 'wss:');
    this.#breaker = new CircuitBreaker(config.breakerFailures, config.breakerPauseMs, () => clock.now());
    this.#transport = protocol.startsWith('ws') ? webSocketTransport(options) : httpTransport(options);
  }

  open(): BotSession {
    const session = this.#transport();
    return {
      turn: (turn, secure, signal) => this.#guarded(() => session.turn(turn, secure, signal)),
      end: (turn: Turn) => session.end(turn),
      close: () => session.close(),
    };
  }

  async #guarded(ask: () => Promise<BotResult>): Promise<BotResult> {
    const leave = this.#breaker.enter();
    if (leave === null) return botFailed('circuit-open');
    let health: Health = 'unknown';
    try {
      const result = await ask();
      health = healthOf(result);
      return result;
    } finally {
      leave(health);
    }
  }
}

function healthOf(result: BotResult): Health {
  if (result.ok) return 'well';
  if (result.error === 'cancelled' || result.error === 'digits-gone') return 'unknown';
  return ILL.has(result.error) || /^http-5/.test(result.error) ? 'failed' : 'well';
}
