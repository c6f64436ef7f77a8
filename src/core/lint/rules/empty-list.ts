import type { LintRule } from '../model.ts';
import { fieldsOf, isNetworkPolicy, itemsOf, valueAt } from '../objects.ts';

/** Needs nothing but the policy. */
export const emptyList: LintRule = {
  id: 'empty-list-means-all',
  severity: 'warning',
  summary: 'an empty from, to or ports, which means all and not none',
  *check(cluster) {
    for (const { manifest } of cluster.policies) {
      if (!isNetworkPolicy(manifest.object)) continue;
      for (const [direction, side] of [
        ['ingress', 'from'],
        ['egress', 'to'],
      ] as const) {
        for (const [index, rule] of itemsOf(valueAt(manifest.object, 'spec', direction)).entries()) {
          for (const field of [side, 'ports'] as const) {
            const value = fieldsOf(rule)[field];
            if (!(field in fieldsOf(rule)) || (value !== null && !(Array.isArray(value) && value.length === 0)))
              continue;
            const path = `spec.${direction}[${index}].${field}`;
            yield { manifest, path, message: (m) => m.emptyList(field), suggestion: (m) => m.ruleOrNoField(field) };
          }
        }
      }
    }
  },
};
