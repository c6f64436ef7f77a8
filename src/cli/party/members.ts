import { bitsOf, cidrContains, rangeOf, subtract, union } from '../../base/ip/index.ts';
import type { Family, IntervalSet, Ip } from '../../base/ip/index.ts';
import { matchesLabels, parseLabelMap } from '../../core/kube/labels.ts';
import { suggest } from '../../core/kube/suggest.ts';
import type { ClusterState, NodeEndpoint, PodEndpoint } from '../../core/policy/index.ts';
import { describeParty } from './describe.ts';
import type { NamespaceFilter, PartySet } from './party-set.ts';

/** Who in a cluster belongs to a set. A pod with hostNetwork is its node. */
export interface Members {
  readonly pod: (pod: PodEndpoint) => boolean;
  readonly node: (node: NodeEndpoint) => boolean;
  /** Addresses by family, those of pods and nodes not left out. */
  readonly outside: Readonly<Record<Family, IntervalSet>>;
}

/** A name in a set that the cluster does not have, as a sentence that suggests another. */
export type MissingName = string;

const NO_ADDRESSES: Members['outside'] = { 4: [], 6: [] };
const ALL_ADDRESSES: Members['outside'] = {
  4: [{ first: 0n, last: (1n << BigInt(bitsOf(4))) - 1n }],
  6: [{ first: 0n, last: (1n << BigInt(bitsOf(6))) - 1n }],
};
const NOBODY = () => false;
const EVERYBODY = () => true;

/** Finds the members of `set` in the cluster. Names that it does not have are nobody; {@link missingNames} tells them. */
export function membersOf(set: PartySet, state: ClusterState): Members {
  switch (set.kind) {
    case 'any':
      return { pod: EVERYBODY, node: EVERYBODY, outside: ALL_ADDRESSES };
    case 'outside':
      return { pod: NOBODY, node: NOBODY, outside: ALL_ADDRESSES };
    case 'nodes':
      return { pod: NOBODY, node: EVERYBODY, outside: NO_ADDRESSES };
    case 'node':
      return { pod: NOBODY, node: ({ name }) => name === set.name, outside: NO_ADDRESSES };
    case 'block':
      return inBlock(set);
    case 'pod':
    case 'workload':
    case 'service':
    case 'pods':
      return ofPods(set, state);
    case 'union':
      return anyOf(set.of.map((each) => membersOf(each, state)));
    case 'not':
      return allBut(membersOf(set.of, state));
  }
}

/** The names in `set` that the cluster does not have. */
export function missingNames(set: PartySet, state: ClusterState): readonly MissingName[] {
  switch (set.kind) {
    case 'union':
      return set.of.flatMap((each) => missingNames(each, state));
    case 'not':
      return missingNames(set.of, state);
    case 'node':
      return state.nodes.has(set.name) ? [] : [missing('node', set.name, state.nodes.keys())];
    case 'service': {
      const key = `${set.namespace}/${set.name}`;
      return state.services.has(key) ? [] : [missing('service', key, state.services.keys())];
    }
    case 'pod':
    case 'workload':
      if ([...state.pods.values()].some((pod) => isNamed(set, pod, state))) return [];
      return [set.kind === 'pod' ? missingPod(set, state) : missingWorkload(set, state)];
    case 'any':
    case 'outside':
    case 'nodes':
    case 'block':
    case 'pods':
      return [];
  }
}

function missingPod({ namespace, name }: Extract<PartySet, { kind: 'pod' }>, state: ClusterState): MissingName {
  const elsewhere = [...state.pods.values()].find((pod) => pod.name === name);
  if (elsewhere === undefined) return missing('pod', `${namespace}/${name}`, state.pods.keys());
  return `there is no pod ${namespace}/${name}; did you mean ${elsewhere.key}?`;
}

function missingWorkload(set: Extract<PartySet, { kind: 'workload' }>, state: ClusterState): MissingName {
  const names = new Set<string>();
  for (const pod of state.pods.values()) {
    const { namespace, workload } = pod;
    if (workload !== undefined) names.add(`${namespace}/${workload.kind.toLowerCase()}/${workload.name}`);
  }
  const key = describeParty(set);
  const near = suggest(key, names);
  return `there is no pod of ${key}${near === undefined ? '' : `; did you mean ${near}?`}`;
}

function missing(kind: string, name: string, known: Iterable<string>): MissingName {
  const near = suggest(name, known);
  return `there is no ${kind} ${name}${near === undefined ? '' : `; did you mean ${near}?`}`;
}

type NamedPods = Extract<PartySet, { kind: 'pod' | 'workload' | 'service' | 'pods' }>;

function isNamed(set: NamedPods, pod: PodEndpoint, state: ClusterState): boolean {
  switch (set.kind) {
    case 'pod':
      return pod.namespace === set.namespace && pod.name === set.name;
    case 'workload':
      if (pod.namespace !== set.namespace || pod.workload === undefined) return false;
      return pod.workload.kind.toLowerCase() === set.workload && pod.workload.name === set.name;
    case 'service': {
      const service = state.services.get(`${set.namespace}/${set.name}`);
      return (
        service?.selector !== undefined &&
        pod.namespace === set.namespace &&
        matchesLabels(parseLabelMap(service.selector), pod.labels)
      );
    }
    case 'pods':
      return inNamespaces(set.namespaces, pod, state) && matchesLabels(set.pods, pod.labels);
  }
}

function inNamespaces(filter: NamespaceFilter, { namespace }: PodEndpoint, state: ClusterState): boolean {
  switch (filter.kind) {
    case 'all':
      return true;
    case 'names':
      return filter.names.includes(namespace);
    case 'labels': {
      const labels = state.namespaces.get(namespace)?.labels ?? { 'kubernetes.io/metadata.name': namespace };
      return matchesLabels(filter.selector, labels);
    }
  }
}

/** Pods with hostNetwork make their nodes members when they were meant by name; label selectors never choose them. */
function ofPods(set: NamedPods, state: ClusterState): Members {
  const chosen = (pod: PodEndpoint) => isNamed(set, pod, state);
  if (set.kind === 'pods') return { pod: chosen, node: NOBODY, outside: NO_ADDRESSES };
  const hosts = new Set<string>();
  for (const pod of state.pods.values())
    if (pod.hostNetwork && !pod.completed && pod.node !== undefined && chosen(pod)) hosts.add(pod.node);
  return { pod: chosen, node: ({ name }) => hosts.has(name), outside: NO_ADDRESSES };
}

function inBlock({ cidr }: Extract<PartySet, { kind: 'block' }>): Members {
  const holds = (addresses: readonly Ip[]) => addresses.some((ip) => cidrContains(cidr, ip));
  return {
    pod: ({ addresses }) => holds(addresses),
    node: ({ addresses }) => holds(addresses),
    outside: { ...NO_ADDRESSES, [cidr.ip.family]: [rangeOf(cidr)] },
  };
}

function anyOf(members: readonly Members[]): Members {
  return {
    pod: (pod) => members.some((each) => each.pod(pod)),
    node: (node) => members.some((each) => each.node(node)),
    outside: byFamily((family) => members.reduce<IntervalSet>((all, each) => union(all, each.outside[family]), [])),
  };
}

function allBut({ pod, node, outside }: Members): Members {
  return {
    pod: (each) => !pod(each),
    node: (each) => !node(each),
    outside: byFamily((family) => subtract(ALL_ADDRESSES[family], outside[family])),
  };
}

function byFamily(compute: (family: Family) => IntervalSet): Members['outside'] {
  return { 4: compute(4), 6: compute(6) };
}
