import { BlockList } from 'node:net';
import type {
  LabelSelector,
  Namespace,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  Node,
  Pod,
} from '../../src/core/kube/types.ts';

/** The raw objects of a cluster. */
export interface OracleCluster {
  readonly namespaces: readonly Namespace[];
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly networkPolicies: readonly NetworkPolicy[];
}

/** One end: a pod or node object, or nobody's address; `ip` is what the packet carries. */
export interface OracleParty {
  readonly pod?: Pod;
  readonly node?: Node;
  readonly ip: string;
}

/**
 * NetworkPolicy judged sentence by sentence from the API's documentation, on the raw objects, slowly and with nothing
 * shared with the engine: the second opinion of the property tests.
 */
export function oracleAllows(
  cluster: OracleCluster,
  source: OracleParty,
  destination: OracleParty,
  protocol: string,
  port: number | undefined,
): boolean {
  const from = asNode(cluster, source);
  const to = asNode(cluster, destination);
  // "A pod cannot block access to itself"; "traffic to and from the node where a Pod is running is always allowed".
  if (from.pod !== undefined && from.pod === to.pod) return true;
  if (from.pod !== undefined && to.node !== undefined && from.pod.spec?.nodeName === to.node.metadata?.name)
    return true;
  if (to.pod !== undefined && from.node !== undefined && to.pod.spec?.nodeName === from.node.metadata?.name)
    return true;
  // "For a connection from a source pod to a destination pod to be allowed, both the egress policy on the source pod and
  // the ingress policy on the destination pod need to allow the connection."
  return (
    sideAllows(cluster, 'Egress', from.pod, to, to, protocol, port) &&
    sideAllows(cluster, 'Ingress', to.pod, from, to, protocol, port)
  );
}

function asNode(cluster: OracleCluster, party: OracleParty): OracleParty {
  if (party.pod?.spec?.hostNetwork !== true) return party;
  const node = cluster.nodes.find((each) => each.metadata?.name === party.pod?.spec?.nodeName);
  return node === undefined ? { ip: party.ip } : { node, ip: party.ip };
}

function sideAllows(
  cluster: OracleCluster,
  type: 'Ingress' | 'Egress',
  subject: Pod | undefined,
  other: OracleParty,
  destination: OracleParty,
  protocol: string,
  port: number | undefined,
): boolean {
  if (subject === undefined) return true;
  const isolating = cluster.networkPolicies.filter(
    (policy) =>
      policy.metadata?.namespace === subject.metadata?.namespace &&
      selectorMatches(policy.spec?.podSelector ?? {}, subject.metadata?.labels ?? {}) &&
      typesOf(policy).includes(type),
  );
  // "By default, a pod is non-isolated; all connections are allowed."
  if (isolating.length === 0) return true;
  // "Network policies do not conflict; they are additive."
  return isolating.some((policy) => {
    const rules =
      type === 'Ingress'
        ? (policy.spec?.ingress ?? []).map((rule) => ({ peers: rule.from ?? [], ports: rule.ports ?? [] }))
        : (policy.spec?.egress ?? []).map((rule) => ({ peers: rule.to ?? [], ports: rule.ports ?? [] }));
    return rules.some(
      ({ peers, ports }) =>
        // "If this field is empty or missing, this rule matches all sources / all ports."
        (peers.length === 0 || peers.some((peer) => peerMatches(cluster, policy, peer, other))) &&
        (ports.length === 0 || ports.some((each) => portMatches(each, destination, protocol, port))),
    );
  });
}

/** "If no policyTypes are specified then by default Ingress will always be set and Egress if there are egress rules." */
function typesOf(policy: NetworkPolicy): string[] {
  const types = policy.spec?.policyTypes ?? [];
  if (types.length > 0) return types;
  return (policy.spec?.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

function peerMatches(
  cluster: OracleCluster,
  policy: NetworkPolicy,
  peer: NetworkPolicyPeer,
  other: OracleParty,
): boolean {
  if (peer.ipBlock !== undefined) {
    const ip = judgedAddress(cluster, other.ip);
    return inBlock(peer.ipBlock.cidr, ip) && !(peer.ipBlock.except ?? []).some((except) => inBlock(except, ip));
  }
  if (other.pod === undefined) return false;
  const namespace = other.pod.metadata?.namespace;
  const labels = cluster.namespaces.find((each) => each.metadata?.name === namespace)?.metadata?.labels ?? {};
  const namespaceFits =
    peer.namespaceSelector === undefined
      ? namespace === policy.metadata?.namespace
      : selectorMatches(peer.namespaceSelector, { ...labels, 'kubernetes.io/metadata.name': namespace ?? '' });
  return namespaceFits && selectorMatches(peer.podSelector ?? {}, other.pod.metadata?.labels ?? {});
}

/** Sluice's own promise: a node's tunnel address counts as its InternalIP. */
function judgedAddress(cluster: OracleCluster, ip: string): string {
  const node = cluster.nodes.find((each) => Object.values(each.metadata?.annotations ?? {}).includes(ip));
  const internal = node?.status?.addresses?.find((each) => each.address.includes(':') === ip.includes(':'));
  return internal?.address ?? ip;
}

function portMatches(
  wanted: NetworkPolicyPort,
  destination: OracleParty,
  protocol: string,
  port: number | undefined,
): boolean {
  if ((wanted.protocol ?? 'TCP') !== protocol || port === undefined) return false;
  if (wanted.port === undefined) return true;
  if (typeof wanted.port === 'number') return port >= wanted.port && port <= (wanted.endPort ?? wanted.port);
  const containers = destination.pod?.spec?.containers ?? [];
  return containers.some((container) =>
    (container.ports ?? []).some(
      (each) => each.name === wanted.port && (each.protocol ?? 'TCP') === protocol && each.containerPort === port,
    ),
  );
}

function selectorMatches(selector: LabelSelector, labels: Record<string, string>): boolean {
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const has = key in labels;
      if (operator === 'Exists') return has;
      if (operator === 'DoesNotExist') return !has;
      if (operator === 'In') return has && values.includes(labels[key]!);
      return !has || !values.includes(labels[key]!);
    })
  );
}

function inBlock(cidr: string, ip: string): boolean {
  const family = ip.includes(':') ? 'ipv6' : 'ipv4';
  if (cidr.includes(':') !== ip.includes(':')) return false;
  const [address, prefix] = cidr.split('/');
  const list = new BlockList();
  list.addSubnet(address!, Number(prefix), family);
  return list.check(ip, family);
}
