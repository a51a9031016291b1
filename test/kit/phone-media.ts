import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { decode, PAYLOAD_TYPES } from './g711.js';
import { Heard, type HeardPacket } from './heard.js';
import { FaultyLink, type NetworkFault } from './network-fault.js';
import { readRtp, readTelephoneEvent } from './rtp-packet.js';
import { type KeyTiming, RtpSender, type SenderFormat } from './rtp-sender.js';
import type { Sound } from './sounds.js';
import { SrtpStream } from './srtp.js';
import { Waits } from './waits.js';

const TICK_MS = 20;
/** A phone that was kept waiting longer than this gives up the missed time instead of sending it at once. */
const STALL_MS = 400;

export interface Remote {
  readonly address: string;
  readonly port: number;
}

/** Master key and salt of each direction. */
export interface SrtpKeys {
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
}

/** The audio of one call: an RTP socket, what it sends every 20 ms, and everything it heard. */
export class PhoneMedia {
  readonly heard = new Heard();
  readonly waits = new Waits(this.heard);
  readonly #sender = new RtpSender();
  readonly #link = new FaultyLink((bytes) => this.#transmit(bytes));
  #socket: Socket;
  #remote: Remote | null = null;
  #keys: SrtpKeys | null = null;
  #outgoing: SrtpStream | null = null;
  #incoming: SrtpStream | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** What the network makes of each datagram sent: what is returned arrives, in this order. */
  wire: (datagram: Buffer) => readonly Buffer[] = (datagram) => [datagram];
  #nextTick = 0;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#attach(socket);
  }

  static async open(address: string): Promise<PhoneMedia> {
    return new PhoneMedia(await bind(address));
  }

  get address(): string {
    return this.#socket.address().address;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Sends there from now on; null sends nothing and lets the time pass, as on hold. */
  sendTo(remote: Remote | null, format: SenderFormat): void {
    this.#remote = remote;
    this.#sender.format = format;
    if (this.#timer || this.#closed) return;
    this.#nextTick = performance.now();
    this.#tick();
  }

  /** SRTP from now on, or plain RTP. A key that stays the same goes on as it was. */
  secure(keys: SrtpKeys | null): void {
    const { ours, theirs } = this.#keys ?? {};
    if (!keys || !ours || !Buffer.from(ours).equals(keys.ours)) {
      this.#outgoing = keys && new SrtpStream(keys.ours);
    }
    if (!keys || !theirs || !Buffer.from(theirs).equals(keys.theirs)) {
      this.#incoming = keys && new SrtpStream(keys.theirs);
    }
    this.#keys = keys;
  }

  /** Moves to a new port, at `address`. The far end has to be told by re-INVITE. */
  async move(address: string): Promise<void> {
    const socket = await bind(address);
    const old = this.#socket;
    this.#socket = socket;
    this.#attach(socket);
    await closed(old);
  }

  set sound(sound: Sound) {
    this.#sender.sound = sound;
  }

  /** Faults of the network towards the far end, or null. */
  set network(fault: NetworkFault | null) {
    this.#link.fault = fault;
    if (!fault) this.#link.flush();
  }

  /** Resolves when the key and its pause are out. Rejects when the phone closes before. */
  press(key: string, method: 'rfc4733' | 'in-band', timing: KeyTiming): Promise<void> {
    return this.waits.guard<void>(
      (resolve) => {
        this.#sender.press(key, method, timing, resolve);
        return () => {};
      },
      Infinity,
      'pressing a key',
    );
  }

  /** Idempotent. Whoever still waits is rejected. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.waits.close();
    await closed(this.#socket);
  }

  #tick(): void {
    const now = performance.now();
    if (now - this.#nextTick > STALL_MS) this.#nextTick = now;
    while (this.#nextTick <= now) {
      if (this.#remote) for (const packet of this.#sender.tick()) this.#link.send(packet);
      else this.#sender.skip();
      this.#nextTick += TICK_MS;
    }
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, this.#nextTick - performance.now()));
  }

  #transmit(bytes: Buffer): void {
    const remote = this.#remote;
    if (!remote || this.#closed) return;
    for (const datagram of this.wire(this.#outgoing?.protect(bytes) ?? bytes)) {
      this.#socket.send(datagram, remote.port, remote.address, () => undefined);
    }
  }

  #attach(socket: Socket): void {
    // A far end that closed its port before us answers with ICMP, which is no fault of the phone.
    socket.on('error', () => undefined);
    socket.on('message', (bytes, { address, port }) => {
      const plain = this.#incoming ? this.#incoming.unprotect(bytes) : bytes;
      const packet = plain && readPacket(plain, `${address}:${port}`);
      if (packet) this.heard.add(packet);
    });
  }
}

function readPacket(bytes: Buffer, source: string): HeardPacket | null {
  const at = performance.now();
  const packet = readRtp(bytes);
  if (!packet) return null;
  const { payload, ...facts } = packet;
  const type = packet.payloadType;
  const codec = type === PAYLOAD_TYPES.PCMU ? 'PCMU' : type === PAYLOAD_TYPES.PCMA ? 'PCMA' : null;
  // Any dynamic type counts as telephone-event, agreed or not: a key that should not have come must be seen.
  const event = type >= 96 ? readTelephoneEvent(payload) : null;
  return { ...facts, at, source, pcm: codec && decode(codec, payload), event };
}

async function bind(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.close(() => resolve()));
}
