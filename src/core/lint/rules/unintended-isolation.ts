import type { Direction } from '../../policy/index.ts';
import { subjectCovers } from '../containment.ts';
import type { LintCluster, PolicyEntry } from '../lint-cluster.ts';
import type { LintRule, Report } from '../model.ts';
import { isNetworkPolicy, itemsOf, valueAt } from '../objects.ts';
import { knowsPods } from '../policy-parts.ts';
import { policiesOf } from '../permits.ts';

/** Silent when another policy allows something in that direction, and about policies without any rule: those say deny. */
export const unintendedIsolation: LintRule = {
  id: 'unintended-isolation',
  severity: 'warning',
  summary: 'a policy that closes a direction which it does not speak of',
  *check(cluster) {
    for (const entry of cluster.policies) {
      const { policy, manifest } = entry;
      if (!isNetworkPolicy(manifest.object)) continue;
      const types = itemsOf(valueAt(manifest.object, 'spec', 'policyTypes'));
      const written = (direction: Direction): number => itemsOf(valueAt(manifest.object, 'spec', direction)).length;
      if (types.length === 0 && policy.applies.egress && written('egress') > 0 && written('ingress') === 0)
        yield* closes(cluster, entry, 'ingress');
      if (types.length !== 2 || policy.ingress.length + policy.egress.length === 0) continue;
      for (const direction of ['ingress', 'egress'] as const)
        if (written(direction) === 0) yield* closes(cluster, entry, direction, 'note');
    }
  },
};

function* closes(
  cluster: LintCluster,
  entry: PolicyEntry,
  direction: Direction,
  severity?: Report['severity'],
): Generator<Report> {
  if (isOpened(cluster, entry, direction)) return;
  yield severity === undefined
    ? {
        manifest: entry.manifest,
        path: 'spec',
        message: (m) => m.closedByDefault(direction),
        suggestion: 'policyTypes: [Egress]',
      }
    : {
        manifest: entry.manifest,
        path: 'spec.policyTypes',
        severity,
        message: (m) => m.closedByType(direction),
      };
}

/** Whether other policies have rules for the same pods. */
function isOpened(cluster: LintCluster, { policy }: PolicyEntry, direction: Direction): boolean {
  const { subject } = policy;
  const rules = (entries: readonly PolicyEntry[]): boolean => entries.some((each) => each.policy[direction].length > 0);
  if (knowsPods(cluster, subject)) {
    const pods = cluster.select(subject);
    return pods.length > 0 && pods.every((pod) => rules(policiesOf(cluster, pod, direction)));
  }
  const namespace = subject.namespaces.kind === 'name' ? subject.namespaces.name : '';
  return rules(cluster.policiesFor(namespace).filter((each) => subjectCovers(each.policy, policy)));
}
