import { matchesLabels, parseLabelMap } from '../kube/labels.ts';
import type { Labels } from '../kube/labels.ts';
import type { Manifest } from '../kube/yaml.ts';
import { choosesNamespace, effectiveLabels, namespaceInfo, normalisePolicy, serviceInfo } from '../policy/index.ts';
import type {
  NamespaceInfo,
  NamespaceSet,
  PodEndpoint,
  PodSet,
  Policy,
  PolicyIssue,
  PolicyObject,
  ServiceInfo,
} from '../policy/index.ts';
import { podSetKey } from '../policy/index.ts';
import type { Namespace, Service } from '../kube/types.ts';
import { fieldsOf, groupOf, identityOf, itemsOf, kindOf, namespaceOf, nameOf, textAt, valueAt } from './objects.ts';
import { isOperated, workloadOf } from './workload.ts';

/** A pod, or the pods that a workload's template describes. */
export interface Workload {
  readonly manifest: Manifest;
  /** As messages call it: `Deployment shop/web`. */
  readonly title: string;
  readonly namespace: NamespaceInfo;
  /** With the labels of its template. */
  readonly pod: PodEndpoint;
  /** Effective labels: what policies are matched against. */
  readonly labels: Labels;
  /** Every port that its containers declare, named or not. */
  readonly declared: readonly DeclaredPort[];
}

/** A port of a container, as it is declared. */
export interface DeclaredPort {
  readonly name?: string;
  readonly protocol: string;
  readonly port: number;
}

/** A policy and where it was read. */
export interface PolicyEntry {
  readonly policy: Policy;
  readonly manifest: Manifest;
  readonly issues: readonly PolicyIssue[];
}

/** A Service and where it was read. */
export interface ServiceEntry {
  readonly service: ServiceInfo;
  readonly manifest: Manifest;
  /** Pods that its selector chooses; undefined when it has none. */
  readonly backends: readonly Workload[] | undefined;
}

/** Namespaces that every cluster has, whether or not they are among the files. */
export const ALWAYS_THERE: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);

/**
 * Everything that was loaded, indexed for the rules. The files may hold a part of the cluster only, so every question
 * about what is not there has an answer for "cannot be known".
 */
export class LintCluster {
  /** All of them; of two with one identity, everything else here knows the last only. */
  readonly manifests: readonly Manifest[];
  readonly policies: readonly PolicyEntry[];
  readonly workloads: readonly Workload[];
  readonly services: readonly ServiceEntry[];
  /** Namespaces that have an object of their own, by name. */
  readonly declared: ReadonlyMap<string, NamespaceInfo>;
  readonly #byNamespace: ReadonlyMap<string, readonly Workload[]>;
  readonly #selected = new Map<string, readonly Workload[]>();
  readonly #namespaces: ReadonlyMap<string, NamespaceInfo>;
  /** Namespaces with resources of which an operator makes pods. */
  readonly #operated: ReadonlySet<string>;
  readonly #chosen = new Map<NamespaceSet, readonly NamespaceInfo[]>();
  #policies: ReadonlyMap<string, readonly PolicyEntry[]> | undefined;

  /** Of manifests that have passed the checks of their structure. */
  constructor(given: readonly Manifest[]) {
    this.manifests = given;
    const manifests = lastOfEach(given);
    this.declared = new Map(
      manifests
        .filter(({ object }) => kindOf(object) === 'Namespace' && object['apiVersion'] === 'v1')
        .map(({ object }) => namespaceInfo(object as Namespace))
        .map((each) => [each.name, each]),
    );
    this.#operated = new Set(
      manifests.filter(({ object }) => isOperated(object)).map(({ object }) => namespaceOf(object)),
    );
    const accounts = serviceAccountLabels(manifests);
    this.workloads = manifests.flatMap((manifest) => {
      const found = workloadOf(manifest);
      if (found === undefined) return [];
      const { pod } = found;
      const namespace = this.namespace(pod.namespace);
      const serviceAccount = {
        name: pod.serviceAccount,
        labels: accounts.get(`${pod.namespace}/${pod.serviceAccount}`) ?? {},
      };
      return [{ ...found, manifest, namespace, labels: effectiveLabels(pod.labels, { namespace, serviceAccount }) }];
    });
    this.#byNamespace = Map.groupBy(this.workloads, ({ pod }) => pod.namespace);
    const all = new Map(this.declared);
    for (const { namespace } of this.workloads) all.set(namespace.name, namespace);
    this.#namespaces = all;
    this.policies = manifests.flatMap((manifest) => {
      const read = normalisePolicy(manifest.object as PolicyObject, (path) => manifest.locate(path));
      return read === undefined ? [] : [{ ...read, manifest }];
    });
    this.services = manifests
      .filter(({ object }) => kindOf(object) === 'Service' && object['apiVersion'] === 'v1')
      .map((manifest) => this.#service(manifest));
  }

