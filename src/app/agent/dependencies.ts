import type { Logger } from '../../base/log.ts';
import type { SubnetCuts } from '../../core/flannel/index.ts';
import type { BlockStore } from '../../core/ipam/index.ts';
import type { SegmentAnswers } from '../../host/announce/port.ts';
import type { Bpf } from '../../host/bpf/port.ts';
import type { Bird } from '../../host/bird/port.ts';
import type { Conntrack } from '../../host/conntrack/port.ts';
import type { Offloads } from '../../host/ethtool/ethtool.ts';
import type { LeaseStore } from '../../host/flannel/lease-store.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import type { Ipvs } from '../../host/ipvs/port.ts';
import type { LinkReaper } from '../../host/netlink/link-reaper.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { PacketCopies } from '../../host/nflog/port.ts';
import type { Nftables } from '../../host/nftables/port.ts';
import type { ChecksumProbe } from '../../host/probe/checksum-port.ts';
import type { Echoes } from '../../host/probe/echo-port.ts';
import type { Sysctl } from '../../host/sysctl/sysctl.ts';
import type { TrafficControl } from '../../host/tc/port.ts';
import type { Wireguard } from '../../host/wireguard/port.ts';
import type { EndpointStore } from './endpoint-store.ts';
import type { PodLinkDependencies } from './pod-link.ts';
import type { PodTablesDependencies } from './pod-tables.ts';
import type { TextStore } from './text-file.ts';

/** What a flannel network has of the node besides its Node object. */
export interface FlannelWorld {
  /** flannel's `subnet.env`; absent: it is not written. */
  readonly subnetFile?: TextStore;
  /** The private key of its WireGuard, where that carries the network; absent: a new one in each life. */
  readonly wireguardKey?: TextStore;
  /** Where leases are; absent: in the annotations of Nodes. */
  readonly etcd?: { readonly store: LeaseStore; readonly cuts: SubnetCuts };
}

/** The world as the agent touches it. Whoever made these disposes them after `runAgent` has returned. */
export interface AgentDependencies {
  readonly client: KubeClient;
  /** Whether the client has Calico's kinds in etcd, where Calico has Nodes of its own. */
  readonly calicoNodes?: boolean;
  readonly blockStore: BlockStore;
  readonly netlink: Netlink;
  /** What the agent's own carrying of packets counts, where it carries any. */
  readonly carried?: () => Readonly<Record<string, number>> | undefined;
  readonly reaper: LinkReaper;
  /** Absent: no pod's bandwidth can be limited. */
  readonly trafficControl?: TrafficControl;
  /** Answers neighbours of the node for addresses of Services; absent: nobody does. */
  readonly segments?: SegmentAnswers;
  readonly openPod: PodLinkDependencies['openPod'];
  /** The packet filter and the tracked connections of a pod's own namespace. */
  readonly openPodFilter: PodTablesDependencies['open'];
  readonly openPodConntrack: (netns: string) => Conntrack;
  /** Throws where the kernel has no WireGuard. */
  readonly openWireguard: () => Wireguard;
  /** Throws where the kernel has no IPVS. */
  readonly openIpvs: () => Ipvs;
  readonly wireguardKeys: TextStore;
  readonly nftables: Pick<Nftables, 'apply' | 'actual' | 'forget'>;
  /** The table of family `bridge`, for pods on the bridge of another network; absent: no such pods, or no such table. */
  readonly bridgeFilter?: Pick<Nftables, 'apply' | 'actual'>;
  /** Programs of the kernel's own machine; absent: known connections have no fast path. */
  readonly openBpf?: () => Bpf;
  readonly conntrack: Conntrack;
  readonly sysctl: Sysctl;
  /** Absent: devices compute what they do. `kernel` is its release. */
  readonly checksums?: { readonly offloads: Offloads; readonly kernel: string; readonly probe?: ChecksumProbe };
  /** Tries what the ways to other nodes carry; absent: routes are believed. */
  readonly echoes?: Echoes;
  readonly endpoints: EndpointStore;
  readonly copies: PacketCopies;
  /** Makes the node's BIRD, for a backend that leaves routes to BGP. */
  readonly openBird: () => Bird;
  readonly domains: TextStore;
  /** Means something only to a node of a flannel network. */
  readonly flannel?: FlannelWorld;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}
