import { formatSelector, matchesLabels } from '../../kube/labels.ts';
import type { LintCluster, PolicyEntry } from '../lint-cluster.ts';
import type { LintRule, Phrase, Report } from '../model.ts';
import { labelsOf, nearSelector } from '../near-label.ts';
import { valueAt } from '../objects.ts';
import { knowsPods } from '../policy-parts.ts';

/** Silent when the files hold no pods of the policy's namespace, and about policies of the whole cluster. */
export const policySelectsNothing: LintRule = {
  id: 'policy-selects-nothing',
  severity: 'warning',
  summary: 'a policy whose selector chooses no pod, or only pods that policies cannot reach',
  check: (cluster) => cluster.policies.flatMap((entry) => check(cluster, entry)),
};

function check(cluster: LintCluster, { policy, manifest, issues }: PolicyEntry): Report[] {
  const { subject } = policy;
  if (subject.namespaces.kind !== 'name' || issues.length > 0 || !knowsPods(cluster, subject)) return [];
  if (cluster.select(subject).length > 0) return [];
  const namespace = subject.namespaces.name;
  const pods = cluster.podsOf(namespace);
  const path = valueAt(manifest.object, 'spec', 'selector') === undefined ? 'spec.podSelector' : 'spec.selector';
  const selector = formatSelector(subject.pods);
  if (pods.some(({ labels }) => matchesLabels(subject.pods, labels))) {
    const message: Phrase = (m) => m.subjectOnHost(selector, namespace);
    return [{ manifest, path, message }];
  }
  const suggestion = nearSelector(subject.pods, labelsOf(pods));
  const message: Phrase = (m) => m.noSubject(namespace, selector);
  return [{ manifest, path, message, ...(suggestion === undefined ? {} : { suggestion }) }];
}
