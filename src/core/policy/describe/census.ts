import { contains } from '../../../base/ip/index.ts';
import { matchesLabels } from '../../kube/labels.ts';
import type { ClusterState, PodEndpoint } from '../cluster.ts';
import { selects } from '../endpoint-class.ts';
import type { EndpointClass } from '../endpoint-class.ts';
import { PolicyEngine } from '../evaluate.ts';
import { DIRECTIONS } from '../flow.ts';
import type { Peer, PodSet, Policy } from '../model.ts';

/** Tells whom policies choose in one cluster. */
export class Census {
  readonly #engine: PolicyEngine;
  /** Pods that policies can select, by key; those that policy cannot tell apart are looked at once. */
  readonly #classes: ReadonlyMap<EndpointClass, readonly PodEndpoint[]>;

  constructor(state: ClusterState) {
    this.#engine = new PolicyEngine(state);
    const classes = new Map<EndpointClass, PodEndpoint[]>();
    for (const pod of state.pods.values()) {
      if (pod.hostNetwork || pod.completed) continue;
      const own = this.#engine.classOf(pod);
      const members = classes.get(own);
      if (members === undefined) classes.set(own, [pod]);
      else members.push(pod);
    }
    this.#classes = classes;
  }

  /** Keys of the pods in the set. */
  podsIn(set: PodSet): readonly string[] {
    return this.#keys(({ namespace, labels }) => selects(set, namespace, labels));
  }

  /** Keys of the pods, or names of the nodes, that the peer chooses; undefined for what is neither. */
  chosenBy(peer: Peer): readonly string[] | undefined {
    switch (peer.kind) {
      case 'pods':
        return this.podsIn(peer);
      case 'endpoints':
        return this.#keys(({ labels }) => matchesLabels(peer.selector, labels));
      case 'block':
        return this.#keys(
          () => true,
          (pod) => pod.addresses.some((ip) => ip.family === peer.family && contains(peer.ranges, ip.value)),
        );
      case 'nodes':
        return [...this.#engine.state.nodes.values()]
          .filter((node) => matchesLabels(peer.nodes, node.labels))
          .map(({ name }) => name);
      case 'service':
      case 'domain':
        return undefined;
    }
  }

  /** The policies that are asked before this one about any of its pods. */
  before(policy: Policy): readonly Policy[] {
    const earlier = new Set<Policy>();
    for (const [{ namespace, labels }, [pod]] of this.#classes) {
      if (!selects(policy.subject, namespace, labels)) continue;
      for (const direction of DIRECTIONS) {
        if (!policy.applies[direction]) continue;
        for (const { tier, policies } of this.#engine.plan(pod!, direction)) {
          if (tier.name === policy.tier) break;
          for (const each of policies) earlier.add(each.policy);
        }
      }
    }
    return [...earlier].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #keys(
    chosen: (endpoints: EndpointClass) => boolean,
    also: (pod: PodEndpoint) => boolean = () => true,
  ): readonly string[] {
    const pods = [...this.#classes].flatMap(([own, members]) => (chosen(own) ? members.filter(also) : []));
    return pods.map(({ key }) => key).sort();
  }
}
