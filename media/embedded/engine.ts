import { MediaError } from '../media-server.js';
import { PortPool } from '../rtp/port-pool.js';
import { Lateness } from './lateness.js';
import { Leg } from './leg.js';
import type { DropCounts } from './leg-receiver.js';
import type { StreamStart } from './leg-sender.js';
import type { EngineNews, EngineOptions, EngineRequest, EngineResults, EngineStats } from './messages.js';
import { PacketClock } from './packet-clock.js';
import { PortsAhead } from './ports-ahead.js';
import { RtpSocket } from './rtp-socket.js';

/** What the engine takes from its surroundings. */
export interface EngineSurroundings {
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly newStream: () => StreamStart;
  readonly report: (news: EngineNews) => void;
  /** Ports are open for legs to come. */
  readonly openedAhead: (ports: readonly number[]) => void;
}

type Result = EngineResults[keyof EngineResults];

/** Every leg, the ports and the packet clock: all of it in the worker thread, which does nothing else. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #around: EngineSurroundings;
  readonly #legs = new Map<string, Leg>();
  readonly #ports: PortPool;
  readonly #ahead: PortsAhead;
  readonly #clock: PacketClock;
  readonly #lateness = new Lateness();
  readonly #drops: DropCounts = { malformed: 0, foreign: 0, unauthenticated: 0 };
  #socketErrors = 0;

  constructor(options: EngineOptions, around: EngineSurroundings) {
    this.#options = options;
    this.#around = around;
    const { ports, drainMs } = options;
    this.#ports = new PortPool({ ...ports, drainMs, random: around.random, now: around.now });
    this.#ahead = new PortsAhead(this.#ports, () => this.#open(), around.openedAhead);
    this.#clock = new PacketClock({
      now: around.now,
      setTimer: (run, ms) => setTimeout(run, ms),
      clearTimer: (timer) => clearTimeout(timer),
      onLateness: (ms) => this.#lateness.add(ms),
    });
  }

  /** Carries out one request. Everything but opening a port is done when this returns. */
  handle(request: Exclude<EngineRequest, { op: 'exit' }>): Result | Promise<Result> {
    if (request.op === 'start') return this.#start();
    if (request.op === 'create') return this.#create(request);
    if (request.op === 'stats') return this.#stats();
    const leg = this.#legs.get(request.leg);
    if (!leg) {
      if (request.op === 'close') return null;
      throw new MediaError('closed', 'the endpoint is closed');
    }
    return this.#handleLeg(leg, request);
  }

  /** Closes every socket before it returns. */
  shutDown(): void {
    this.#ahead.close();
    for (const leg of [...this.#legs.values()]) this.#close(leg);
  }

  #handleLeg(
    leg: Leg,
    request: Exclude<EngineRequest, { op: 'start' | 'create' | 'stats' | 'exit' }>,
  ): Result {
    switch (request.op) {
      case 'configure':
        leg.configure(request.audio);
        this.#clock.add(leg);
        return null;
      case 'play':
        leg.play(request.playId, request.prompts, request.bargeIn);
        return null;
      case 'stop':
        leg.stopPlaying();
        return null;
      case 'loop':
        leg.setLoop(request.name, request.prompt);
        return null;
      case 'info':
        leg.infoKey(request.code, request.durationMs);
        return null;
      case 'press':
        leg.press(request.pressId, request.codes, request.durationMs, request.gapMs);
        return null;
      case 'state':
        return leg.state();
      case 'bridge':
        this.#bridge(leg, request.peer);
        return null;
      case 'unbridge':
        leg.part();
        return null;
      case 'close':
        this.#close(leg);
        return null;
    }
  }

  async #start(): Promise<null> {
    await RtpSocket.probe(this.#options.address);
    this.#ahead.fill();
    return null;
  }

  #create({ leg: id, relaysKeys, port }: EngineRequest & { op: 'create' }): number | Promise<number> {
    const { report, now, newStream } = this.#around;
    const leg = new Leg({
      id,
      relaysKeys,
      now,
      start: newStream(),
      drops: this.#drops,
      news: {
        onDigit: (code, method, durationMs) => report({ type: 'digit', leg: id, code, method, durationMs }),
        onPlayed: (playId, outcome) => report({ type: 'played', leg: id, playId, outcome }),
        onPressed: (pressId) => report({ type: 'pressed', leg: id, pressId }),
      },
    });
    const ahead = port === null ? this.#ahead.takeUntold() : this.#ahead.take(port);
    if (ahead) return this.#attach(leg, ahead);
    return this.#open().then((socket) => this.#attach(leg, socket));
  }

  #open(): Promise<RtpSocket> {
    return RtpSocket.open(this.#ports, this.#options.address, this.#around.now, () => {
      this.#socketErrors += 1;
    });
  }

  #attach(leg: Leg, socket: RtpSocket): number {
    leg.attach(socket, () => this.#ports.release(socket.port));
    this.#legs.set(leg.id, leg);
    return socket.port;
  }

  #bridge(leg: Leg, peerId: string): void {
    const peer = this.#legs.get(peerId);
    if (!peer) throw new MediaError('closed', 'the endpoint to bridge with is closed');
    leg.part();
    peer.part();
    leg.join(peer);
  }

  #close(leg: Leg): void {
    this.#legs.delete(leg.id);
    this.#clock.remove(leg);
    leg.close();
  }

  #stats(): EngineStats {
    let bridged = 0;
    for (const leg of this.#legs.values()) if (leg.peer) bridged += 1;
    return {
      endpoints: this.#legs.size,
      bridges: bridged / 2,
      portsInUse: this.#ports.taken - this.#ahead.size,
      portsDraining: this.#ports.draining,
      latenessMs: this.#lateness.take(),
      dropped: { ...this.#drops },
      socketErrors: this.#socketErrors,
    };
  }
}
