import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import type { OuterPacket, TunnelSpec } from '../nft/overlay.ts';
import type { ElementData, ElementKey, Ruleset, SetSpec, Transaction } from '../nft/model.ts';
import type { Labels } from '../kube/labels.ts';
import type {
  HostEndpointInfo,
  NamespaceInfo,
  NetworkSetInfo,
  NodeEndpoint,
  PodEndpoint,
  PolicySettings,
  ProfileInfo,
} from '../policy/cluster.ts';
import type { Policy, TierSpec } from '../policy/model.ts';
import type { ServiceProtocol, ServiceSpec, SliceSpec } from '../service/model.ts';
import type { VirtualServer } from '../service/virtual-servers.ts';

/** An address pool. */
export interface PoolSpec {
  readonly name: string;
  readonly cidr: Cidr;
  /** Traffic from this pool to addresses outside every pool takes the node's address. */
  readonly natOutgoing: boolean;
}

/**
 * A pod interface that this node has wired, as known from CNI ADD, usually before the pod's status shows its addresses.
 * Until its pod is known, the endpoint is closed.
 */
export interface LocalEndpoint {
  /** Unique per interface. */
  readonly id: string;
  /** Host side: `slc…`, or what another network named it. */
  readonly interface: string;
  /** Whether other pods are behind the same interface, a bridge: this one is told from them by its addresses. */
  readonly shared?: boolean;
  /** `namespace/name`. */
  readonly pod: string;
  readonly addresses: readonly Ip[];
  /** Ports of this node that lead to the pod. */
  readonly hostPorts?: readonly HostPort[];
}

/** A port of this node that leads to one of a pod's. */
export interface HostPort {
  readonly protocol: ServiceProtocol;
  readonly hostPort: number;
  readonly containerPort: number;
  /** The only address of the node where it does; absent: any, and the unspecified one of a family any of that family. */
  readonly hostIp?: Ip;
}

/** A peer that this node leads answers back through, and that does the same for this node. */
export interface PeerSpec {
  /** Hardware addresses that its packets have here: its tunnel device's, or its own. */
  readonly macs: readonly string[];
  /** Sources of its IP-in-IP packets. */
  readonly outers: readonly Ip[];
  /** Next hops that are the peer itself: it knows what comes that way as this node's. */
  readonly hops: readonly Ip[];
  /** What answers through it are marked with, within CT_MARK.PEER; this node routes that mark to the peer. */
  readonly mark: number;
}

/** This node's tunnels, as it has them; without this VXLAN is assumed. */
export interface TunnelsSpec {
  readonly devices: readonly TunnelSpec[];
  readonly barred: readonly OuterPacket[];
}

/**
 * One changed object; without `value` it is gone. `key` is the object's `namespace/name` or name; for policies
 * `Policy.key`, for domains the name that was looked up, in lower case without a final dot, for the settings, tunnels and advertised
 * addresses anything.
 */
export type Delta =
  | { readonly kind: 'pod'; readonly key: string; readonly value?: PodEndpoint | undefined }
  | { readonly kind: 'namespace'; readonly key: string; readonly value?: NamespaceInfo | undefined }
  | { readonly kind: 'policy'; readonly key: string; readonly value?: Policy | undefined }
  | { readonly kind: 'tier'; readonly key: string; readonly value?: TierSpec | undefined }
  | { readonly kind: 'service-account'; readonly key: string; readonly value?: Labels | undefined }
  | { readonly kind: 'network-set'; readonly key: string; readonly value?: NetworkSetInfo | undefined }
  | { readonly kind: 'host-endpoint'; readonly key: string; readonly value?: HostEndpointInfo | undefined }
  | { readonly kind: 'profile'; readonly key: string; readonly value?: ProfileInfo | undefined }
  | { readonly kind: 'domain'; readonly key: string; readonly value?: readonly Ip[] | undefined }
  | { readonly kind: 'settings'; readonly key: string; readonly value?: PolicySettings | undefined }
  | { readonly kind: 'node'; readonly key: string; readonly value?: NodeEndpoint | undefined }
  | { readonly kind: 'pool'; readonly key: string; readonly value?: PoolSpec | undefined }
  | { readonly kind: 'service'; readonly key: string; readonly value?: ServiceSpec | undefined }
  | { readonly kind: 'slice'; readonly key: string; readonly value?: SliceSpec | undefined }
  | { readonly kind: 'tunnels'; readonly key: string; readonly value?: TunnelsSpec | undefined }
  | { readonly kind: 'advertised'; readonly key: string; readonly value?: readonly Cidr[] | undefined }
  | { readonly kind: 'peer'; readonly key: string; readonly value?: PeerSpec | undefined }
  | { readonly kind: 'local-endpoint'; readonly key: string; readonly value?: LocalEndpoint | undefined };

