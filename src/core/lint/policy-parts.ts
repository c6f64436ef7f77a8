import type { Selector } from '../kube/labels.ts';
import { CONTROLLER_LABELS } from '../policy/controller-labels.ts';
import type { LintMessages } from './messages/catalogue.ts';
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

/**
 * Whether the files hold all pods that the set could choose: some of every namespace that it chooses, and with the labels
 * that only pods have which a controller has made.
 */
export function knowsPods(cluster: LintCluster, set: PodSet): boolean {
  const { namespaces, pods } = set;
  const added = keysOf(pods).filter((key) => CONTROLLER_LABELS.has(key));
  if (added.some((key) => !cluster.workloads.some(({ pod }) => Object.hasOwn(pod.labels, key)))) return false;
  if (namespaces.kind === 'name') return cluster.knowsPodsOf(namespaces.name);
  const chosen = cluster.namespacesIn(namespaces);
  return cluster.knowsNamespaces && chosen.length > 0 && chosen.every(({ name }) => cluster.knowsPodsOf(name));
}

function keysOf(selector: Selector): readonly string[] {
  return selector.kind === 'all-of' ? selector.requirements.map(({ key }) => key) : [];
}

/** `NetworkPolicy shop/web`, for messages. */
export function titleOf({ policy: { source } }: PolicyEntry): string {
  return `${source.kind} ${source.namespace === undefined ? '' : `${source.namespace}/`}${source.name}`;
}

/** The first of the names, each once, and how many more there are. */
export function listed(words: LintMessages, names: readonly string[], shown = 3): string {
  const unique = [...new Set(names)];
  // One more takes no more room than saying so.
  const cut = unique.length > shown + 1 ? shown : unique.length;
  return words.listed(unique.slice(0, cut), unique.length - cut);
}
