import { EVERYTHING } from '../kube/labels.ts';
import type { Labels } from '../kube/labels.ts';
import { NAMESPACE_LABEL, NAMESPACE_PREFIX } from '../policy/effective-labels.ts';
import { podSetKey } from '../policy/index.ts';
import type { ClusterState, Peer, PodSet, Policy, Rule } from '../policy/index.ts';
import { exampleLabels, labelText } from './example-labels.ts';
import type { GroupConnection, Reachability, SupposedPod } from './model.ts';
import { reach } from './reach.ts';

/** A pod that is not there, why it was thought of, and all that it could talk to. */
export interface Exposure {
  readonly pod: SupposedPod;
  /** Whether its namespace is not there either. */
  readonly newNamespace: boolean;
  /** To the groups of `reachability`; other supposed pods left out. */
  readonly reaches: readonly GroupConnection[];
  readonly reachedBy: readonly GroupConnection[];
}

/** What pods that are not there yet could reach, and be reached by. */
export interface Exposures {
  readonly reachability: Reachability;
  readonly exposures: readonly Exposure[];
}

/** Name of the namespace that stands for one that is not there. */
export const NEW_NAMESPACE = 'new-namespace';

/**
 * The exposure of a pod without labels in each namespace and in a new one, and of one pod for every way to meet a selector in
 * the policies: with the labels that it asks for and no others, in a namespace with those that it asks for.
 */
export function exposures(state: ClusterState): Exposures {
  const supposed = supposedPods(state);
  const reachability = reach(state, { supposed });
  const own = new Set(supposed.map(({ name }) => reachability.resolve({ kind: 'supposed', name })!.group));
  return {
    reachability,
    exposures: supposed.map((pod) => {
      const { group } = reachability.resolve({ kind: 'supposed', name: pod.name })!;
      const others = (connections: Iterable<GroupConnection>, side: 'from' | 'to'): GroupConnection[] =>
        [...connections].filter((each) => !own.has(each[side]));
      return {
        pod,
        newNamespace: !state.namespaces.has(pod.namespace),
        reaches: others(reachability.connections({ from: [group] }), 'to'),
        reachedBy: others(reachability.connections({ to: [group] }), 'from'),
      };
    }),
  };
}

/** The pods that {@link exposures} supposes, by name. */
export function supposedPods(state: ClusterState): SupposedPod[] {
  const supposed = new Map<string, SupposedPod>();
  const suppose = (pod: Omit<SupposedPod, 'name'>): void => {
    const namespaceLabels = pod.namespaceLabels === undefined ? '' : ` (${labelText(pod.namespaceLabels)})`;
    const name = `${pod.namespace}${namespaceLabels}/${labelText(pod.labels)}`;
    if (!supposed.has(name)) supposed.set(name, { ...pod, name });
  };
  for (const namespace of namespacesOf(state)) suppose({ namespace, labels: {} });
  suppose({ namespace: NEW_NAMESPACE, namespaceLabels: {}, labels: {} });
  for (const set of setsOf(state)) for (const pod of membersOf(set)) suppose(pod);
  return [...supposed.values()];
}

/** Also those that have pods and were not listed themselves, as is common in files. */
function namespacesOf({ namespaces, pods }: ClusterState): string[] {
  return [...new Set([...namespaces.keys(), ...[...pods.values()].map(({ namespace }) => namespace)])].sort();
}

/** Every set of pods in a subject or peer, once. */
function setsOf({ tiers }: ClusterState): PodSet[] {
  const sets = new Map<string, PodSet>();
  const add = (set: PodSet): void => void sets.set(podSetKey(set), set);
  for (const { policies } of tiers)
    for (const policy of policies) {
      add(policy.subject);
      for (const peer of peersOf(policy)) {
        if (peer.kind === 'pods') add(peer);
        else if (peer.kind === 'endpoints')
          add({ namespaces: { kind: 'selector', selector: EVERYTHING }, pods: peer.selector });
      }
    }
  return [...sets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, set]) => set);
}

function peersOf({ ingress, egress }: Policy): Peer[] {
  return [...ingress, ...egress].flatMap(({ peers, conditions = [] }: Rule) => [
    ...(peers === 'any' ? [] : peers),
    ...conditions.flatMap((each) => (each.kind === 'peer' ? each.peers : [])),
  ]);
}

/** Pods of the set, in a namespace that is there if it names one, else in a new one; none where no labels would do. */
function membersOf({ namespaces, pods }: PodSet): Omit<SupposedPod, 'name'>[] {
  const asked = namespaces.kind === 'name' ? [{}] : exampleLabels(namespaces.selector);
  return exampleLabels(pods).flatMap((all) => asked.map((each) => memberWith(all, each, namespaces)));
}

function memberWith(all: Labels, asked: Labels, namespaces: PodSet['namespaces']): Omit<SupposedPod, 'name'> {
  const isOwn = (key: string): boolean => !key.startsWith(NAMESPACE_PREFIX) && key !== NAMESPACE_LABEL;
  const labels = Object.fromEntries(Object.entries(all).filter(([key]) => isOwn(key)));
  const namespaceLabels = { ...asked, ...ofNamespace(all) };
  const known =
    namespaces.kind === 'name'
      ? namespaces.name
      : (all[NAMESPACE_LABEL] ?? namespaceLabels['kubernetes.io/metadata.name']);
  return known === undefined ? { namespace: NEW_NAMESPACE, namespaceLabels, labels } : { namespace: known, labels };
}

/** Labels that the endpoint would have from its namespace, as the namespace's own. */
function ofNamespace(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) =>
      key.startsWith(NAMESPACE_PREFIX) ? [[key.slice(NAMESPACE_PREFIX.length), value]] : [],
    ),
  );
}
