import { allOf, formatSelector, matchesLabels, necessaryRequirements } from '../kube/labels.ts';
import type { Labels, Selector } from '../kube/labels.ts';
import { effectiveLabels } from '../policy/index.ts';
import type { EndpointPeer } from '../policy/index.ts';
import type { LintCluster } from './lint-cluster.ts';
import type { Phrase, Report } from './model.ts';
import { nearSelector } from './near-label.ts';
import { fieldsOf, groupOf, itemsOf, kindOf, nameOf, textAt, valueAt } from './objects.ts';

const NAMESPACE = 'projectcalico.org/namespace';
/** Kinds that Calico's selectors choose beside pods. */
const LABELLED = new Set(['GlobalNetworkSet', 'HostEndpoint', 'NetworkSet']);

/**
 * What to say of a Calico selector that chooses no pod, network set or host endpoint; undefined when it chooses one, or the
 * files do not hold everything that it could choose.
 */
export function emptyEndpoints(
  cluster: LintCluster,
  { selector }: EndpointPeer,
): Pick<Report, 'message' | 'suggestion'> | undefined {
  const asked = necessaryRequirements(selector).find(({ key, operator }) => key === NAMESPACE && operator === 'In');
  const names = asked?.values ?? (cluster.isWhole ? [...cluster.namespaces].map(({ name }) => name) : []);
  if (names.length === 0 || !names.every((name) => cluster.knowsPodsOf(name))) return undefined;
  const pods = names.flatMap((name) => cluster.podsOf(name)).filter(({ pod }) => !pod.hostNetwork);
  const labels = [...pods.map((each) => each.labels), ...otherLabels(cluster)];
  if (labels.some((each) => matchesLabels(selector, each))) return undefined;
  const where: Phrase = (m) => (names.length === 1 ? m.oneNamespace(names[0]!) : m.manyNamespaces(names.length));
  const near = nearSelector(withoutNamespace(selector), labels);
  const shown = formatSelector(withoutNamespace(selector));
  return { message: (m) => m.noPeer(where(m), shown), ...(near === undefined ? {} : { suggestion: near }) };
}

/** A namespaced policy means its own namespace without saying so. */
function withoutNamespace(selector: Selector): Selector {
  if (selector.kind !== 'all-of') return selector;
  return allOf(selector.requirements.filter(({ key }) => key !== NAMESPACE));
}

function otherLabels(cluster: LintCluster): Labels[] {
  return cluster.manifests
    .filter(({ object }) => LABELLED.has(kindOf(object)) && groupOf(object).endsWith('projectcalico.org'))
    .map(({ object }) => {
      const own = { ...inherited(cluster, object), ...fieldsOf(valueAt(object, 'metadata', 'labels')) } as Labels;
      const namespace = textAt(object, 'metadata', 'namespace');
      return effectiveLabels(own, namespace === undefined ? {} : { namespace: cluster.namespace(namespace) });
    });
}

/** A host endpoint has the labels that its profiles give it. */
function inherited(cluster: LintCluster, object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const names = itemsOf(valueAt(object, 'spec', 'profiles'));
  if (names.length === 0) return {};
  const profiles = cluster.manifests.filter(
    (each) => kindOf(each.object) === 'Profile' && names.includes(nameOf(each.object)),
  );
  return Object.assign({}, ...profiles.map((each) => fieldsOf(valueAt(each.object, 'spec', 'labelsToApply'))));
}
