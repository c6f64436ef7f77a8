import type { Cidr, Ip } from '../../base/ip/index.ts';

/** Protocols of a Service port. */
export type ServiceProtocol = 'TCP' | 'UDP' | 'SCTP';

/** One port of a Service. */
export interface ServicePortSpec {
  /** Empty for the only, unnamed port; matches the port of that name in EndpointSlices. */
  readonly name: string;
  readonly protocol: ServiceProtocol;
  readonly port: number;
  readonly nodePort?: number;
}

/** What of a Service matters for translation. */
export interface ServiceSpec {
  /** `namespace/name`. */
  readonly key: string;
  /** ClusterIPs, external IPs and load-balancer addresses: whatever is translated when addressed. */
  readonly addresses: readonly Ip[];
  /** The subset of `addresses` that exists nowhere but here: untranslated traffic to it is refused. */
  readonly clusterIps: readonly Ip[];
  /** Of `addresses` those that load balancers have, as the Service's status says; absent: none. */
  readonly balanced?: readonly Ip[];
  /** Of `addresses` those of load balancers, where the Service names the only sources that may use them. */
  readonly guarded?: { readonly addresses: readonly Ip[]; readonly sources: readonly Cidr[] };
  readonly ports: readonly ServicePortSpec[];
  /** Traffic to ClusterIPs goes to endpoints of the sender's node only (internalTrafficPolicy Local). */
  readonly internalLocal?: boolean;
  /** Traffic from elsewhere than this node and its pods goes to endpoints of this node only. */
  readonly externalLocal: boolean;
  /** ClientIP affinity: for how many seconds after its last connection a client comes to the same endpoint; absent: none. */
  readonly affinitySeconds?: number;
  /** Where this node tells load balancers whether it has endpoints of its own; only under externalTrafficPolicy Local. */
  readonly healthPort?: number;
}

/** One endpoint of a slice that may receive traffic. */
export interface SliceEndpoint {
  readonly address: Ip;
  readonly node?: string;
  /** Ready, or serving while it terminates (used only when no endpoint is ready). */
  readonly ready: boolean;
  /** The zones and nodes whose clients it is meant for; both absent: whoever. */
  readonly zones?: readonly string[];
  readonly nodes?: readonly string[];
}

/** What of an EndpointSlice matters for translation. */
export interface SliceSpec {
  /** `namespace/name` of the slice. */
  readonly key: string;
  /** `namespace/name` of the Service (label `kubernetes.io/service-name`). */
  readonly service: string;
  readonly ports: readonly { readonly name: string; readonly protocol: ServiceProtocol; readonly port: number }[];
  readonly endpoints: readonly SliceEndpoint[];
  /** Endpoints that must not receive traffic now; policies that name the Service mean them too. */
  readonly idle?: readonly Ip[];
}
