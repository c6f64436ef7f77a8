import { formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Block, Stored } from '../../core/ipam/index.ts';
import type { TunnelAddresses } from '../../core/routing/index.ts';
import type { AnnouncedStatus } from './announced-addresses.ts';
import type { Attachments } from './attachments.ts';
import type { BalancerStatus } from './balancer.ts';
import type { ChecksumOffloadStatus } from './checksum-offload.ts';
import type { ClusterFeed } from './cluster-feed.ts';
import type { FastPathStatus } from './fast-path.ts';
import type { ConnectionsStatus } from './live-connections.ts';
import type { NetworkStatus } from './network-driver.ts';
import type { AgentOptions } from './options.ts';
import type { PacketFilterStatus } from './packet-filter.ts';
import type { PathMtusStatus } from './path-mtus.ts';
import type { Readiness } from './readiness.ts';
import type { WireguardStatus } from './wireguard-status.ts';

/** The document behind `sluice status`: what is programmed on one node. */
export interface AgentStatus {
  readonly node: string;
  readonly ready: boolean;
  /** Why it is not ready; empty when it is. */
  readonly reason: string;
  readonly backend: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly residentBytes: number;
  readonly tunnelAddresses: readonly string[];
  readonly endpoints: readonly {
    readonly pod: string;
    readonly interface: string;
    readonly addresses: readonly string[];
  }[];
  readonly blocks: readonly {
    readonly cidr: string;
    readonly node: string | undefined;
    readonly used: number;
    readonly free: number;
  }[];
  readonly cluster: {
    readonly pods: number;
    readonly namespaces: number;
    readonly nodes: number;
    readonly policies: number;
    readonly synced: boolean;
  };
  readonly policyIssues: readonly { readonly policy: string; readonly path: string; readonly message: string }[];
  /** What the domain names of policies stand for on this node. */
  readonly domains: Readonly<Record<string, readonly string[]>>;
  readonly packetFilter: PacketFilterStatus;
  /** Absent where the packet filter spreads the connections of Services. */
  readonly ipvs?: BalancerStatus;
  readonly network: NetworkStatus;
  /** How known connections to other nodes pass by the kernel's routing and filter. */
  readonly fastPath?: FastPathStatus;
  /** What the ways to other nodes carry; absent where that is not tried. */
  readonly pathMtus?: PathMtusStatus;
  readonly checksumOffload: readonly ChecksumOffloadStatus[];
  /** Addresses of Services that this node answers for on its segments; absent where it does no such thing. */
  readonly announced?: readonly AnnouncedStatus[];
  /** Absent while the cluster has it off. */
  readonly wireguard?: WireguardStatus;
  /** Packets and drops of the tunnel that the agent carries itself; absent with other backends. */
  readonly carried?: Readonly<Record<string, number>>;
  readonly connections: ConnectionsStatus;
  /** Absent where Sluice makes the network, too. */
  readonly policyOnly?: {
    readonly interfacePrefixes: readonly string[];
    /** Pods, `namespace/name`, that are not under their policies, or not wholly, and why. */
    readonly unenforced: Readonly<Record<string, string>>;
    readonly bridgeProblem?: string;
  };
  /** Addresses that will be given back when the datastore answers again. */
  readonly owedReleases: number;
}

/** What the status is made from. */
export interface StatusSources {
  readonly options: AgentOptions;
  readonly readiness: Readiness;
  readonly startedAt: number;
  readonly now: number;
  readonly feed: ClusterFeed;
  readonly domains: ReadonlyMap<string, readonly Ip[]>;
  readonly filter: PacketFilterStatus;
  readonly ipvs?: BalancerStatus | undefined;
  readonly network: NetworkStatus;
  readonly fastPath?: FastPathStatus | undefined;
  readonly pathMtus?: PathMtusStatus | undefined;
  readonly checksumOffload: readonly ChecksumOffloadStatus[];
  readonly announced?: readonly AnnouncedStatus[];
  readonly wireguard: WireguardStatus | undefined;
  readonly carried: Readonly<Record<string, number>> | undefined;
  readonly connections: ConnectionsStatus;
  readonly attachments: Pick<Attachments, 'records' | 'owedReleases'>;
  readonly blocks: readonly Stored<Block>[];
  readonly tunnels: TunnelAddresses;
}

/** Puts the status document together. */
export function agentStatus(sources: StatusSources): AgentStatus {
  const { options, readiness, feed, attachments, startedAt, now } = sources;
  return {
    node: options.node,
    ready: readiness.isReady,
    reason: readiness.reason,
    backend: options.backend,
    startedAt: new Date(startedAt).toISOString(),
    uptimeSeconds: Math.round((now - startedAt) / 1000),
    residentBytes: process.memoryUsage.rss(),
    tunnelAddresses: Object.values(sources.tunnels).flat().map(formatIp),
    endpoints: [...attachments.records.values()].map(({ namespace, pod, interface: link, addresses }) => ({
      pod: `${namespace}/${pod}`,
      interface: link,
      addresses: addresses.map(formatIp),
    })),
    blocks: sources.blocks.map(({ value: { cidr, node, allocations, free } }) => ({
      cidr: formatCidr(cidr),
      node,
      used: allocations.size,
      free: free.length,
    })),
    cluster: {
      pods: feed.pods.items.size,
      namespaces: feed.namespaces.items.size,
      nodes: feed.nodes.items.size,
      policies: [...feed.policies()].length,
      synced: feed.hasSynced,
    },
    policyIssues: [...feed.issues()].map(({ policy, source, message }) => ({ policy, path: source.path, message })),
    domains: Object.fromEntries([...sources.domains].map(([name, addresses]) => [name, addresses.map(formatIp)])),
    packetFilter: sources.filter,
    ...(sources.ipvs === undefined ? {} : { ipvs: sources.ipvs }),
    network: sources.network,
    ...(sources.fastPath === undefined ? {} : { fastPath: sources.fastPath }),
    ...(sources.pathMtus === undefined ? {} : { pathMtus: sources.pathMtus }),
    checksumOffload: sources.checksumOffload,
    ...(sources.announced === undefined ? {} : { announced: sources.announced }),
    ...(sources.wireguard === undefined ? {} : { wireguard: sources.wireguard }),
    ...(sources.carried === undefined ? {} : { carried: sources.carried }),
    connections: sources.connections,
    owedReleases: attachments.owedReleases,
  };
}
