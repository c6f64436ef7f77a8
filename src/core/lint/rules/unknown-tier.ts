import { suggest } from '../../kube/suggest.ts';
import { BUILT_IN_TIERS } from '../../policy/index.ts';
import { declaredTiers } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';

/** A note when the files hold no Tier at all and are not those of a whole cluster: somebody else may have made it. */
export const unknownTier: LintRule = {
  id: 'unknown-tier',
  severity: 'warning',
  summary: 'a policy of a tier that does not exist, so that it is not in force',
  *check(cluster) {
    const declared = declaredTiers(cluster);
    const known = [
      ...BUILT_IN_TIERS.map(({ name }) => name),
      'adminnetworkpolicy',
      'baselineadminnetworkpolicy',
      ...declared,
    ];
    for (const { policy, manifest } of cluster.policies) {
      if (known.includes(policy.tier)) continue;
      const suggestion = suggest(policy.tier, ['default', ...declared]);
      yield {
        manifest,
        path: 'spec.tier',
        message: (m) => m.unknownTier(policy.tier),
        ...(declared.length > 0 || cluster.isWhole ? {} : { severity: 'note' as const }),
        ...(suggestion === undefined ? {} : { suggestion }),
      };
    }
  },
};
