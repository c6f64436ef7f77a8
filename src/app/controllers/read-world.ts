import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import { LOAD_BALANCERS } from '../../core/ipam/index.ts';
import type { World } from '../../core/ipam/index.ts';
import { listAll } from '../../host/kube-client/list-all.ts';
import { NODES, PODS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, ObjectMeta } from '../../host/kube-client/types.ts';

/** Pods and nodes as they are now, straight from the API server: a cache could be older than the blocks. */
export async function readWorld(client: KubeClient): Promise<World> {
  const nodes = await listAll<KubeObject, string>(
    client,
    NODES,
    {},
    ({ metadata }) => (metadata as ObjectMeta).name ?? '',
  );
  const names = new Set(nodes.items);
  const listing = await listAll<Pod, Holder>(client, PODS, {}, ({ metadata, spec }) => ({
    key: `${metadata?.namespace}/${metadata?.name}`,
    uid: metadata?.uid ?? '',
    node: spec?.nodeName,
  }));
  const pods = new Map(listing.items.map((pod) => [pod.key, pod]));
  return {
    nodeExists: (node) => node === LOAD_BALANCERS || names.has(node),
    podHolds: ({ namespace, name, uid, node }) => {
      // A finished pod still holds its address: only the agent knows when its interface is gone.
      const pod = pods.get(`${namespace}/${name}`);
      return (
        pod !== undefined &&
        (uid === undefined || pod.uid === uid) &&
        (node === undefined || pod.node === undefined || pod.node === node)
      );
    },
  };
}

interface Holder {
  readonly key: string;
  readonly uid: string;
  readonly node: string | undefined;
}
