import { equalIp } from '../../base/ip/index.ts';
import { ERRNO, errnoError } from '../errno.ts';
import type { FakeNetwork } from '../netlink/fake.ts';
import type { UserTunnel, UserTunnelStatus, UserTunnels } from './port.ts';

const NOTHING: UserTunnelStatus = {
  packetsOut: 0,
  bytesOut: 0,
  packetsIn: 0,
  bytesIn: 0,
  unknownDestinations: 0,
  strangers: 0,
  refusedBySocket: 0,
  refusedByDevice: 0,
};

/** Tunnels in memory: the device appears in the fake network, nothing is carried. */
export class FakeUserTunnels implements UserTunnels {
  readonly #network: FakeNetwork;
  /** What was set last. */
  tunnel: UserTunnel | undefined;

  constructor(network: FakeNetwork) {
    this.#network = network;
  }

  set(tunnel: UserTunnel | undefined): void {
    const netlink = this.#network.netlink();
    const { local } = tunnel ?? {};
    if (local !== undefined && !netlink.addresses().some(({ address: { ip } }) => equalIp(ip, local)))
      throw errnoError(ERRNO.EADDRNOTAVAIL, 'listening');
    if (tunnel !== undefined && netlink.link(tunnel.name) === undefined) this.#network.addDevice(tunnel.name, 'tun');
    this.tunnel = tunnel;
  }

  get carries(): boolean {
    return this.tunnel !== undefined;
  }

  remove(): 'left' {
    this.tunnel = undefined;
    return 'left';
  }

  lost(): void {}

  status(): UserTunnelStatus | undefined {
    return this.tunnel === undefined ? undefined : NOTHING;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.set(undefined);
  }
}
