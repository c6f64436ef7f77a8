import { SluiceError } from '../base/errors.ts';
import type { RunningLab } from '../app/lab/lab-types.ts';
import { openLab } from '../app/lab/lab.ts';
import type {
  EndpointSlice,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
  Service,
  ServiceAccount,
} from '../core/kube/types.ts';
import { openDatastore } from '../host/datastore/open-datastore.ts';
import { httpKubeClient } from '../host/kube-client/http-client.ts';
import { loadKubeconfig } from '../host/kube-client/kubeconfig.ts';
import { listAll } from '../host/kube-client/list-all.ts';
import { keyOf } from '../host/kube-client/informer.ts';
import { isNotFound } from '../host/kube-client/errors.ts';
import {
  ADMIN_NETWORK_POLICIES,
  apiVersionOf,
  BASELINE_ADMIN_NETWORK_POLICIES,
  CALICO_NETWORK_POLICIES,
  CLUSTER_NETWORK_POLICIES,
  ENDPOINT_SLICES,
  FELIX_CONFIGURATIONS,
  GLOBAL_NETWORK_POLICIES,
  GLOBAL_NETWORK_SETS,
  HOST_ENDPOINTS,
  IP_POOLS,
  NAMESPACES,
  NETWORK_POLICIES,
  NETWORK_SETS,
  NODES,
  PODS,
  PROFILES,
  SERVICES,
  SERVICE_ACCOUNTS,
  STAGED_POLICIES,
  TIERS,
} from '../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../host/kube-client/types.ts';
import type { PolicyObject } from '../core/policy/normalise/registry.ts';
import type { Invocation } from './command.ts';

/** A cluster that a command talks to. */
export interface ClusterAccess extends Disposable {
  /** Of the datastore that the environment names, see `openDatastore`. */
  readonly client: KubeClient;
  /** Present when this machine runs the cluster; only then can packets be sent in it. */
  readonly lab: RunningLab | undefined;
  /** How messages call it. */
  readonly title: string;
}

/** Opens the cluster of `--kubeconfig`, or the one that this machine runs under `--name`. */
export async function openCluster({ values, env, uid, note }: Invocation): Promise<ClusterAccess> {
  const kubeconfig = values['kubeconfig'] as string | undefined;
  if (kubeconfig !== undefined) return access(kubeconfig, undefined, `the cluster of ${kubeconfig}`, { env, note });
  const lab = await openNamedLab(String(values['name']), { env, uid });
  return access(lab.paths.kubeconfig, lab, `cluster '${lab.paths.name}'`, { env, note });
}

/** The cluster that this machine runs under `name`; throws `not-running` with what to do. */
export async function openNamedLab(
  name: string,
  environment: { readonly env: Invocation['env']; readonly uid: number },
): Promise<RunningLab> {
  const lab = await openLab(name, environment);
  if (lab !== undefined) return lab;
  const start = name === 'sluice' ? 'sluice up' : `sluice up --name ${name}`;
  const message = `cluster '${name}' is not running on this machine: start it with '${start}', or choose another with --name or --kubeconfig`;
  throw new SluiceError('not-running', message);
}

/** Everything that verdicts depend on, as the API server has it now. */
export interface ClusterSnapshot {
  readonly namespaces: readonly Namespace[];
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly serviceAccounts: readonly ServiceAccount[];
  readonly networkPolicies: readonly NetworkPolicy[];
  /** Of all other APIs. */
  readonly policies: readonly PolicyObject[];
  readonly tiers: readonly PolicyObject[];
  readonly networkSets: readonly PolicyObject[];
  readonly ipPools: readonly PolicyObject[];
  readonly hostEndpoints: readonly PolicyObject[];
  readonly profiles: readonly PolicyObject[];
  readonly felixConfigurations: readonly PolicyObject[];
}

const POLICIES: readonly (readonly Resource[])[] = [
  [ADMIN_NETWORK_POLICIES],
  [BASELINE_ADMIN_NETWORK_POLICIES],
  [CLUSTER_NETWORK_POLICIES],
  CALICO_NETWORK_POLICIES,
  GLOBAL_NETWORK_POLICIES,
  ...STAGED_POLICIES,
];

/** Reads a {@link ClusterSnapshot}. */
export async function readSnapshot(client: KubeClient): Promise<ClusterSnapshot> {
  const [builtIn, added] = await Promise.all([readBuiltIn(client), readAdded(client)]);
  return { ...builtIn, ...added };
}

async function readBuiltIn(client: KubeClient) {
  const all = async <T extends KubeObject>(resource: Resource): Promise<readonly T[]> =>
    (await listAll<T>(client, resource)).items;
  const [namespaces, pods, nodes, services, endpointSlices, serviceAccounts, networkPolicies] = await Promise.all([
    all<Namespace>(NAMESPACES),
    all<Pod>(PODS),
    all<Node>(NODES),
    all<Service>(SERVICES),
    all<EndpointSlice>(ENDPOINT_SLICES),
    all<ServiceAccount>(SERVICE_ACCOUNTS),
    all<NetworkPolicy>(NETWORK_POLICIES),
  ]);
  return { namespaces, pods, nodes, services, endpointSlices, serviceAccounts, networkPolicies };
}

async function readAdded(client: KubeClient) {
  const all = async (...kinds: readonly (readonly Resource[])[]): Promise<readonly PolicyObject[]> =>
    (await Promise.all(kinds.map((kind) => layered(client, kind)))).flat();
  const [policies, tiers, networkSets, ipPools, hostEndpoints, profiles, felixConfigurations] = await Promise.all([
    all(...POLICIES),
    all(TIERS),
    all(NETWORK_SETS, GLOBAL_NETWORK_SETS),
    all([IP_POOLS]),
    all(HOST_ENDPOINTS),
    all(PROFILES),
    all(FELIX_CONFIGURATIONS),
  ]);
  return { policies, tiers, networkSets, ipPools, hostEndpoints, profiles, felixConfigurations };
}

/** Objects of one kind from the groups that the cluster has it in; what is in several counts as it stands in the first. */
async function layered(client: KubeClient, groups: readonly Resource[]): Promise<readonly PolicyObject[]> {
  const lists = await Promise.all(groups.map((resource) => listIfServed(client, resource)));
  const objects = new Map<string, PolicyObject>();
  for (const object of lists.toReversed().flat()) objects.set(keyOf(object as KubeObject), object);
  return [...objects.values()];
}

/** The objects of a kind, each with its type; none when the cluster does not have the kind. */
export async function listIfServed(client: KubeClient, resource: Resource): Promise<readonly PolicyObject[]> {
  const type = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  try {
    const { items } = await listAll<KubeObject>(client, resource);
    return items.map((object) => ({ ...(object as PolicyObject), ...type }));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

async function access(
  kubeconfig: string,
  lab: RunningLab | undefined,
  title: string,
  { env, note }: Pick<Invocation, 'env' | 'note'>,
): Promise<ClusterAccess> {
  using stack = new DisposableStack();
  const kubernetes = stack.adopt(httpKubeClient(await loadKubeconfig(kubeconfig)), (client) => client.close());
  const { client } = stack.use(await openDatastore(env, kubernetes, note));
  const opened = stack.move();
  return { client, lab, title, [Symbol.dispose]: () => opened.dispose() };
}
