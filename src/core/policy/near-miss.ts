import { cidrContains } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { matchesLabels, meets, necessaryRequirements } from '../kube/labels.ts';
import type { Labels, Requirement, Selector } from '../kube/labels.ts';
import { primaryAddress } from './blocks.ts';
import type { NamespaceInfo } from './cluster.ts';
import { choosesNamespace } from './endpoint-class.ts';
import type { EndpointClass } from './endpoint-class.ts';
import type { PolicyEngine } from './evaluate.ts';
import { DIRECTIONS, flowAt } from './flow.ts';
import type { Flow, Party, Verdict } from './flow.ts';
import type {
  BlockPeer,
  Condition,
  Direction,
  DomainPeer,
  EndpointPeer,
  NodePeer,
  Peer,
  PodPeer,
  Policy,
  PortMatch,
  Rule,
  ServicePeer,
} from './model.ts';

/** Why one peer of a rule is not the other side. */
export type PeerMiss =
  /** Its labels fit, but the peer means pods of one namespace only: the policy's own. */
  | { readonly kind: 'other-namespace'; readonly peer: PodPeer; readonly wanted: string; readonly actual: string }
  /** The namespace's labels do not fit; `podFits` says whether the pod's would. */
  | {
      readonly kind: 'namespace-labels';
      readonly peer: PodPeer;
      readonly namespace: NamespaceInfo;
      readonly unmet: readonly Requirement[];
      readonly podFits: boolean;
    }
  /** The namespace fits, the pod's labels do not. */
  | {
      readonly kind: 'pod-labels';
      readonly peer: PodPeer;
      readonly labels: Labels;
      readonly unmet: readonly Requirement[];
    }
  /** A pod selector, and the other side is a node, a hostNetwork pod or an outside address. */
  | { readonly kind: 'not-a-pod'; readonly peer: PodPeer; readonly party: 'node' | 'outside' }
  /** In the block, but in one of its exceptions. */
  | { readonly kind: 'excepted'; readonly peer: BlockPeer; readonly ip: Ip }
  | { readonly kind: 'outside-block'; readonly peer: BlockPeer; readonly ip: Ip | undefined }
  /** Labels of a pod with those of its namespace and service account, or of a node. */
  | {
      readonly kind: 'labels';
      readonly peer: EndpointPeer | NodePeer;
      readonly selector: Selector;
      readonly labels: Labels;
      /** What of it is known to be unmet; empty when the selector is no plain conjunction. */
      readonly unmet: readonly Requirement[];
    }
  /** A node or an outside address that is in no network set and of no host endpoint that the peer chooses. */
  | { readonly kind: 'unlabelled'; readonly peer: EndpointPeer }
  | { readonly kind: 'not-a-node'; readonly peer: NodePeer }
  | { readonly kind: 'not-served'; readonly peer: ServicePeer }
  /** The DNS has not answered with the address for such a name. */
  | { readonly kind: 'not-resolved'; readonly peer: DomainPeer }
  /** The rule lists no peers, so it never matches. */
  | { readonly kind: 'no-peers' }
  | { readonly kind: 'other-peer'; readonly peer: Peer };

/** Why none of a rule's ports is the flow's. */
export type PortMiss =
  /** ICMP and other protocols without ports match only rules that name no ports. */
  | { readonly kind: 'no-ports-in-protocol' }
  /** The number fits, under another protocol. */
  | { readonly kind: 'protocol'; readonly wanted: readonly PortMatch[] }
  /** The rule names ports by name and the destination does not have the name. */
  | { readonly kind: 'name-unknown'; readonly match: PortMatch & { readonly kind: 'named' } }
  | { readonly kind: 'port'; readonly wanted: readonly PortMatch[] };

/** A rule that came close to allowing a denied flow, and what it lacked. */
export interface NearMiss {
  readonly direction: Direction;
  readonly policy: Policy;
  readonly rule: Rule;
  /** Of the rule's peers the one that came closest; absent when the peer matches. */
  readonly peer?: PeerMiss;
  /** Absent when the port matches. */
  readonly port?: PortMiss;
  /** Those of the rule's conditions that do not hold. */
  readonly conditions: readonly Condition[];
}

/**
 * The rules that came closest to allowing a denied flow, closest first, at most `limit` for each denying direction.
 * Nothing for flows that are allowed or denied by an explicit rule.
 */
export function nearestMisses(engine: PolicyEngine, verdict: Verdict, limit = 3): NearMiss[] {
  return DIRECTIONS.flatMap((direction) => {
    const side = verdict[direction];
    if (side.kind !== 'default') return [];
    const flow = flowAt(verdict, direction);
    const misses = side.policies.flatMap((policy) =>
      policy[direction].flatMap((rule) => {
        const miss = rule.action === 'allow' ? missOf(engine, flow, direction, policy, rule) : undefined;
        return miss === undefined ? [] : [miss];
      }),
    );
    const ranked = misses.map((miss) => ({ miss, rank: rankOf(miss) }));
    ranked.sort((a, b) => a.rank - b.rank);
    return ranked.slice(0, limit).map(({ miss }) => miss);
  });
}

function missOf(
  engine: PolicyEngine,
  flow: Flow,
  direction: Direction,
  policy: Policy,
  rule: Rule,
): NearMiss | undefined {
  const peer = rule.peers === 'any' ? undefined : closestPeer(engine, rule.peers, direction, flow);
  const port = rule.ports === 'any' ? undefined : portMiss(engine, rule.ports, flow);
  const conditions = (rule.conditions ?? []).filter(
    (each) => !engine.matches({ peers: 'any', ports: 'any', conditions: [each] }, direction, flow),
  );
  const missed = { ...(peer === undefined ? {} : { peer }), ...(port === undefined ? {} : { port }) };
  return { direction, policy, rule, ...missed, conditions };
}

