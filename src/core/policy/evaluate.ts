import { formatIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { primaryAddress } from './blocks.ts';
import type { ClusterState, NamedPort, NamespaceInfo, NodeEndpoint, PodEndpoint } from './cluster.ts';
import { PeerCompiler } from './compile-peers.ts';
import { PolicyCompiler, compileRule, ruleMatches } from './compile.ts';
import type { TierPlan } from './compile.ts';
import { effectiveLabels } from './effective-labels.ts';
import { classKey } from './endpoint-class.ts';
import type { EndpointClass, PlanKind } from './endpoint-class.ts';
import type { DirectionVerdict, Entry, Flow, Party, Verdict } from './flow.ts';
import { HostJudge } from './host-endpoints.ts';
import type { Entered } from './host-endpoints.ts';
import { UNSELECTED, judgeTiers } from './judge-tiers.ts';
import { addressKey, namedPortsOf } from './match.ts';
import type { HostPorts, JudgedFlow } from './match.ts';
import { Masquerade, isForeign } from './masquerade.ts';
import type { Direction, Rule } from './model.ts';
import { protocolNumber } from './protocol.ts';

const NO_POD: DirectionVerdict = { kind: 'no-pod', allowed: true, passes: [] };

/**
 * Judges flows in one cluster state. Everything is compiled on first use and kept, so an engine costs little to make and
 * gets faster with use; it must not outlive a change of its state.
 */
export class PolicyEngine {
  readonly state: ClusterState;
  readonly #peers: PeerCompiler;
  readonly #compiler: PolicyCompiler;
  /** Absent when no node has a host endpoint. */
  readonly #hosts: HostJudge | undefined;
  readonly #hostPorts: HostPorts | undefined;
  /** Absent when it can change no verdict. */
  readonly #masquerade: Masquerade | undefined;
  readonly #classes = new Map<string, EndpointClass>();
  readonly #classOf = new Map<PodEndpoint, EndpointClass>();
  #byAddress: ReadonlyMap<string, PodEndpoint | NodeEndpoint> | undefined;

  constructor(state: ClusterState) {
    this.state = state;
    this.#peers = new PeerCompiler(state);
    this.#compiler = new PolicyCompiler(state.tiers, this.#peers);
    this.#hostPorts = hostPortsOf(state, this.#peers);
    this.#hosts = state.hostEndpoints.size === 0 ? undefined : new HostJudge(state, this.#compiler, this.#peers);
    this.#masquerade = Masquerade.of(state);
  }

  /** What happens to `flow`, whose parties come from this engine. */
  evaluate(flow: Flow): Verdict {
    const { source, destination } = flow;
    const relation = relationOf(source, destination);
    if (relation === 'self' || relation === 'own-pod') {
      const exempt = relation === 'self' ? 'self' : 'own-node';
      return { allowed: true, flow, exempt, egress: UNSELECTED, ingress: UNSELECTED };
    }
    const judged = this.#derive(flow);
    if (flow.entry !== undefined && source.kind === 'outside' && destination.kind !== 'outside')
      return this.#judgeEntering(flow, flow.entry, destination, judged);
    if (relation === 'own-node') return this.#judgeOwnNode(judged);
    const egress = this.#judge('egress', source, destination, judged);
    const arrivesAs = this.#masquerade?.arrivesAs(source, destination);
    if (arrivesAs !== undefined) {
      const ingress = this.#judge('ingress', destination, arrivesAs, this.#derive({ ...flow, source: arrivesAs }));
      return { allowed: egress.allowed && ingress.allowed, flow, arrivesAs, egress, ingress };
    }
    const ingress = this.#judge('ingress', destination, source, judged);
    return { allowed: egress.allowed && ingress.allowed, flow, egress, ingress };
  }

  /** The pod as a party of flows of `family`; a hostNetwork pod is its node. */
  pod(pod: PodEndpoint, family: Family): Party {
    const ip = pod.addresses.find((each) => each.family === family);
    if (!pod.hostNetwork) return { kind: 'pod', pod, ip, endpoints: this.classOf(pod) };
    const node = pod.node === undefined ? undefined : this.state.nodes.get(pod.node);
    if (node !== undefined) return this.node(node, family);
    // Its node is not known, but its addresses are a node's all the same: no pod selector may match it.
    const stand: NodeEndpoint = {
      kind: 'node',
      key: pod.node ?? '',
      name: pod.node ?? '',
      labels: {},
      addresses: pod.addresses,
      tunnelAddresses: [],
    };
    return this.node(stand, family);
  }

  /** The node, or any hostNetwork pod on it, as a party of flows of `family`. */
  node(node: NodeEndpoint, family: Family): Party {
    return { kind: 'node', node, ip: primaryAddress(node, family) };
  }

  /** Whoever has the address: a running pod, a node (by any of its addresses), or nobody in the cluster. */
  address(ip: Ip): Party {
    this.#byAddress ??= indexAddresses(this.state);
    const owner = this.#byAddress.get(formatIp(ip));
    if (owner === undefined) return { kind: 'outside', ip };
    if (owner.kind === 'node') return { kind: 'node', node: owner, ip };
    return { kind: 'pod', pod: owner, ip, endpoints: this.classOf(owner) };
  }

  /** The pod's class: what policy can know of it. */
  classOf(pod: PodEndpoint): EndpointClass {
    const known = this.#classOf.get(pod);
    if (known !== undefined) return known;
    const key = classKey(pod);
    let found = this.#classes.get(key);
    if (found === undefined) {
      found = this.#makeClass(pod);
      this.#classes.set(key, found);
    }
    this.#classOf.set(pod, found);
    return found;
  }

  /**
   * The policies that apply to the pod, tier by tier; tiers without any are left out. `own-node` is egress to the pod's own
   * node.
   */
  plan(pod: PodEndpoint, kind: PlanKind): readonly TierPlan[] {
    return this.#compiler.planOf(this.classOf(pod), kind);
  }

  /** The namespace; one that is not in the state has only its name label. */
  namespace(name: string): NamespaceInfo {
    return this.#peers.namespace(name);
  }

  /** Whether one rule, as a rule of `direction`, matches the flow; for explanations, which take rules apart. */
  matches(rule: Pick<Rule, 'peers' | 'ports' | 'conditions'>, direction: Direction, flow: Flow): boolean {
    const whole: Rule = { action: 'allow', index: 0, source: NOWHERE, ...rule };
    return ruleMatches(compileRule(whole, direction, this.#peers), this.#derive(flow));
  }

  /** The numbers that a party gives to a named port. */
  namedPorts(party: Party, match: { readonly name: string; readonly protocol: string }): number[] {
    return namedPortsOf(party, match, this.#hostPorts);
  }

  #makeClass({ namespace: name, labels: own, serviceAccount: account }: PodEndpoint): EndpointClass {
    const namespace = this.namespace(name);
    const accountLabels = this.state.serviceAccounts.get(`${name}/${account}`) ?? {};
    const labels = effectiveLabels(own, { namespace, serviceAccount: { name: account, labels: accountLabels } });
    const plans = { ingress: undefined, egress: undefined, 'own-node': undefined };
    return { engine: this, id: this.#classes.size, namespace, labels, plans };
  }

  #derive(flow: Flow): JudgedFlow {
    const { source, destination, protocol } = flow;
    const family = destination.ip?.family ?? source.ip?.family ?? flow.family ?? 4;
    return {
      flow,
      family,
      protocol: protocolNumber(protocol, family),
      source: this.#classIn(source),
      destination: this.#classIn(destination),
      hostPorts: this.#hostPorts,
    };
  }

  /** Undefined for what is no pod. Parties of another engine's are looked up again, for their classes know its policies. */
  #classIn(party: Party): EndpointClass | undefined {
    if (party.kind !== 'pod') return undefined;
    return party.endpoints.engine === this ? party.endpoints : this.classOf(party.pod);
  }

  /** From outside by an address that a node translates: first asked are the early policies there, about that address. */
  #judgeEntering(
    flow: Flow,
    entry: Entry,
    destination: Exclude<Party, { kind: 'outside' }>,
    judged: JudgedFlow,
  ): Verdict {
    const { node, ip, port } = entry;
    const before = this.#derive({ ...flow, destination: { kind: 'node', node, ip }, port });
    const early = this.#hosts?.judgeEntry(entry, before);
    if (early?.allowed === false) return { allowed: false, flow, egress: NO_POD, ingress: early };
    const isHere = (destination.kind === 'pod' ? destination.pod.node : destination.node.name) === node.name;
    const masquerades = !isHere && (destination.kind === 'node' || isForeign(this.state, destination.ip));
    const arrivesAs = masquerades ? this.node(node, ip.family) : undefined;
    const seen = arrivesAs === undefined ? judged : this.#derive({ ...flow, source: arrivesAs });
    const ingress = this.#judge('ingress', destination, seen.flow.source, seen, isHere ? { early } : undefined);
    return {
      allowed: ingress.allowed,
      flow,
      ...(arrivesAs === undefined ? {} : { arrivesAs }),
      egress: NO_POD,
      ingress,
    };
  }

  /** A pod reaching its own node: NetworkPolicies let that be, and no host endpoint stands between. */
  #judgeOwnNode(judged: JudgedFlow): Verdict {
    const { flow, source } = judged;
    const plan = this.#compiler.planOf(source!, 'own-node');
    const policies = judgeTiers(plan, judged);
    const { passes } = policies;
    const dropped = policies.allowed && this.state.settings.endpointToHost === 'drop';
    const egress: DirectionVerdict = dropped ? { kind: 'endpoint-to-host', allowed: false, passes } : policies;
    const exempt = plan.length === 0 && !dropped ? ({ exempt: 'own-node' } as const) : {};
    return { allowed: egress.allowed, flow, ...exempt, egress, ingress: NO_POD };
  }

  #judge(direction: Direction, subject: Party, other: Party, judged: JudgedFlow, entered?: Entered): DirectionVerdict {
    if (subject.kind === 'outside') return NO_POD;
    if (subject.kind === 'node') {
      const isSame = other.kind === 'node' && other.node.name === subject.node.name;
      if (isSame || this.#hosts === undefined) return NO_POD;
      return this.#hosts.judgeLocal(subject.node, subject.ip, direction, judged, entered) ?? NO_POD;
    }
    const endpoints = direction === 'egress' ? judged.source : judged.destination;
    const own = judgeTiers(this.#compiler.planOf(endpoints!, direction), judged);
    if (this.#hosts === undefined) return own;
    const { node } = subject.pod;
    if (other.kind === 'pod' && other.pod.node === node) return own;
    const host = this.#hosts.judgeForwarded(node, direction, judged, entered);
    if (host === undefined || host.allowed) return own;
    // The first to deny on the packet's way is named.
    return direction === 'egress' && !own.allowed ? own : host;
  }
}

/** Undefined when there are none. Where two endpoints expect one address, the ports of both count. */
function hostPortsOf({ hostEndpoints }: ClusterState, peers: PeerCompiler): HostPorts | undefined {
  const ports = new Map<string, NamedPort[]>();
  for (const host of hostEndpoints.values())
    for (const ip of host.ports.length === 0 ? [] : host.expectedIps.flatMap((each) => peers.judgedAs(each)))
      ports.set(addressKey(ip), [...(ports.get(addressKey(ip)) ?? []), ...host.ports]);
  return ports.size === 0 ? undefined : ports;
}

/** The source of rules that nobody wrote. */
const NOWHERE = { kind: '', name: '', path: '' } as const;

type Relation = 'self' | 'own-pod' | 'own-node';

/** The pairs that are judged by rules of their own: a pod and itself, a node and its pod, a pod and its node. */
function relationOf(source: Party, destination: Party): Relation | undefined {
  if (source.kind === 'pod' && destination.kind === 'pod') return source.pod === destination.pod ? 'self' : undefined;
  if (source.kind === 'pod' && destination.kind === 'node')
    return source.pod.node === destination.node.name ? 'own-node' : undefined;
  if (source.kind === 'node' && destination.kind === 'pod')
    return destination.pod.node === source.node.name ? 'own-pod' : undefined;
  return undefined;
}

function indexAddresses(state: ClusterState): Map<string, PodEndpoint | NodeEndpoint> {
  const index = new Map<string, PodEndpoint | NodeEndpoint>();
  // Should two pods claim one address, the first by name has it, whatever the order in which they arrived.
  const pods = [...state.pods.values()].filter((pod) => !pod.hostNetwork).sort((a, b) => (a.key < b.key ? 1 : -1));
  for (const pod of pods) for (const ip of pod.addresses) index.set(formatIp(ip), pod);
  for (const node of state.nodes.values())
    for (const ip of [...node.addresses, ...node.tunnelAddresses]) index.set(formatIp(ip), node);
  return index;
}
