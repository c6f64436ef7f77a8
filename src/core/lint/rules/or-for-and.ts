import { formatSelector, selectorKey } from '../../kube/labels.ts';
import { EVERYTHING } from '../../kube/labels.ts';
import type { PodPeer } from '../../policy/index.ts';
import type { LintCluster } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';
import { everyRule, peersOf } from '../policy-parts.ts';

/**
 * Two items, one with namespaceSelector alone and one with podSelector alone. Silent when the files show that the second
 * item means something by itself: pods of the policy's own namespace match it.
 */
export const orForAnd: LintRule = {
  id: 'or-for-and',
  severity: 'warning',
  summary: 'two peers, each with one selector, where one peer with both was probably meant',
  *check(cluster) {
    for (const { entry, direction, rule } of everyRule(cluster)) {
      const peers = peersOf(rule);
      const namespacePeer = peers.find((peer): peer is PodPeer => peer.kind === 'pods' && isNamespaceOnly(peer));
      const podPeer = peers.find((peer): peer is PodPeer => peer.kind === 'pods' && isPodOnly(peer));
      if (
        namespacePeer === undefined ||
        podPeer === undefined ||
        !looksSplit(cluster, peers.length, namespacePeer, podPeer)
      )
        continue;
      const from = direction === 'ingress' ? 'from' : 'to';
      const [whole, part] = [selectorOf(namespacePeer), formatSelector(podPeer.pods)];
      yield {
        manifest: entry.manifest,
        path: (peers.indexOf(namespacePeer) < peers.indexOf(podPeer) ? podPeer : namespacePeer).source.path,
        message: (m) => m.orForAnd(from, whole, part),
        suggestion: (m) => m.oneItem(),
      };
    }
  },
};

/** With evidence against alternatives, always; without any, only when the two stand alone. */
function looksSplit(cluster: LintCluster, count: number, namespacePeer: PodPeer, podPeer: PodPeer): boolean {
  if (podPeer.namespaces.kind !== 'name') return false;
  if (!cluster.knowsPodsOf(podPeer.namespaces.name)) return count === 2;
  if (cluster.select(podPeer, podPeer.key).length > 0) return false;
  const { namespaces } = namespacePeer;
  return count === 2 || cluster.select({ namespaces, pods: podPeer.pods }).length > 0;
}

function isNamespaceOnly({ namespaces, pods }: PodPeer): boolean {
  return namespaces.kind === 'selector' && !isEverything(namespaces.selector) && isEverything(pods);
}

function isPodOnly({ namespaces, pods }: PodPeer): boolean {
  return namespaces.kind === 'name' && !isEverything(pods);
}

function isEverything(selector: PodPeer['pods']): boolean {
  return selectorKey(selector) === selectorKey(EVERYTHING);
}

function selectorOf({ namespaces }: PodPeer): string {
  return namespaces.kind === 'name' ? namespaces.name : formatSelector(namespaces.selector);
}