/** Undefined when a peer matches. */
function closestPeer(
  engine: PolicyEngine,
  peers: readonly Peer[],
  direction: Direction,
  flow: Flow,
): PeerMiss | undefined {
  let closest: PeerMiss = { kind: 'no-peers' };
  for (const peer of peers) {
    if (engine.matches({ peers: [peer], ports: 'any' }, direction, flow)) return undefined;
    const miss = peerMiss(engine, peer, direction === 'ingress' ? flow.source : flow.destination);
    if (closest.kind === 'no-peers' || peerRank(miss) < peerRank(closest)) closest = miss;
  }
  return closest;
}

/** Why a peer that does not match does not. */
function peerMiss(engine: PolicyEngine, peer: Peer, other: Party): PeerMiss {
  switch (peer.kind) {
    case 'block':
      return blockMiss(engine, peer, other);
    case 'nodes':
      return other.kind === 'node' ? labelMiss(peer, peer.nodes, other.node.labels) : { kind: 'not-a-node', peer };
    case 'pods':
      return other.kind === 'pod'
        ? podMiss(peer, engine.classOf(other.pod))
        : { kind: 'not-a-pod', peer, party: other.kind };
    case 'endpoints':
      return other.kind === 'pod'
        ? labelMiss(peer, peer.selector, engine.classOf(other.pod).labels)
        : { kind: 'unlabelled', peer };
    case 'service':
      return { kind: 'not-served', peer };
    case 'domain':
      return { kind: 'not-resolved', peer };
  }
}

function labelMiss(peer: EndpointPeer | NodePeer, selector: Selector, labels: Labels): PeerMiss {
  return { kind: 'labels', peer, selector, labels, unmet: unmet(selector, labels) };
}

function podMiss(peer: PodPeer, { namespace, labels }: EndpointClass): PeerMiss {
  const podFits = matchesLabels(peer.pods, labels);
  if (choosesNamespace(peer.namespaces, namespace))
    return { kind: 'pod-labels', peer, labels, unmet: unmet(peer.pods, labels) };
  if (peer.namespaces.kind === 'selector')
    return {
      kind: 'namespace-labels',
      peer,
      namespace,
      unmet: unmet(peer.namespaces.selector, namespace.labels),
      podFits,
    };
  if (podFits) return { kind: 'other-namespace', peer, wanted: peer.namespaces.name, actual: namespace.name };
  return { kind: 'other-peer', peer };
}

function blockMiss(engine: PolicyEngine, peer: BlockPeer, other: Party): PeerMiss {
  // A node's tunnel address counts as its InternalIP, here as in the verdict.
  const ip = other.kind === 'node' ? judgedAddress(other, engine) : other.ip;
  if (ip === undefined || !cidrContains(peer.cidr, ip)) return { kind: 'outside-block', peer, ip };
  return { kind: 'excepted', peer, ip };
}

function judgedAddress(party: Party & { kind: 'node' }, engine: PolicyEngine): Ip | undefined {
  const { ip, node } = party;
  if (ip === undefined) return undefined;
  const known = engine.state.nodes.get(node.name) ?? node;
  const isTunnel = known.tunnelAddresses.some((each) => each.family === ip.family && each.value === ip.value);
  return isTunnel ? (primaryAddress(known, ip.family) ?? ip) : ip;
}

function portMiss(engine: PolicyEngine, ports: readonly PortMatch[], flow: Flow): PortMiss | undefined {
  const fits = (match: PortMatch, asked: Flow) => engine.matches({ peers: 'any', ports: [match] }, 'ingress', asked);
  if (ports.some((match) => fits(match, flow))) return undefined;
  if (flow.port === undefined) return { kind: 'no-ports-in-protocol' };
  const otherProtocol = ports.filter((match) => fits(match, { ...flow, protocol: match.protocol }));
  if (otherProtocol.length > 0) return { kind: 'protocol', wanted: otherProtocol };
  for (const match of ports) {
    if (
      match.kind === 'named' &&
      match.protocol === flow.protocol &&
      engine.namedPorts(flow.destination, match).length === 0
    )
      return { kind: 'name-unknown', match };
  }
  return { kind: 'port', wanted: ports };
}

function unmet(selector: Selector, labels: Labels): readonly Requirement[] {
  return necessaryRequirements(selector).filter((each) => !meets(each, labels));
}

/** One unmet condition is nearer than two, and a wrong port nearer than a wrong peer. */
function rankOf(miss: NearMiss): number {
  const peer = miss.peer === undefined ? 0 : 10 + peerRank(miss.peer);
  const port = miss.port === undefined ? 0 : miss.port.kind === 'port' ? 6 : 5;
  return peer + port + 6 * miss.conditions.length;
}

function peerRank(miss: PeerMiss): number {
  switch (miss.kind) {
    case 'excepted':
    case 'other-namespace':
      return 0;
    case 'pod-labels':
    case 'labels':
      return Math.min(Math.max(miss.unmet.length, 1), 4);
    case 'namespace-labels':
      return Math.min(miss.unmet.length, 4) + (miss.podFits ? 0 : 4);
    case 'not-a-pod':
    case 'not-a-node':
    case 'unlabelled':
      return 8;
    case 'outside-block':
    case 'not-served':
    case 'not-resolved':
    case 'other-peer':
    case 'no-peers':
      return 9;
  }
}
