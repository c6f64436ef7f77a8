import { EVERYTHING, formatSelector, necessaryRequirements, selectorKey } from '../../kube/labels.ts';
import type { PodPeer, Policy } from '../../policy/index.ts';
import type { LintCluster } from '../lint-cluster.ts';
import type { LintRule, Severity } from '../model.ts';
import { everyRule, knowsPods, peersOf } from '../policy-parts.ts';

/**
 * One item with both selectors. A warning when the files show that it chooses nothing while two items would; a note when
 * they show nothing, it is the only peer, and the namespaces are not chosen by name, as people who mean both do.
 */
export const andForOr: LintRule = {
  id: 'and-for-or',
  severity: 'warning',
  summary: 'one peer with two selectors where two peers may have been meant',
  *check(cluster) {
    for (const { entry, direction, rule } of everyRule(cluster)) {
      const peers = peersOf(rule);
      for (const peer of peers) {
        if (peer.kind !== 'pods' || peer.namespaces.kind !== 'selector' || !namesBoth(peer)) continue;
        const severity = judge(cluster, entry.policy, peer, peers.length);
        if (severity === undefined) continue;
        const side = direction === 'ingress' ? 'from' : 'to';
        const pods = formatSelector(peer.pods);
        const namespaces = formatSelector(peer.namespaces.selector);
        yield {
          manifest: entry.manifest,
          path: peer.source.path,
          severity,
          message: (m) => m.andForOr(side, pods, namespaces),
          suggestion: (m) => m.twoItems(),
        };
      }
    }
  },
};

function namesBoth({ namespaces, pods }: PodPeer): boolean {
  const everything = selectorKey(EVERYTHING);
  return namespaces.kind === 'selector' && ![selectorKey(namespaces.selector), selectorKey(pods)].includes(everything);
}

function judge(cluster: LintCluster, { subject }: Policy, peer: PodPeer, count: number): Severity | undefined {
  if (subject.namespaces.kind !== 'name' || peer.namespaces.kind !== 'selector') return undefined;
  const byName = necessaryRequirements(peer.namespaces.selector).some(
    ({ key }) => key === 'kubernetes.io/metadata.name',
  );
  if (cluster.workloads.length === 0 && !cluster.knowsNamespaces) return count === 1 && !byName ? 'note' : undefined;
  if (!knowsPods(cluster, peer) || cluster.select(peer, peer.key).length > 0) return undefined;
  const own = cluster.select({ namespaces: subject.namespaces, pods: peer.pods });
  const whole = cluster.select({ namespaces: peer.namespaces, pods: EVERYTHING });
  return own.length > 0 && whole.length > 0 ? 'warning' : undefined;
}
