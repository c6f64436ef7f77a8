import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import type { RoutingInput } from '../../core/routing/index.ts';
import type { Wireguard } from '../../host/wireguard/port.ts';
import type { FlannelWorld } from './dependencies.ts';
import type { KnownNode } from './routing-objects.ts';

export interface FlannelDependencies {
  readonly nodes: () => ReadonlyMap<string, KnownNode>;
  /** Where peers reach this node, the best address of each family first. */
  readonly addresses: (known: KnownNode) => readonly Ip[];
  /** Where leases are if not in the Node objects, and where the subnet file is if it is written. */
  readonly flannel?: FlannelWorld;
  /** Throws where the kernel has no WireGuard. */
  readonly openWireguard: () => Wireguard;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Hears that other nodes have other leases, or this one has another subnet than it had (`moved`). */
  readonly onLeases: (moved: boolean) => void;
  readonly signal: AbortSignal;
}

/** This node as a part of a flannel network: what it says there, and what it makes of what the other nodes say. */
export interface Flannel {
  /** The subnets that the other nodes send here. Throws while the node has none that the network knows. */
  subnets(known: Pick<KnownNode, 'podCidrs'>): readonly Cidr[];
  /** What the Node says to the others; nothing while this node has no subnet. */
  annotations(known: KnownNode): Readonly<Record<string, string>>;
  /** What routes are derived from, as the network has it. */
  routing(input: RoutingInput): RoutingInput;
  /**
   * Pods have this MTU, bytes, and devices and routes are as they should be. `generation` is another number when devices may
   * be others than before.
   */
  settled(podMtu: number, generation: number): void;
  /** Resolves when it has ended, after the signal. */
  readonly done: Promise<void>;
}
