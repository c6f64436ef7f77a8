import type { Controller } from './controller.ts';
import { isTerminating, keyOf } from './objects.ts';

/** Gives every namespace its `default` ServiceAccount; the kubelet asks for its tokens with TokenRequest. */
export const serviceAccountController: Controller = {
  name: 'serviceaccount',
  triggers: {
    namespaces: (namespace) => [keyOf(namespace)],
    serviceaccounts: (account) => [account.metadata.namespace ?? ''],
  },
  reconcile: (view, key) => {
    const namespace = view.namespaces.get(key);
    const present = view.serviceaccounts.get(`${key}/default`) !== undefined;
    if (namespace === undefined || isTerminating(namespace) || present) return { actions: [] };
    const metadata = { name: 'default', namespace: key };
    const object = { apiVersion: 'v1' as const, kind: 'ServiceAccount' as const, metadata };
    return { actions: [{ do: 'create', kind: 'serviceaccounts', object }] };
  },
};

/** Puts the API server's certificate authority into every namespace, where pods mount it from, and keeps it as it should be. */
export function rootCaController(rootCa: string): Controller {
  return {
    name: 'root-ca',
    triggers: {
      namespaces: (namespace) => [keyOf(namespace)],
      configmaps: ({ metadata }) => (metadata.name === 'kube-root-ca.crt' ? [metadata.namespace ?? ''] : []),
    },
    reconcile: (view, key) => {
      const namespace = view.namespaces.get(key);
      if (namespace === undefined || isTerminating(namespace)) return { actions: [] };
      const held = view.configmaps.get(`${key}/kube-root-ca.crt`);
      const data = { 'ca.crt': rootCa };
      if (held === undefined) {
        const metadata = { name: 'kube-root-ca.crt', namespace: key };
        const object = { apiVersion: 'v1' as const, kind: 'ConfigMap' as const, metadata, data };
        return { actions: [{ do: 'create', kind: 'configmaps', object }] };
      }
      if (isTerminating(held) || held.data?.['ca.crt'] === rootCa) return { actions: [] };
      return { actions: [{ do: 'update', kind: 'configmaps', object: { ...held, data } }] };
    },
  };
}
