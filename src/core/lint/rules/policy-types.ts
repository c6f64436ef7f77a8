import type { Manifest } from '../../kube/yaml.ts';
import type { LintRule, Phrase, Report } from '../model.ts';
import type { LintCluster } from '../lint-cluster.ts';
import { itemsOf, isNetworkPolicy, valueAt } from '../objects.ts';

/** Needs nothing but the policy. Calico's `types` are held to the same. */
export const policyTypes: LintRule = {
  id: 'policy-types',
  severity: 'warning',
  summary: 'rules of a direction that policyTypes leaves out, so that they do nothing',
  repairs: true,
  check,
};

function* check(cluster: LintCluster): Generator<Report> {
  for (const { manifest } of cluster.policies) {
    const field = isNetworkPolicy(manifest.object) ? 'policyTypes' : 'types';
    const types = itemsOf(valueAt(manifest.object, 'spec', field));
    if (types.length === 0) continue;
    for (const [direction, type] of [
      ['ingress', 'Ingress'],
      ['egress', 'Egress'],
    ] as const) {
      const rules = itemsOf(valueAt(manifest.object, 'spec', direction));
      if (rules.length === 0 || types.includes(type)) continue;
      const path = `spec.${field}`;
      const message: Phrase = (m) => m.typeMissing(field, type, direction);
      const both = [...types.map(String), type].join(', ');
      // A direction that is listed without a rule may have been taken for the other one.
      const mixedUp = direction === 'egress' ? noRules(manifest, 'ingress') : noRules(manifest, 'egress');
      if (mixedUp) yield { manifest, path, message, suggestion: (m) => m.eitherOr(`[${type}]`, `[${both}]`) };
      else
        yield { manifest, path, message, suggestion: `[${both}]`, repair: { kind: 'append-item', path, item: type } };
    }
  }
}

function noRules({ object }: Manifest, direction: string): boolean {
  return itemsOf(valueAt(object, 'spec', direction)).length === 0;
}
