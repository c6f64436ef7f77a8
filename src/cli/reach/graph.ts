import type { PortProtocol } from '../../core/policy/index.ts';

/** An end of connections, or several that are shown as one. */
export interface ReachEndpoint {
  /** By which connections name it: `namespace/pod`, `namespace/kind/name`, a namespace, `node/NAME`, or addresses. */
  readonly name: string;
  readonly kind: 'pod' | 'workload' | 'namespace' | 'labels' | 'node' | 'external' | 'domain' | 'supposed';
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `namespace/kind/name` of a pod's. */
  readonly workload?: string;
  readonly addresses?: readonly string[];
  /** Node of a pod. */
  readonly node?: string;
  /** Set for pods that are their node: their connections are those of `node/NAME`. */
  readonly hostNetwork?: true;
  /** Names of the pods that are shown as one. */
  readonly pods?: readonly string[];
  /** Exactly the addresses of an external endpoint, but for those that are some pod's or node's. */
  readonly ranges?: readonly string[];
}

/** What is allowed from one endpoint to another. */
export interface ReachConnection {
  readonly from: string;
  readonly to: string;
  readonly ports: readonly PortRecord[];
  /** Of endpoints that stand for several: only some of those have all of these ports. */
  readonly partial?: true;
  /** No policy was asked: a node and its own pods. */
  readonly exempt?: 'own-node';
}

/** One entry of what is allowed; `family` is set when it holds over that family only. */
export type PortRecord = { readonly family?: 'IPv4' | 'IPv6' } & (
  | { readonly protocol: PortProtocol; readonly from: number; readonly to: number }
  /** Every ICMP message, or those of one type, or of one code of it. */
  | { readonly protocol: 'ICMP'; readonly type?: number; readonly code?: number }
  /** Protocols without ports by IANA number, `from` to `to`, ICMP and those with ports not among them. */
  | { readonly protocol: 'other'; readonly from: number; readonly to: number }
);

/** Who can talk to whom. Connections are made as they are read. */
export interface ReachGraph {
  readonly endpoints: readonly ReachEndpoint[];
  readonly connections: Iterable<ReachConnection>;
}
