import type { Ip } from '../../base/ip/index.ts';
import type { Carrier } from './carrier.ts';
import type { TunnelPeer } from './peers.ts';

/** A tunnel whose packets are wrapped by this process: IP in UDP and nothing between, as flannel's `udp` backend does. */
export interface UserTunnel {
  /** Name of the device. */
  readonly name: string;
  /** Hardware address of the device: frames that come from peers are for it. */
  readonly mac: string;
  /** This node's address, that peers know it by, and the UDP port of all. */
  readonly local: Ip;
  readonly port: number;
  readonly peers: readonly TunnelPeer[];
}

/** What the tunnel has carried since it was opened. "Out" is from this node to peers. */
export interface UserTunnelStatus {
  readonly packetsOut: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly bytesIn: number;
  /** Frames for no peer: multicast, and peers that have just left. */
  readonly unknownDestinations: number;
  /** Datagrams from an address or port that is no peer's. */
  readonly strangers: number;
  /** Packets that the kernel did not take: of the socket, and of the device. */
  readonly refusedBySocket: number;
  readonly refusedByDevice: number;
}

/**
 * Carries packets between a tun device and the peers of a tunnel, beside whatever else the process does. The device
 * outlives the process, so that routes and addresses on it stay while an agent is replaced.
 */
export interface UserTunnels extends Carrier {
  /**
   * Makes device, socket and peers what `tunnel` says, at once and without losing a packet of what stays the same;
   * undefined: nothing is carried any more. Links, addresses and routes are left to netlink, but for making the device.
   * Throws a `SluiceError<ErrnoCode>`: `in-use` when the port is taken, `not-found` while the address is not this
   * node's or the machine has no tun driver, `busy` while another process carries the device.
   */
  set(tunnel: UserTunnel | undefined): void;
  /** Undefined while nothing is carried. */
  status(): UserTunnelStatus | undefined;
}
