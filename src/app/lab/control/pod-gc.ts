import type { Controller } from './controller.ts';
import { isTerminating, keyOf } from './objects.ts';

/** Forces out pods that no kubelet will ever finish: those of a node that no longer exists. */
export const podGcController: Controller = {
  name: 'pod-gc',
  triggers: {
    pods: (pod) => (pod.spec?.nodeName ? [keyOf(pod)] : []),
    nodes: (node, previous, view) =>
      node === previous || isTerminating(node)
        ? [...view.pods.values()].filter((pod) => pod.spec?.nodeName === node.metadata.name).map(keyOf)
        : [],
  },
  reconcile: (view, key) => {
    const pod = view.pods.get(key);
    const node = pod?.spec?.nodeName;
    if (pod === undefined || !node || view.nodes.get(node) !== undefined) return { actions: [] };
    return { actions: [{ do: 'delete', kind: 'pods', object: pod, gracePeriodSeconds: 0 }] };
  },
};
