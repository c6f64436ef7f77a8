import type { Logger } from '../../base/log.ts';
import { kubernetesNodeOf } from '../../core/datastore/index.ts';
import type { CalicoNode } from '../../core/datastore/index.ts';
import { isConflict, isNotFound } from '../../host/kube-client/errors.ts';
import { listAll } from '../../host/kube-client/list-all.ts';
import { CALICO_NODES, NODES } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, ObjectMeta } from '../../host/kube-client/types.ts';

/**
 * Deletes Calico's Nodes in etcd that stand for a Node of Kubernetes which is gone, as Calico's controllers do: others would go
 * on with routes and sessions to it. What stands for no Node of Kubernetes is not ours to judge.
 */
export async function forgetCalicoNodes(client: KubeClient, log: Logger): Promise<void> {
  // In this order: whoever has a Node of Calico's now had one of Kubernetes' before.
  const { items: calico } = await listAll<KubeObject & CalicoNode>(client, CALICO_NODES);
  if (calico.length === 0) return;
  const { items: names } = await listAll<KubeObject, string>(
    client,
    NODES,
    {},
    ({ metadata }) => (metadata as ObjectMeta).name ?? '',
  );
  const there = new Set(names);
  for (const node of calico) {
    const { name = '', resourceVersion = '' } = node.metadata as ObjectMeta;
    const kubernetes = kubernetesNodeOf(node);
    if (kubernetes === undefined || there.has(kubernetes)) continue;
    try {
      await client.delete(CALICO_NODES, { name }, { preconditions: { resourceVersion } });
      log.info("deleted Calico's node, since Kubernetes' is gone", { node: name });
    } catch (error) {
      // Whoever writes it is alive again.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}
