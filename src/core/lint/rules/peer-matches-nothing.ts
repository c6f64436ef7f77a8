import { formatSelector, matchesLabels } from '../../kube/labels.ts';
import type { PodPeer } from '../../policy/index.ts';
import { emptyEndpoints } from '../empty-endpoints.ts';
import type { LintCluster } from '../lint-cluster.ts';
import type { LintRule, Phrase, Report } from '../model.ts';
import { labelsOf, nearSelector } from '../near-label.ts';
import { everyRule, knowsPods, listed, peersOf, podPeersOf } from '../policy-parts.ts';

/** Silent when the files do not hold pods of every namespace that the peer could mean. */
export const peerMatchesNothing: LintRule = {
  id: 'peer-matches-nothing',
  severity: 'warning',
  summary: 'a peer whose selectors choose no pod',
  *check(cluster) {
    for (const { entry, rule } of everyRule(cluster)) {
      if (rule.action !== 'allow') continue;
      for (const peer of peersOf(rule)) {
        const found = peer.kind === 'endpoints' ? emptyEndpoints(cluster, peer) : undefined;
        if (found !== undefined) yield { manifest: entry.manifest, path: peer.source.path, ...found };
      }
      for (const peer of podPeersOf(rule)) {
        if (!knowsPods(cluster, peer) || cluster.select(peer, peer.key).length > 0) continue;
        yield { manifest: entry.manifest, path: peer.source.path, ...explain(cluster, peer) };
      }
    }
  },
};

function explain(cluster: LintCluster, peer: PodPeer): Pick<Report, 'message' | 'suggestion'> {
  const { namespaces } = peer;
  const chosen = cluster.namespacesIn(namespaces);
  const selector = formatSelector(peer.pods);
  const here = chosen.flatMap(({ name }) => cluster.podsOf(name));
  const where: Phrase = (m) =>
    chosen.length === 1 ? m.oneNamespace(chosen[0]!.name) : m.manyNamespaces(chosen.length);
  if (here.some(({ labels }) => matchesLabels(peer.pods, labels)))
    return { message: (m) => m.peerOnHost(selector, where(m)) };
  const nobody: Phrase = (m) => m.noPeer(where(m), selector);
  const near = nearSelector(peer.pods, labelsOf(here));
  if (near !== undefined) return { message: nobody, suggestion: near };
  const elsewhere = cluster.workloads
    .filter(({ pod, labels }) => !pod.hostNetwork && matchesLabels(peer.pods, labels))
    .map(({ namespace }) => namespace.name);
  const [only] = elsewhere;
  if (only === undefined) return { message: nobody };
  const ownOnly = namespaces.kind === 'name';
  return {
    message: (m) => m.peerElsewhere(where(m), selector, listed(m, elsewhere), ownOnly),
    ...(new Set(elsewhere).size === 1 && ownOnly ? { suggestion: (m) => m.selectorInSameItem(only) } : {}),
  };
}
