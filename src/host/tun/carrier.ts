import type { Ip } from '../../base/ip/index.ts';
import type { TunnelPeer } from './peers.ts';

/** A tunnel whose device netlink cannot make alone. */
export interface CarriedTunnel {
  readonly name: string;
  readonly mac: string;
  readonly mtu?: number;
  /** Source of what is sent, and the UDP port of all. */
  readonly local: Ip;
  readonly port: number;
  /** VXLAN's network identifier, where the wrapping has one. */
  readonly vni?: number;
  readonly peers: readonly TunnelPeer[];
}

/** Whoever makes such a device and passes on what goes through it. */
export interface Carrier extends AsyncDisposable {
  /** Whether the tunnel that was set last is being carried. */
  readonly carries: boolean;
  /** Makes device and peers what `tunnel` says, also where an earlier process left the device. */
  set(tunnel: CarriedTunnel): void;
  /** Ends the carrying because device `name` is to go: whether it went with it, or netlink has to delete it. */
  remove(name: string): 'removed' | 'left';
  /** What has been carried and what was dropped, for printing; undefined where nobody counts. */
  counters?(): Readonly<Record<string, number>> | undefined;
  /** The device has gone: nothing that was set can be relied on. */
  lost(): void;
}