  /** The namespace; one without an object of its own has only its name label. */
  namespace(name: string): NamespaceInfo {
    return this.declared.get(name) ?? { name, labels: { 'kubernetes.io/metadata.name': name } };
  }

  /** Every namespace that is declared or has pods. */
  get namespaces(): Iterable<NamespaceInfo> {
    return this.#namespaces.values();
  }

  /** Whether the files tell which namespaces there are. */
  get knowsNamespaces(): boolean {
    return this.declared.size > 0;
  }

  /** Whether the files are those of a whole cluster: every one has this namespace, and no project declares it; with pods. */
  get isWhole(): boolean {
    return this.declared.has('kube-system') && this.workloads.length > 0;
  }

  /**
   * Whether the files tell which pods the namespace has: they hold at least one, and nothing of which an operator may make
   * others.
   */
  knowsPodsOf(namespace: string): boolean {
    if (this.isWhole) return true;
    return this.#byNamespace.has(namespace) && !this.#operated.has(namespace);
  }

  /** The namespace's pods. */
  podsOf(namespace: string): readonly Workload[] {
    return this.#byNamespace.get(namespace) ?? [];
  }

  /** The policies in force that may select pods of the namespace. */
  policiesFor(namespace: string): readonly PolicyEntry[] {
    this.#policies ??= Map.groupBy(
      this.policies.filter(({ policy }) => !policy.staged),
      ({ policy: { subject } }) => (subject.namespaces.kind === 'name' ? subject.namespaces.name : ''),
    );
    return [...(this.#policies.get(namespace) ?? []), ...(this.#policies.get('') ?? [])];
  }

  /** The namespaces in the set, of those that are known. */
  namespacesIn(set: NamespaceSet): readonly NamespaceInfo[] {
    if (set.kind === 'name') return [this.namespace(set.name)];
    let chosen = this.#chosen.get(set);
    if (chosen === undefined) {
      chosen = [...this.#namespaces.values()].filter((each) => choosesNamespace(set, each));
      this.#chosen.set(set, chosen);
    }
    return chosen;
  }

  /** Pods in the set, of those that are known. hostNetwork pods are in none. `key` is {@link podSetKey} of the set. */
  select(set: PodSet, key = podSetKey(set)): readonly Workload[] {
    const known = this.#selected.get(key);
    if (known !== undefined) return known;
    const found = this.namespacesIn(set.namespaces).flatMap(({ name }) =>
      this.podsOf(name).filter(({ pod, labels }) => !pod.hostNetwork && matchesLabels(set.pods, labels)),
    );
    this.#selected.set(key, found);
    return found;
  }

  #service(manifest: Manifest): ServiceEntry {
    const service = serviceInfo(readableService(manifest.object));
    if (service.selector === undefined) return { service, manifest, backends: undefined };
    const selector = parseLabelMap(service.selector);
    const backends = this.podsOf(service.namespace).filter(({ pod }) => matchesLabels(selector, pod.labels));
    return { service, manifest, backends };
  }
}

/** As if all were applied in their order. Objects whose names the API server makes are all of their own. */
function lastOfEach(manifests: readonly Manifest[]): readonly Manifest[] {
  const last = new Map(manifests.map((each) => [identityOf(each.object), each]));
  if (last.size === manifests.length) return manifests;
  return manifests.filter((each) => nameOf(each.object) === '' || last.get(identityOf(each.object)) === each);
}

/** The API server keeps the status out of files; one that is there all the same may be anything. */
function readableService(object: Readonly<Record<string, unknown>>): Service {
  const ingress = itemsOf(valueAt(object, 'status', 'loadBalancer', 'ingress')).map(fieldsOf);
  return { ...object, status: { loadBalancer: { ingress } } } as Service;
}

function serviceAccountLabels(manifests: readonly Manifest[]): Map<string, Labels> {
  const result = new Map<string, Labels>();
  for (const { object } of manifests) {
    if (kindOf(object) !== 'ServiceAccount' || groupOf(object) !== '') continue;
    const labels = Object.entries(fieldsOf(fieldsOf(object['metadata'])['labels']));
    const texts = labels.filter((each): each is [string, string] => typeof each[1] === 'string');
    result.set(`${namespaceOf(object)}/${nameOf(object)}`, Object.fromEntries(texts));
  }
  return result;
}

/** Names of Calico's tiers that are among the files. */
export function declaredTiers(cluster: LintCluster): string[] {
  return cluster.manifests
    .filter(({ object }) => kindOf(object) === 'Tier' && groupOf(object).endsWith('projectcalico.org'))
    .flatMap(({ object }) => textAt(object, 'metadata', 'name') ?? []);
}
