import { formatSelector, matchesLabels } from '../../kube/labels.ts';
import type { Manifest } from '../../kube/yaml.ts';
import type { PodSet } from '../../policy/index.ts';
import type { LintCluster, PolicyEntry } from '../lint-cluster.ts';
import type { LintRule, Phrase, Report } from '../model.ts';
import { labelsOf, nearSelector } from '../near-label.ts';
import { kindOf, valueAt } from '../objects.ts';
import { knowsPods } from '../policy-parts.ts';

/** Silent when the files hold no pods of the policy's namespace, or not the whole cluster that the policy is for. */
export const policySelectsNothing: LintRule = {
  id: 'policy-selects-nothing',
  severity: 'warning',
  summary: 'a policy whose selector chooses no pod, or only pods that policies cannot reach',
  check: (cluster) => cluster.policies.flatMap((entry) => check(cluster, entry)),
};

function check(cluster: LintCluster, { policy, manifest, issues }: PolicyEntry): Report[] {
  const { subject } = policy;
  if (issues.length > 0 || (policy.hosts !== undefined && hasHostEndpoints(cluster))) return [];
  if (subject.namespaces.kind !== 'name') return checkWhole(cluster, subject, manifest);
  if (!knowsPods(cluster, subject) || cluster.select(subject).length > 0) return [];
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

/** A policy of the whole cluster is told of only when the whole cluster is there. */
function checkWhole(cluster: LintCluster, subject: PodSet, manifest: Manifest): Report[] {
  const namespaces = cluster.namespacesIn(subject.namespaces);
  if (!cluster.isWhole || cluster.select(subject).length > 0) return [];
  const pods = namespaces.flatMap(({ name }) => cluster.podsOf(name)).filter(({ pod }) => !pod.hostNetwork);
  const suggestion = nearSelector(subject.pods, labelsOf(pods));
  const selector = formatSelector(subject.pods);
  const message: Phrase = (m) => m.noClusterSubject(namespaces.length, selector);
  return [{ manifest, path: 'spec', message, ...(suggestion === undefined ? {} : { suggestion }) }];
}

function hasHostEndpoints({ manifests }: LintCluster): boolean {
  return manifests.some(({ object }) => kindOf(object) === 'HostEndpoint');
}
