import type { Cidr, Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import type { Labels } from '../kube/labels.ts';
import type { PolicyIssue, PortProtocol, Rule, Tier } from './model.ts';

/** A container port that has a name. Several containers may use one name for different numbers. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: PortProtocol;
  readonly port: number;
}

/** A pod as policy sees it. */
export interface PodEndpoint {
  readonly kind: 'pod';
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  /** Node that it is scheduled to; absent before that. */
  readonly node?: string;
  /** All of `status.podIPs`; empty once the pod has completed, since its addresses are then nobody's. */
  readonly addresses: readonly Ip[];
  /** Such a pod is its node: no policy selects it, no pod selector matches it. */
  readonly hostNetwork: boolean;
  /** Phase Succeeded or Failed. */
  readonly completed: boolean;
  /** Condition Ready; Services send only to such pods. */
  readonly ready: boolean;
  readonly ports: readonly NamedPort[];
  /** Ports of its node that lead to it; absent for none. */
  readonly hostPorts?: readonly HostPort[];
  /** Name of its service account. */
  readonly serviceAccount: string;
  /** What made it; absent for a pod on its own. */
  readonly workload?: WorkloadRef;
}

/** A port of a node that is translated to one of a pod there. */
export interface HostPort {
  readonly protocol: PortProtocol;
  readonly port: number;
  readonly containerPort: number;
  /** The only address of the node that it is offered at; `0.0.0.0` and `::` are all of their family, absent is all. */
  readonly hostIp?: Ip;
}

/** A workload as the outermost controller that a pod itself tells of: a Deployment instead of its ReplicaSet. */
export interface WorkloadRef {
  readonly kind: string;
  readonly name: string;
}

/** A node with every address that packets from it may carry. */
export interface NodeEndpoint {
  readonly kind: 'node';
  /** The node's name. */
  readonly key: string;
  readonly name: string;
  readonly labels: Labels;
  /** InternalIP addresses first, then the other ones; without tunnel addresses. */
  readonly addresses: readonly Ip[];
  /** Sources of the node's own traffic into the overlay; an ipBlock sees `addresses[0]` of the family instead. */
  readonly tunnelAddresses: readonly Ip[];
}

/** A namespace and its labels, `kubernetes.io/metadata.name` always among them. */
export interface NamespaceInfo {
  readonly name: string;
  readonly labels: Labels;
}

/** One port of a Service. `targetPort` is a number or the name of a container port. */
export interface ServicePortInfo {
  readonly name?: string;
  readonly protocol: PortProtocol;
  readonly port: number;
  readonly targetPort: number | string;
  readonly nodePort?: number;
}

/** A Service as translation sees it. */
export interface ServiceInfo {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** Empty for headless Services. */
  readonly clusterIps: readonly Ip[];
  readonly externalIps: readonly Ip[];
  /** Of a load balancer that is not for everybody: its addresses, and where those come from who may use them. */
  readonly guarded?: { readonly addresses: readonly Ip[]; readonly sources: readonly Cidr[] };
  /** Absent when the Service has no selector: its backends come from EndpointSlices that someone else writes. */
  readonly selector?: Labels;
  /** Sends to pods that are not ready, too. */
  readonly publishNotReady: boolean;
  readonly ports: readonly ServicePortInfo[];
}

/** One address and port that a selectorless Service sends to. */
export interface SliceBackend {
  readonly ip: Ip;
  readonly port: number;
  readonly protocol: PortProtocol;
  /** Name of the Service port that it serves. */
  readonly portName?: string;
  readonly ready: boolean;
}

/** A range of which pods get their addresses: Calico's IPPool. */
export interface PoolInfo {
  readonly name: string;
  /** A disabled pool counts, too: its addresses may be in use. */
  readonly cidr: Cidr;
  /** What pods of this pool send to an address outside of every pool takes their node's address. */
  readonly natOutgoing: boolean;
}

/** A named list of address ranges that selectors can choose: a Calico NetworkSet or GlobalNetworkSet. */
export interface NetworkSetInfo {
  /** `namespace/name`, or the name of a global one. */
  readonly key: string;
  readonly namespace?: string;
  readonly name: string;
  /** Its own; `effectiveLabels` adds those of its namespace. */
  readonly labels: Labels;
  readonly ranges: Readonly<Record<Family, IntervalSet>>;
}

/** An interface of a node, or all of them, as something that policies select: a Calico HostEndpoint. */
export interface HostEndpointInfo {
  readonly key: string;
  readonly name: string;
  /** Name of its node. */
  readonly node: string;
  /** Interface name; `*` is every interface; absent when it is found by its addresses. */
  readonly interface?: string;
  readonly expectedIps: readonly Ip[];
  /** Those of its profiles are among them in a `ClusterState`. */
  readonly labels: Labels;
  readonly ports: readonly NamedPort[];
  /** Names of profiles, which judge what every tier passed on. */
  readonly profiles: readonly string[];
}

/** A Calico Profile: rules for what every tier has passed on. */
export interface ProfileInfo {
  readonly name: string;
  /** What the host endpoints that list it are labelled with, unless they have the label themselves. */
  readonly labels?: Labels;
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

/** Settings of the cluster that verdicts depend on: Calico's FelixConfiguration `default`. */
export interface PolicySettings {
  /** What becomes of a pod's connection to its own node after its policies have allowed it. */
  readonly endpointToHost: 'accept' | 'drop';
  /** Ports of nodes that stay open whatever the policies of host endpoints say. */
  readonly failsafeInbound: readonly FailsafePort[];
  /** Ports elsewhere that nodes can always reach. */
  readonly failsafeOutbound: readonly FailsafePort[];
  /** Pods keep their address towards nodes, whatever `natOutgoing` of their pool says; absent: not. */
  readonly plainToNodes?: boolean;
  /** What becomes of packets to advertised addresses that no Service has; absent: they are dropped. */
  readonly strayServicePackets?: 'reject' | 'route';
}

/** A port that policies of host endpoints cannot close, for all addresses or those of one block. */
export interface FailsafePort {
  readonly protocol: PortProtocol;
  readonly port: number;
  readonly net?: string;
}

/** Everything that a verdict depends on. Plain data; `clusterState` builds it, `PolicyEngine` indexes it. */
export interface ClusterState {
  /** By name. */
  readonly namespaces: ReadonlyMap<string, NamespaceInfo>;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, PodEndpoint>;
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeEndpoint>;
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, ServiceInfo>;
  /** Endpoints that EndpointSlices list, by the Service's `namespace/name`; read for Services without a selector. */
  readonly slices: ReadonlyMap<string, readonly SliceBackend[]>;
  /** Labels of service accounts, by `namespace/name`. */
  readonly serviceAccounts: ReadonlyMap<string, Labels>;
  /** By key. */
  readonly networkSets: ReadonlyMap<string, NetworkSetInfo>;
  /** By name. */
  readonly pools: ReadonlyMap<string, PoolInfo>;
  /** By name. */
  readonly hostEndpoints: ReadonlyMap<string, HostEndpointInfo>;
  /** By name. */
  readonly profiles: ReadonlyMap<string, ProfileInfo>;
  /** Addresses that the cluster's DNS has answered with, by name in lower case without a final dot. */
  readonly domains: ReadonlyMap<string, readonly Ip[]>;
  readonly settings: PolicySettings;
  /** In order of evaluation. */
  readonly tiers: readonly Tier[];
  /** What could not be understood in the policies; those parts allow nothing. */
  readonly issues: readonly PolicyIssue[];
}

/** A state of nothing, in which everything is allowed; for spreading. */
export const EMPTY_STATE: ClusterState = {
  namespaces: new Map(),
  pods: new Map(),
  nodes: new Map(),
  services: new Map(),
  slices: new Map(),
  serviceAccounts: new Map(),
  networkSets: new Map(),
  pools: new Map(),
  hostEndpoints: new Map(),
  profiles: new Map(),
  domains: new Map(),
  settings: { endpointToHost: 'accept', failsafeInbound: [], failsafeOutbound: [] },
  tiers: [],
  issues: [],
};

/** The namespace; one that is not in the state has only its name label. */
export function namespaceOf(state: ClusterState, name: string): NamespaceInfo {
  return state.namespaces.get(name) ?? { name, labels: { 'kubernetes.io/metadata.name': name } };
}
