import { formatSelector, matchesLabels, necessaryRequirements } from '../../core/kube/labels.ts';
import type { Labels, Requirement, Selector } from '../../core/kube/labels.ts';
import type { ClusterState } from '../../core/policy/cluster.ts';
import type { NamespaceSet, Policy, PodSet, Rule } from '../../core/policy/model.ts';
import type { SupposedPod } from '../../core/reach/index.ts';

/** Name of the namespace that is supposed; no real one has brackets. */
const NEW_NAMESPACE = '(new namespace)';

/**
 * Pods that are not there and that policies treat unlike those that are: one without labels in every namespace and in a new
 * one, and one for each set of pods that some policy names and nobody is in yet.
 */
export function supposedPods(state: ClusterState): readonly SupposedPod[] {
  const found = new Map<string, SupposedPod>();
  const add = (pod: Omit<SupposedPod, 'name'>): void => {
    const text = labelText(pod.labels);
    const name = text === '' ? '(new pod)' : `(new pod ${text})`;
    found.set(`${pod.namespace}/${name}`, { ...pod, name });
  };
  for (const name of [...namespacesOf(state)].sort()) add({ namespace: name, labels: {} });
  add({ namespace: NEW_NAMESPACE, namespaceLabels: {}, labels: {} });
  for (const set of namedSets(state)) {
    if (hasMember(set, state)) continue;
    const pod = memberOf(set, state);
    if (pod !== undefined) add(pod);
  }
  return [...found.values()];
}

function namespacesOf(state: ClusterState): Set<string> {
  return new Set([...state.namespaces.keys(), ...[...state.pods.values()].map(({ namespace }) => namespace)]);
}

/** The sets of pods that policies apply to or name as peers, in the order of evaluation. */
function* namedSets({ tiers }: ClusterState): Generator<PodSet> {
  for (const { policies } of tiers)
    for (const policy of policies) {
      yield policy.subject;
      for (const rule of [...policy.ingress, ...policy.egress]) yield* setsOf(rule, policy);
    }
}

function* setsOf({ peers, conditions = [] }: Rule, policy: Policy): Generator<PodSet> {
  const lists = [peers === 'any' ? [] : peers, ...conditions.map((each) => (each.kind === 'peer' ? each.peers : []))];
  for (const peer of lists.flat()) {
    if (peer.kind === 'pods') yield peer;
    // Which namespaces a selector over effective labels means is among its requirements.
    if (peer.kind === 'endpoints') yield { namespaces: policy.subject.namespaces, pods: peer.selector };
  }
}

function hasMember({ namespaces, pods }: PodSet, state: ClusterState): boolean {
  return [...state.pods.values()].some(
    (pod) =>
      !pod.hostNetwork &&
      !pod.completed &&
      chooses(namespaces, pod.namespace, state) &&
      matchesLabels(pods, pod.labels),
  );
}

function chooses(set: NamespaceSet, name: string, state: ClusterState): boolean {
  if (set.kind === 'name') return set.name === name;
  return matchesLabels(set.selector, state.namespaces.get(name)?.labels ?? { 'kubernetes.io/metadata.name': name });
}

/** A pod that would be in the set; undefined when its selectors are none that labels can be made up for. */
function memberOf({ namespaces, pods }: PodSet, state: ClusterState): Omit<SupposedPod, 'name'> | undefined {
  const labels = labelsFor(pods);
  if (labels === undefined) return undefined;
  if (namespaces.kind === 'name') return { namespace: namespaces.name, labels };
  const existing = [...state.namespaces.keys()].sort().find((name) => chooses(namespaces, name, state));
  if (existing !== undefined) return { namespace: existing, labels };
  const namespaceLabels = labelsFor(namespaces.selector);
  if (namespaceLabels === undefined) return undefined;
  const { 'kubernetes.io/metadata.name': own, ...rest } = namespaceLabels;
  const text = labelText(rest);
  const namespace = own ?? (text === '' ? NEW_NAMESPACE : `(new namespace ${text})`);
  return { namespace, namespaceLabels: rest, labels };
}

function labelsFor(selector: Selector): Labels | undefined {
  const requirements = necessaryRequirements(selector).filter(({ key }) => !isDerived(key));
  const labels = Object.fromEntries(requirements.flatMap(valueFor));
  if (selector.kind === 'expression' && requirements.length === 0) return undefined;
  return requirements.every((each) => each.operator !== 'NotIn' || !each.values.includes(labels[each.key] ?? ''))
    ? labels
    : undefined;
}

/** Labels that are not a pod's own: of its namespace and service account. */
function isDerived(key: string): boolean {
  return key.startsWith('projectcalico.org/') || key.startsWith('pcns.') || key.startsWith('pcsa.');
}

function valueFor({ key, operator, values }: Requirement): [string, string][] {
  if (operator === 'In') return [[key, values[0]!]];
  return operator === 'Exists' ? [[key, 'any']] : [];
}

function labelText(labels: Labels): string {
  const requirements = Object.entries(labels).map(([key, value]) => ({
    key,
    operator: 'In' as const,
    values: [value],
  }));
  return requirements.length === 0 ? '' : formatSelector({ kind: 'all-of', requirements });
}
