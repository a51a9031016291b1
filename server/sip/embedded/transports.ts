import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import type { Flow, OnReceived } from './flow.js';
import { localAddressChooser } from './local-address.js';
import type { SipServerOptions, TransportProtocol } from './options.js';
import { TcpTransport } from './tcp-transport.js';
import { UdpTransport } from './udp-transport.js';
import type { Target } from './uri.js';

/** Attempts to find a port that is free for UDP and for TCP. */
const PORT_ATTEMPTS = 20;

/** Both transports on one port, and the way from a host name to a flow. */
export class Transports {
  readonly localAddress: (remote: string) => string;
  readonly #options: SipServerOptions;
  readonly #onReceived: OnReceived;
  #udp: UdpTransport | undefined;
  #tcp: TcpTransport | undefined;
  #port = 0;

  constructor(options: SipServerOptions, onReceived: OnReceived) {
    this.#options = options;
    this.#onReceived = onReceived;
    this.localAddress = localAddressChooser(options.address, options.advertisedAddress);
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#tcp?.connections ?? 0;
  }

  /** Binds every transport to the same port. Rejects with the system's error. */
  async listen(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#bind();
        return;
      } catch (error) {
        await this.close();
        const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!taken || this.#options.port !== 0 || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  /** Whether an address and port are this server's own. */
  isSelf(target: Target): boolean {
    if (target.port !== this.#port) return false;
    const { address, advertisedAddress } = this.#options;
    if (target.host === address || target.host === advertisedAddress) return true;
    return address === '0.0.0.0' && isIPv4(target.host) && this.localAddress(target.host) === target.host;
  }

  /**
   * The flow to a target. Numeric addresses give it at once; a name is resolved by the system's resolver to
   * its first IPv4 address. Rejects with the resolver's error.
   */
  flowTo(target: Target): Flow | Promise<Flow> {
    if (isIPv4(target.host)) return this.#flow(target.protocol, target.host, target.port);
    return lookup(target.host, { family: 4 }).then(({ address }) =>
      this.#flow(target.protocol, address, target.port),
    );
  }

  /** Resolves once every socket is closed. */
  async close(): Promise<void> {
    await Promise.all([this.#udp?.close(), this.#tcp?.close()]);
  }

  #flow(protocol: TransportProtocol, address: string, port: number): Flow {
    const transport = protocol === 'udp' ? this.#udp : this.#tcp;
    if (!transport) throw new Error(`no ${protocol} transport`);
    return transport.flowTo(address, port);
  }

  async #bind(): Promise<void> {
    const { address, transports, limits, clock, log } = this.#options;
    this.#port = this.#options.port;
    if (transports.includes('tcp')) {
      this.#tcp = new TcpTransport(this.localAddress, limits, clock, this.#onReceived, (code) =>
        log({ event: 'transport-error', protocol: 'tcp', code }),
      );
      this.#port = await this.#tcp.listen(address, this.#port);
    }
    if (transports.includes('udp')) {
      this.#udp = new UdpTransport(this.localAddress, this.#onReceived, (code) =>
        log({ event: 'transport-error', protocol: 'udp', code }),
      );
      this.#port = await this.#udp.listen(address, this.#port);
    }
    for (const protocol of transports) log({ event: 'listening', protocol, address, port: this.#port });
  }
}