/** What does not change while the agent runs. */
export interface CalcOptions {
  /** This node's name. */
  readonly node: string;
  /** Address families in use; default both. */
  readonly families?: readonly Family[];
  /** What spreads the connections of Services; default `nftables`. `ipvs` leaves to the table what IPVS cannot do. */
  readonly services?: 'nftables' | 'ipvs';
  /** The overlay's device, default `vxlan.sluice`. */
  readonly tunnelInterface?: string;
  /**
   * Another network wires and routes the pods, translates Services and addresses: policy alone. Interfaces with one of
   * these prefixes, and those of the local endpoints, are pods' and closed unless an endpoint is known there.
   */
  readonly policyOnly?: { readonly prefixes: readonly string[] };
}

/**
 * UDP has no end by itself: flows whose original destination is the frontend are to be forgotten unless it is one of these
 * endpoints that answers.
 */
export interface ConntrackFlush {
  readonly protocol: 'UDP';
  readonly family: Family;
  /** Absent for NodePorts and most host ports: any address of the node. */
  readonly address?: Ip;
  readonly port: number;
  /**
   * Of a host port, whose number may be that of a port elsewhere: only what was let go untranslated is meant, and what
   * these answer, who had it.
   */
  readonly former?: readonly { readonly address: Ip; readonly port: number }[];
  readonly endpoints: readonly { readonly address: Ip; readonly port: number }[];
}

/** Clients of the frontend that the map remembers for other endpoints than these are to be forgotten. */
export interface AffinityFlush {
  readonly map: SetSpec;
  /** What the frontend's keys begin with. */
  readonly front: ElementKey;
  readonly endpoints: ReadonlySet<ElementData>;
}

/** What one flush hands to the drivers. */
export interface CalcUpdate {
  /** From the state at the last flush to the present one; from the empty table the first time. */
  readonly transaction: Transaction;
  /** Ids of local endpoints that may now be denied something they were allowed: re-judge their live connections. */
  readonly shrunk: ReadonlySet<string>;
  /** Ids of local endpoints that may now be allowed something they were denied: their cut connections may live again. */
  readonly grown: ReadonlySet<string>;
  readonly conntrackFlush: readonly ConntrackFlush[];
  readonly affinityFlush: readonly AffinityFlush[];
  /** Keys of the virtual servers that came, went or may have changed; none but in mode `ipvs`. */
  readonly servers: ReadonlySet<string>;
}

/** Cluster deltas in, one node's packet filter out. Its state depends on the objects present, never on their order. */
export interface CalcEngine {
  apply(delta: Delta): void;
  /** What changed since the last flush. The caller must bring it into the kernel or fall back to {@link CalcEngine.ruleset}. */
  flush(): CalcUpdate;
  /** The whole desired table; do not keep it across `apply`. */
  ruleset(): Ruleset;
  /** What IPVS has to have beside the table, by keys; do not keep it across `apply`. Empty but in mode `ipvs`. */
  virtualServers(): ReadonlyMap<string, VirtualServer>;
}
