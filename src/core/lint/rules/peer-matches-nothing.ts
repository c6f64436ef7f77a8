import { formatSelector, matchesLabels } from '../../kube/labels.ts';
import type { PodPeer } from '../../policy/index.ts';
import type { LintCluster } from '../lint-cluster.ts';
import type { LintRule, Report } from '../model.ts';
import { labelsOf, nearSelector } from '../near-label.ts';
import { everyRule, knowsPods, listed, podPeersOf } from '../policy-parts.ts';

/** Silent when the files do not hold pods of every namespace that the peer could mean. */
export const peerMatchesNothing: LintRule = {
  id: 'peer-matches-nothing',
  severity: 'warning',
  summary: 'a peer whose selectors choose no pod',
  *check(cluster) {
    for (const { entry, rule } of everyRule(cluster)) {
      if (rule.action !== 'allow') continue;
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
  const where = chosen.length === 1 ? `namespace ${chosen[0]!.name}` : `the ${chosen.length} namespaces chosen`;
  if (here.some(({ labels }) => matchesLabels(peer.pods, labels)))
    return {
      message: `the pods that match ${selector} in ${where} are on the host's network, which only an ipBlock matches`,
    };
  const near = nearSelector(peer.pods, labelsOf(here));
  if (near !== undefined) return { message: `no pod of ${where} matches ${selector}`, suggestion: near };
  const elsewhere = cluster.workloads
    .filter(({ pod, labels }) => !pod.hostNetwork && matchesLabels(peer.pods, labels))
    .map(({ namespace }) => namespace.name);
  if (elsewhere.length === 0) return { message: `no pod of ${where} matches ${selector}` };
  const own = namespaces.kind === 'name' ? `; podSelector alone means pods of the policy's own namespace` : '';
  return {
    message: `no pod of ${where} matches ${selector}; pods that do are in ${listed(elsewhere)}${own}`,
    ...(new Set(elsewhere).size === 1 && own !== ''
      ? { suggestion: `a namespaceSelector for kubernetes.io/metadata.name: ${elsewhere[0]} in the same item` }
      : {}),
  };
}
