import { necessaryRequirements } from '../../kube/labels.ts';
import type { Selector } from '../../kube/labels.ts';
import type { LintRule, Report } from '../model.ts';
import { everyRule, podPeersOf } from '../policy-parts.ts';

const NAME = 'kubernetes.io/metadata.name';

/** Needs nothing but the policy. */
export const namespaceLabelOnPods: LintRule = {
  id: 'namespace-label-on-pods',
  severity: 'warning',
  summary: 'a podSelector by the name label of namespaces, which pods do not have',
  *check(cluster) {
    for (const { policy, manifest } of cluster.policies)
      if (asks(policy.subject.pods)) yield { manifest, path: 'spec.podSelector', ...text() };
    for (const { entry, rule } of everyRule(cluster))
      for (const peer of podPeersOf(rule))
        if (asks(peer.pods))
          yield {
            manifest: entry.manifest,
            path: `${peer.source.path}.podSelector`,
            ...text(),
            suggestion: 'namespaceSelector',
          };
  },
};

function asks(selector: Selector): boolean {
  return necessaryRequirements(selector).some(({ key, operator }) => key === NAME && operator === 'In');
}

function text(): Pick<Report, 'message'> {
  return { message: (m) => m.namespaceLabelOnPods(NAME) };
}
