import type { LintCluster, Workload } from './lint-cluster.ts';
import { knowsPods, peersOf } from './policy-parts.ts';
import type { RuleEntry } from './policy-parts.ts';

/**
 * The pods whose ports a rule names: of an ingress rule the policy's own, of an egress rule those of its peers. Undefined
 * when the files do not tell, or some destinations are no pods.
 */
export function destinationsOf(
  cluster: LintCluster,
  { entry, direction, rule }: RuleEntry,
): readonly Workload[] | undefined {
  const { subject, hosts } = entry.policy;
  if (direction === 'ingress')
    return hosts === undefined && knowsPods(cluster, subject) ? cluster.select(subject) : undefined;
  if (rule.peers === 'any') return undefined;
  const found: Workload[] = [];
  for (const peer of peersOf(rule)) {
    if (peer.kind !== 'pods' || !knowsPods(cluster, peer)) return undefined;
    found.push(...cluster.select(peer, peer.key));
  }
  return found;
}
