import type { Namespace, Pod, ServiceAccount } from '../../core/kube/types.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { NAMESPACES, PODS, SERVICE_ACCOUNTS } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { knownNamespace, knownPod } from './cluster-feed.ts';
import type { ClusterFeed, KnownNamespace, KnownPod } from './cluster-feed.ts';
import type { PacketFilter } from './packet-filter.ts';

export interface PodDirectoryDependencies {
  readonly client: KubeClient;
  /** What the watch has. */
  readonly cluster: () => Pick<ClusterFeed, 'pods' | 'namespaces' | 'serviceAccounts'>;
  /** Where what was asked for goes, ahead of the watch. */
  readonly filter: Pick<PacketFilter, 'apply'>;
  readonly signal: AbortSignal;
}

/** What the network of a pod depends on. */
export interface PodFacts {
  readonly pod: KnownPod;
  readonly namespace: KnownNamespace;
}

/**
 * Makes sure that the calculation knows a pod, its namespace and its service account before the pod gets a network. The
 * watch usually has all three; it may lag behind the kubelet, so what it lacks is read from the API.
 */
export async function ensurePod(
  pod: { readonly namespace: string; readonly name: string; readonly uid: string | undefined },
  dependencies: PodDirectoryDependencies,
): Promise<PodFacts> {
  const [known, namespace] = await Promise.all([
    knowPod(pod, dependencies),
    knowNamespace(pod.namespace, dependencies),
  ]);
  await knowAccount(pod.namespace, known.serviceAccount, dependencies);
  return { pod: known, namespace };
}

async function knowNamespace(
  name: string,
  { client, cluster, filter, signal }: PodDirectoryDependencies,
): Promise<KnownNamespace> {
  const known = cluster().namespaces.items.get(name);
  if (known !== undefined) return known;
  const value = knownNamespace(await client.get<Namespace>(NAMESPACES, { name }, { signal }));
  filter.apply({ kind: 'namespace', key: name, value });
  return value;
}

async function knowPod(
  { namespace, name, uid }: Parameters<typeof ensurePod>[0],
  { client, cluster, filter, signal }: PodDirectoryDependencies,
): Promise<KnownPod> {
  const key = `${namespace}/${name}`;
  const known = cluster().pods.items.get(key);
  // Another uid is an earlier pod of this name, whose labels may have been others.
  if (known !== undefined && (uid === undefined || known.uid === uid)) return known;
  const value = knownPod(await client.get<Pod>(PODS, { namespace, name }, { signal }));
  filter.apply({ kind: 'pod', key, value });
  return value;
}

/** One that is gone has no labels. */
async function knowAccount(
  namespace: string,
  name: string,
  { client, cluster, filter, signal }: PodDirectoryDependencies,
): Promise<void> {
  const key = `${namespace}/${name}`;
  if (cluster().serviceAccounts.items.has(key)) return;
  try {
    const { metadata } = await client.get<ServiceAccount>(SERVICE_ACCOUNTS, { namespace, name }, { signal });
    if (metadata?.labels !== undefined) filter.apply({ kind: 'service-account', key, value: metadata.labels });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
