import { formatRequirement } from '../../kube/labels.ts';
import type { Selector } from '../../kube/labels.ts';
import { excludes } from '../containment.ts';
import type { LintRule, Phrase, Report } from '../model.ts';
import { everyRule, podPeersOf } from '../policy-parts.ts';

/** Needs nothing but the policy. */
export const contradictorySelector: LintRule = {
  id: 'contradictory-selector',
  severity: 'warning',
  summary: 'a selector whose requirements exclude each other',
  *check(cluster) {
    for (const { policy, manifest } of cluster.policies) {
      const message = contradiction(policy.subject.pods);
      if (message !== undefined) yield { manifest, path: 'spec.podSelector', message } satisfies Report;
    }
    for (const { entry, rule } of everyRule(cluster)) {
      for (const { pods, namespaces, source } of podPeersOf(rule)) {
        const message =
          contradiction(pods) ?? (namespaces.kind === 'name' ? undefined : contradiction(namespaces.selector));
        if (message !== undefined) yield { manifest: entry.manifest, path: source.path, message };
      }
    }
  },
};

function contradiction(selector: Selector): Phrase | undefined {
  if (selector.kind !== 'all-of') return undefined;
  for (const a of selector.requirements) {
    const b = selector.requirements.find((each) => excludes(a, each));
    if (b !== undefined) return (m) => m.contradiction(formatRequirement(a), formatRequirement(b));
  }
  return undefined;
}
