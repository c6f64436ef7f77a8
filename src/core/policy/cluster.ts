import type { Ip } from '../../base/ip/index.ts';
import type { Labels } from '../kube/labels.ts';
import type { PolicyIssue, PortProtocol, Tier } from './model.ts';

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
  /** In order of evaluation. */
  readonly tiers: readonly Tier[];
  /** What could not be understood in the policies; those parts allow nothing. */
  readonly issues: readonly PolicyIssue[];
}
