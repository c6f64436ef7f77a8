import type { Manifest } from '../kube/yaml.ts';
import { nameOf, namespaceNameOf } from '../kube/object-name.ts';
import type { EndpointSlice, Namespace, Node, Pod, Service, ServiceAccount } from '../kube/types.ts';
import type { ClusterObjects, LocateObject } from './cluster-state.ts';
import { NORMALISERS } from './normalise/registry.ts';
import type { PolicyObject } from './normalise/registry.ts';
import type { Locate } from './normalise/scope.ts';
import { WORKLOAD_KINDS, representative, templatePath } from './workloads.ts';
import type { Workload } from './workloads.ts';

/** A cluster's objects by kind, and where each was read from: the arguments of `clusterState`. */
export interface LocatedObjects {
  readonly objects: ClusterObjects;
  readonly locate: LocateObject;
  /** What no verdict depends on, such as ConfigMaps and unknown kinds. */
  readonly others: readonly Manifest[];
}

/**
 * Sorts what was read from files by what verdicts need. Workloads become one pod each that stands for theirs
 * ({@link representative}) unless pods of theirs are there or among `existing`; a Pod as it was written, without a status,
 * counts as running.
 */
export function clusterObjects(manifests: readonly Manifest[], existing: Iterable<Pod> = []): LocatedObjects {
  const sorted = new Sorted();
  const others = manifests.filter((manifest) => !sorted.add(manifest));
  sorted.addRepresentatives([...existing]);
  return { objects: sorted.objects, locate: (object) => sorted.places.get(object), others };
}

/** Kinds of Calico's that are no policies, of either of its API versions. */
const CALICO_KINDS: Readonly<Record<string, keyof Sorted['objects']>> = {
  Tier: 'tiers',
  NetworkSet: 'networkSets',
  GlobalNetworkSet: 'networkSets',
  IPPool: 'ipPools',
  HostEndpoint: 'hostEndpoints',
  Profile: 'profiles',
  FelixConfiguration: 'felixConfigurations',
};

const CALICO_VERSIONS = ['projectcalico.org/v3', 'crd.projectcalico.org/v1'];

const CORE_KINDS: Readonly<Record<string, keyof Sorted['objects']>> = {
  'v1/Namespace': 'namespaces',
  'v1/Node': 'nodes',
  'v1/Service': 'services',
  'v1/ServiceAccount': 'serviceAccounts',
  'discovery.k8s.io/v1/EndpointSlice': 'endpointSlices',
};

class Sorted {
  readonly objects = {
    namespaces: [] as Namespace[],
    pods: [] as Pod[],
    nodes: [] as Node[],
    services: [] as Service[],
    endpointSlices: [] as EndpointSlice[],
    serviceAccounts: [] as ServiceAccount[],
    policies: [] as PolicyObject[],
    tiers: [] as PolicyObject[],
    networkSets: [] as PolicyObject[],
    ipPools: [] as PolicyObject[],
    hostEndpoints: [] as PolicyObject[],
    profiles: [] as PolicyObject[],
    felixConfigurations: [] as PolicyObject[],
  };
  readonly places = new Map<object, Locate>();
  readonly #workloads: Manifest[] = [];

  /** False when no verdict depends on the object. */
  add(manifest: Manifest): boolean {
    const { object } = manifest;
    const [apiVersion, kind] = [String(object['apiVersion']), String(object['kind'])];
    const name = `${apiVersion}/${kind}`;
    const list = CORE_KINDS[name] ?? (CALICO_VERSIONS.includes(apiVersion) ? CALICO_KINDS[kind] : undefined);
    if (name === 'v1/Pod') this.#put('pods', running(object), manifest);
    else if (list !== undefined) this.#put(list, object, manifest);
    else if (NORMALISERS.has(name)) this.#put('policies', object, manifest);
    else if (WORKLOAD_KINDS[kind] === apiVersion) this.#workloads.push(manifest);
    else return false;
    return true;
  }

  addRepresentatives(existing: readonly Pod[]): void {
    const { pods } = this.objects;
    const real = Map.groupBy([...existing, ...pods], namespaceNameOf);
    const taken = new Set([...existing, ...pods].map((pod) => `${namespaceNameOf(pod)}/${nameOf(pod)}`));
    for (const { object, locate } of this.#workloads) {
      const workload = object as unknown as Workload;
      const pod = representative(workload, real.get(namespaceNameOf(workload)) ?? [], taken);
      if (pod === undefined) continue;
      const path = templatePath(String(object['kind']));
      pods.push(pod);
      taken.add(`${namespaceNameOf(pod)}/${nameOf(pod)}`);
      this.places.set(pod, (inner) => locate(inner === '' ? '' : `${path}.${inner}`));
    }
  }

  #put(list: keyof Sorted['objects'], object: object, { locate }: Manifest): void {
    // The kind says which list, and whoever reads a list expects nothing of its objects but to be objects.
    (this.objects[list] as object[]).push(object);
    this.places.set(object, locate);
  }
}

/**
 * A pod without conditions that does not wait either is one that somebody wrote, perhaps with its addresses, or that
 * `kubectl create --dry-run` printed; it stands for the pod that it will be.
 */
function running(object: Pod): Pod {
  const { phase = 'Running', conditions } = object.status ?? {};
  if (phase !== 'Running' || (conditions ?? []).length > 0) return object;
  return { ...object, status: { ...object.status, phase, conditions: [{ type: 'Ready', status: 'True' }] } };
}
