import type { Delta } from '../../core/calc/model.ts';
import type { Namespace, Pod } from '../../core/kube/types.ts';
import type { NamespaceInfo } from '../../core/policy/cluster.ts';
import { namespaceInfo } from '../../core/policy/endpoints.ts';
import { NAMESPACES, PODS } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { knownPod } from './cluster-feed.ts';
import type { KnownPod } from './cluster-feed.ts';

export interface PodDirectoryDependencies {
  readonly client: KubeClient;
  readonly pods: () => ReadonlyMap<string, KnownPod>;
  readonly namespaces: () => ReadonlyMap<string, NamespaceInfo>;
  /** Where what was asked for goes, ahead of the watch. */
  readonly apply: (delta: Delta) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes sure that the calculation knows a pod and its namespace before the pod gets a network. The watch usually has
 * both; it may lag behind the kubelet, so what it lacks is read from the API.
 */
export async function ensurePod(
  pod: { readonly namespace: string; readonly name: string; readonly uid: string | undefined },
  { client, pods, namespaces, apply, signal }: PodDirectoryDependencies,
): Promise<void> {
  const { namespace, name, uid } = pod;
  const key = `${namespace}/${name}`;
  const known = pods().get(key);
  // Another uid is an earlier pod of this name, whose labels may have been others.
  const current = known !== undefined && (uid === undefined || known.uid === uid);
  await Promise.all([
    current
      ? undefined
      : client.get<Pod>(PODS, pod, { signal }).then((object) => apply({ kind: 'pod', key, value: knownPod(object) })),
    namespaces().has(namespace)
      ? undefined
      : client
          .get<Namespace>(NAMESPACES, { name: namespace }, { signal })
          .then((object) => apply({ kind: 'namespace', key: namespace, value: namespaceInfo(object) })),
  ]);
}
