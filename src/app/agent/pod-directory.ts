import type { Delta } from '../../core/calc/model.ts';
import type { Labels } from '../../core/kube/labels.ts';
import type { Namespace, Pod, ServiceAccount } from '../../core/kube/types.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { NAMESPACES, PODS, SERVICE_ACCOUNTS } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { knownNamespace, knownPod } from './cluster-feed.ts';
import type { KnownNamespace, KnownPod } from './cluster-feed.ts';

export interface PodDirectoryDependencies {
  readonly client: KubeClient;
  readonly pods: () => ReadonlyMap<string, KnownPod>;
  readonly namespaces: () => ReadonlyMap<string, KnownNamespace>;
  readonly serviceAccounts: () => ReadonlyMap<string, Labels>;
  /** Where what was asked for goes, ahead of the watch. */
  readonly apply: (delta: Delta) => void;
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
  { client, namespaces, apply, signal }: PodDirectoryDependencies,
): Promise<KnownNamespace> {
  const known = namespaces().get(name);
  if (known !== undefined) return known;
  const value = knownNamespace(await client.get<Namespace>(NAMESPACES, { name }, { signal }));
  apply({ kind: 'namespace', key: name, value });
  return value;
}

async function knowPod(
  { namespace, name, uid }: Parameters<typeof ensurePod>[0],
  { client, pods, apply, signal }: PodDirectoryDependencies,
): Promise<KnownPod> {
  const key = `${namespace}/${name}`;
  const known = pods().get(key);
  // Another uid is an earlier pod of this name, whose labels may have been others.
  if (known !== undefined && (uid === undefined || known.uid === uid)) return known;
  const value = knownPod(await client.get<Pod>(PODS, { namespace, name }, { signal }));
  apply({ kind: 'pod', key, value });
  return value;
}

/** One that is gone has no labels. */
async function knowAccount(
  namespace: string,
  name: string,
  { client, serviceAccounts, apply, signal }: PodDirectoryDependencies,
): Promise<void> {
  const key = `${namespace}/${name}`;
  if (serviceAccounts().has(key)) return;
  try {
    const { metadata } = await client.get<ServiceAccount>(SERVICE_ACCOUNTS, { namespace, name }, { signal });
    if (metadata?.labels !== undefined) apply({ kind: 'service-account', key, value: metadata.labels });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
