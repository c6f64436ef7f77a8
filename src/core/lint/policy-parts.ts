import type { LintCluster, PolicyEntry } from './lint-cluster.ts';
import type { Direction, Peer, PodPeer, PodSet, PortMatch, Rule } from '../policy/index.ts';

/** One rule of a policy, with its direction. */
export interface RuleEntry {
  readonly entry: PolicyEntry;
  readonly direction: Direction;
  readonly rule: Rule;
}

/** Every rule of every policy. */
export function* everyRule(cluster: LintCluster): Generator<RuleEntry> {
  for (const entry of cluster.policies) {
    for (const direction of ['ingress', 'egress'] as const)
      for (const rule of entry.policy[direction]) yield { entry, direction, rule };
  }
}

/** The rule's peers; none when it is open to all. */
export function peersOf(rule: Rule): readonly Peer[] {
  return rule.peers === 'any' ? [] : rule.peers;
}

/** The rule's ports; none when it is open to all. */
export function portsOf(rule: Rule): readonly PortMatch[] {
  return rule.ports === 'any' ? [] : rule.ports;
}

/** The peers that are pods by label. */
export function podPeersOf(rule: Rule): readonly PodPeer[] {
  return peersOf(rule).filter((peer) => peer.kind === 'pods');
}

/** Whether the files hold all pods that the set could choose: some of every namespace that it chooses. */
export function knowsPods(cluster: LintCluster, set: PodSet): boolean {
  const { namespaces } = set;
  if (namespaces.kind === 'name') return cluster.knowsPodsOf(namespaces.name);
  const chosen = cluster.namespacesIn(namespaces);
  return cluster.knowsNamespaces && chosen.length > 0 && chosen.every(({ name }) => cluster.knowsPodsOf(name));
}

/** `NetworkPolicy shop/web`, for messages. */
export function titleOf({ policy: { source } }: PolicyEntry): string {
  return `${source.kind} ${source.namespace === undefined ? '' : `${source.namespace}/`}${source.name}`;
}

/** `one`, `one and two`, `one, two and 3 more`. */
export function listed(names: readonly string[], shown = 3): string {
  const unique = [...new Set(names)];
  const more = unique.length - shown;
  const head = more > 1 ? [...unique.slice(0, shown), `${more} more`] : unique;
  return head.length < 2 ? (head[0] ?? '') : `${head.slice(0, -1).join(', ')} and ${head.at(-1)}`;
}
