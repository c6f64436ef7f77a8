import type { Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import type { Labels } from '../kube/labels.ts';
import type { ClusterState, NodeEndpoint, PodEndpoint } from '../policy/index.ts';
import type { PortSet } from './port-set.ts';

/** Index of a group in {@link Reachability.groups}. Pods come first, by namespace; then nodes; then the outside. */
export type GroupId = number;

/** Ends of connections that no policy tells apart. */
export type Group = PodGroup | NodeGroup | AddressGroup | DomainGroup;

/** Pods of one namespace. Completed pods are in no group; hostNetwork pods are their node. */
export interface PodGroup {
  readonly kind: 'pods';
  readonly id: GroupId;
  readonly namespace: string;
  /** By key. */
  readonly pods: readonly PodEndpoint[];
  /** Set when the pod is supposed, not there: `ReachOptions.supposed`. */
  readonly supposed?: SupposedPod;
  readonly families: readonly Family[];
}

/** Nodes with their hostNetwork pods. */
export interface NodeGroup {
  readonly kind: 'nodes';
  readonly id: GroupId;
  /** By name. */
  readonly nodes: readonly NodeEndpoint[];
  /** Set when the group stands for the nodes under further addresses, which blocks tell apart from their first ones. */
  readonly addresses?: readonly Ip[];
  readonly families: readonly Family[];
}

/** Addresses that are neither pods' nor nodes'; those in the ranges that are, are left to their owners. */
export interface AddressGroup {
  readonly kind: 'addresses';
  readonly id: GroupId;
  readonly family: Family;
  readonly ranges: IntervalSet;
  readonly families: readonly Family[];
}

/** Whatever the cluster's DNS answers for names that the pattern matches, as a destination. */
export interface DomainGroup {
  readonly kind: 'domain';
  readonly id: GroupId;
  /** A name, or `*.` and a suffix. */
  readonly pattern: string;
  readonly families: readonly Family[];
}

/** A pod that is not there, to learn what it could reach: `ReachOptions.supposed`. */
export interface SupposedPod {
  /** How to ask for it: `{ kind: 'supposed', name }`. */
  readonly name: string;
  readonly namespace: string;
  /** Its namespace's labels; absent: those of the namespace of that name, or, when there is none, its name label only. */
  readonly namespaceLabels?: Labels;
  readonly labels: Labels;
  /** Absent: `default`. */
  readonly serviceAccount?: string;
  readonly ports?: PodEndpoint['ports'];
}

/** How one end of a connection is asked for. */
export type EndpointRef =
  /** By `namespace/name`; a hostNetwork pod is its node. */
  | { readonly kind: 'pod'; readonly key: string }
  | { readonly kind: 'node'; readonly name: string }
  /** Whoever has the address: a pod, a node, or nobody in the cluster. */
  | { readonly kind: 'address'; readonly ip: Ip }
  /** Anything that a domain peer with this very pattern stands for. */
  | { readonly kind: 'domain'; readonly pattern: string }
  | { readonly kind: 'supposed'; readonly name: string };

/** One end of a connection. */
export interface Endpoint {
  readonly group: GroupId;
  readonly pod?: PodEndpoint;
  readonly node?: NodeEndpoint;
  /** Its address, when it was asked for by one. */
  readonly ip?: Ip;
}

/** What is allowed from one end to another. */
export interface Connection {
  /** By family; a family that either end lacks is absent. */
  readonly byFamily: Readonly<Partial<Record<Family, PortSet>>>;
  /** Allowed over some family. */
  readonly ports: PortSet;
  /** Whether the families' sets differ. */
  readonly differs: boolean;
  /** No policy was asked: a pod and itself, a node and its own pods, or a pod and its own node under policies sparing it. */
  readonly exempt?: 'self' | 'own-node';
}

/** One connection between two groups. Own-node connections are as between strangers here; `pairs()` knows better. */
export interface GroupConnection extends Connection {
  readonly from: GroupId;
  readonly to: GroupId;
}

/** One connection between two ends. For groups of the outside, the end is the group. */
export interface PairConnection extends Connection {
  readonly from: Endpoint;
  readonly to: Endpoint;
}

/** What to narrow an enumeration to; everything absent means everything. */
export interface ReachQuery {
  /** Groups that connections come from. */
  readonly from?: Iterable<GroupId>;
  readonly to?: Iterable<GroupId>;
  /** Only connections that allow some of this traffic; their sets are narrowed to it. */
  readonly ports?: PortSet;
  /** Keeps single pods: tells which of a group's pods count. */
  readonly pod?: (pod: PodEndpoint, side: 'from' | 'to') => boolean;
}

/** Settings of `reach`. */
export interface ReachOptions {
  /** Pods that are not there, judged as if they were; they count in no total. */
  readonly supposed?: readonly SupposedPod[];
  /** Names, or `*.` and a suffix, to have as destinations beside those in the policies. */
  readonly domains?: readonly string[];
}

/** Everything that can talk in one cluster state, computed as far as it is asked for, and kept. */
export interface Reachability {
  readonly state: ClusterState;
  readonly groups: readonly Group[];
  /** Address families that the cluster uses; both when no address is known. */
  readonly families: readonly Family[];
  /** Undefined when there is none: unknown, completed, or an address of a family that the cluster does not use. */
  resolve(ref: EndpointRef): Endpoint | undefined;
  /** What is allowed from one end to the other, exemptions included. */
  connection(from: Endpoint, to: Endpoint): Connection;
  /** Between groups, by policy alone. */
  groupConnection(from: GroupId, to: GroupId): GroupConnection;
  /** Connections between groups that allow something, destination by destination; none within the outside. */
  connections(query?: ReachQuery): Iterable<GroupConnection>;
  /** Connections between pods, nodes and groups of the outside that allow something; a pod with itself is left out. */
  pairs(query?: ReachQuery): Iterable<PairConnection>;
  /**
   * The groups of addresses outside, those together that all endpoints treat alike: the coarsest ranges that tell
   * everything. Reads every policy.
   */
  outsideClasses(): readonly (readonly GroupId[])[];
  /** Number of ordered pairs of different pods with anything allowed; supposed pods do not count. */
  countPodPairs(): number;
}
