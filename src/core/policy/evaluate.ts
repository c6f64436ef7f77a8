import { formatIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { primaryAddress, tunnelAliases } from './blocks.ts';
import type { ClusterState, NamespaceInfo, NodeEndpoint, PodEndpoint } from './cluster.ts';
import { PolicyCompiler } from './compile.ts';
import type { TierPlan } from './compile.ts';
import { classKey } from './endpoint-class.ts';
import type { EndpointClass } from './endpoint-class.ts';
import type { DirectionVerdict, Flow, Party, Verdict } from './flow.ts';
import { ruleMatches } from './match.ts';
import type { Direction } from './model.ts';

const NO_POD: DirectionVerdict = { kind: 'no-pod', allowed: true, passes: [] };
const UNSELECTED: DirectionVerdict = { kind: 'unselected', allowed: true, passes: [] };

/**
 * Judges flows in one cluster state. Everything is compiled on first use and kept, so an engine costs little to make and
 * gets faster with use; it must not outlive a change of its state.
 */
export class PolicyEngine {
  readonly state: ClusterState;
  readonly #compiler: PolicyCompiler;
  readonly #classes = new Map<string, EndpointClass>();
  readonly #classOf = new Map<PodEndpoint, EndpointClass>();
  #byAddress: ReadonlyMap<string, PodEndpoint | NodeEndpoint> | undefined;

  constructor(state: ClusterState) {
    this.state = state;
    this.#compiler = new PolicyCompiler(state.tiers, tunnelAliases(state.nodes.values()));
  }

  /** What happens to `flow`, whose parties come from this engine. */
  evaluate(flow: Flow): Verdict {
    const { source, destination } = flow;
    const exempt = exemption(source, destination);
    if (exempt !== undefined) return { allowed: true, flow, exempt, egress: UNSELECTED, ingress: UNSELECTED };
    const from = source.kind === 'pod' ? this.classOf(source.pod) : undefined;
    const to = destination.kind === 'pod' ? this.classOf(destination.pod) : undefined;
    const egress = this.#judge('egress', flow, from, destination, to);
    const ingress = this.#judge('ingress', flow, to, source, from);
    return { allowed: egress.allowed && ingress.allowed, flow, egress, ingress };
  }

  /** The pod as a party of flows of `family`; a hostNetwork pod is its node. */
  pod(pod: PodEndpoint, family: Family): Party {
    const ip = pod.addresses.find((each) => each.family === family);
    if (!pod.hostNetwork) return { kind: 'pod', pod, ip };
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
    return owner.kind === 'pod' ? { kind: 'pod', pod: owner, ip } : { kind: 'node', node: owner, ip };
  }

  /** The pod's class: what policy can know of it. */
  classOf(pod: PodEndpoint): EndpointClass {
    const known = this.#classOf.get(pod);
    if (known !== undefined) return known;
    const key = classKey(pod);
    let found = this.#classes.get(key);
    if (found === undefined) {
      found = { namespace: this.namespace(pod.namespace), labels: pod.labels, plans: {}, memberships: [] };
      this.#classes.set(key, found);
    }
    this.#classOf.set(pod, found);
    return found;
  }

  /** The policies that apply to the pod in the direction, tier by tier; tiers without any are left out. */
  plan(pod: PodEndpoint, direction: Direction): readonly TierPlan[] {
    return this.#compiler.planOf(this.classOf(pod), direction);
  }

  /** The namespace; one that is not in the state has only its name label. */
  namespace(name: string): NamespaceInfo {
    return this.state.namespaces.get(name) ?? { name, labels: { 'kubernetes.io/metadata.name': name } };
  }

  #judge(
    direction: Direction,
    flow: Flow,
    subject: EndpointClass | undefined,
    other: Party,
    otherClass: EndpointClass | undefined,
  ): DirectionVerdict {
    if (subject === undefined) return NO_POD;
    for (const plan of this.#compiler.planOf(subject, direction)) {
      const verdict = judgeTier(plan, flow, other, otherClass);
      if (verdict !== undefined) return verdict;
    }
    return UNSELECTED;
  }
}

/** Undefined when the tier passes the flow on to the next one. */
function judgeTier(
  { tier, policies }: TierPlan,
  flow: Flow,
  other: Party,
  otherClass: EndpointClass | undefined,
): DirectionVerdict | undefined {
  for (const { policy, rules } of policies) {
    for (const rule of rules) {
      if (rule.action === 'log' || !ruleMatches(rule, flow, other, otherClass)) continue;
      if (rule.action === 'pass') return undefined;
      return { kind: 'rule', allowed: rule.action === 'allow', tier, policy, rule: rule.rule, passes: [] };
    }
  }
  if (tier.noMatch === 'pass') return undefined;
  return { kind: 'default', allowed: false, tier, policies: policies.map((each) => each.policy), passes: [] };
}

/** A pod always reaches itself, and its own node reaches it and is reached by it. */
function exemption(source: Party, destination: Party): Verdict['exempt'] {
  if (source.kind === 'pod' && destination.kind === 'pod')
    return source.pod.key === destination.pod.key ? 'self' : undefined;
  if (source.kind === 'pod' && destination.kind === 'node')
    return source.pod.node === destination.node.name ? 'own-node' : undefined;
  if (source.kind === 'node' && destination.kind === 'pod')
    return destination.pod.node === source.node.name ? 'own-node' : undefined;
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
