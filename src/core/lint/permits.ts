import { matchesLabels } from '../kube/labels.ts';
import { choosesNamespace } from '../policy/index.ts';
import type { Direction, Peer, PortMatch, Rule } from '../policy/index.ts';
import type { LintCluster, PolicyEntry, Workload } from './lint-cluster.ts';

/** The policies in force that select the pod in the direction. hostNetwork pods are selected by none. */
export function policiesOf(cluster: LintCluster, workload: Workload, direction: Direction): readonly PolicyEntry[] {
  const { pod, namespace, labels } = workload;
  if (pod.hostNetwork) return [];
  return cluster
    .policiesFor(namespace.name)
    .filter(
      ({ policy: { subject, applies } }) =>
        applies[direction] && choosesNamespace(subject.namespaces, namespace) && matchesLabels(subject.pods, labels),
    );
}

/**
 * Whether something may let the connection through on the pod's side. A pod that no policy isolates is open; what cannot be
 * decided from files, such as addresses, counts as let through, and so do rules that pass to another tier.
 */
export function mayPass(
  cluster: LintCluster,
  subject: Workload,
  direction: Direction,
  flow: { readonly other: Workload | 'somebody'; readonly port: number | undefined; readonly protocol: string },
): boolean {
  const policies = policiesOf(cluster, subject, direction);
  if (!policies.some(({ policy }) => isolates(policy.tier))) return true;
  const destination = direction === 'ingress' ? subject : flow.other;
  return policies.some(({ policy }) =>
    policy[direction].some(
      (rule) =>
        (rule.action === 'allow' || rule.action === 'pass') &&
        portsMayMatch(rule.ports, flow, destination) &&
        peersMayMatch(cluster, rule, flow.other),
    ),
  );
}

/** The tiers of administrators pass on what they do not match. */
function isolates(tier: string): boolean {
  return tier !== 'kube-admin' && tier !== 'kube-baseline';
}

function portsMayMatch(
  ports: 'any' | readonly PortMatch[],
  { port, protocol }: { readonly port: number | undefined; readonly protocol: string },
  destination: Workload | 'somebody',
): boolean {
  if (ports === 'any') return true;
  return ports.some((match) => {
    if (match.protocol !== protocol) return false;
    if (match.kind === 'all' || port === undefined) return true;
    if (match.kind === 'range') return port >= match.first && port <= match.last;
    if (destination === 'somebody') return true;
    return destination.pod.ports.some(
      (each) => each.name === match.name && each.protocol === protocol && each.port === port,
    );
  });
}

function peersMayMatch(cluster: LintCluster, rule: Rule, other: Workload | 'somebody'): boolean {
  if (rule.peers === 'any') return true;
  return rule.peers.some((peer) =>
    other === 'somebody' ? mayExist(cluster, peer) : other.pod.hostNetwork || peerMayBe(peer, other),
  );
}

function peerMayBe(peer: Peer, { namespace, labels }: Workload): boolean {
  if (peer.kind === 'pods') return choosesNamespace(peer.namespaces, namespace) && matchesLabels(peer.pods, labels);
  if (peer.kind === 'endpoints') return matchesLabels(peer.selector, labels);
  return peer.kind !== 'nodes';
}

/** Whether the peer may be anybody at all, as far as the files tell. */
function mayExist(cluster: LintCluster, peer: Peer): boolean {
  if (peer.kind !== 'pods') return true;
  if (cluster.select(peer, peer.key).length > 0) return true;
  const { namespaces } = peer;
  if (namespaces.kind === 'name') return !cluster.knowsPodsOf(namespaces.name);
  const chosen = cluster.namespacesIn(namespaces);
  return !cluster.knowsNamespaces || chosen.some(({ name }) => !cluster.knowsPodsOf(name));
}
