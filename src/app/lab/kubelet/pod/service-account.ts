import type { Container, Pod, Volume } from 'kubernetes-types/core/v1.d.ts';
import { SERVICE_ACCOUNT_DIRECTORY } from '../../../../host/kube-client/in-cluster.ts';

const VOLUME_NAME = 'kube-api-access';

/**
 * Adds the volume with the service account's credentials where the API server's admission has not. Pods that do not
 * want it, and containers that mount something of their own there, stay as they are.
 */
export function withServiceAccount(pod: Pod): Pod {
  const { spec } = pod;
  if (spec === undefined || spec.automountServiceAccountToken === false) return pod;
  const lacks = ({ volumeMounts = [] }: Container): boolean =>
    !volumeMounts.some(({ mountPath }) => mountPath === SERVICE_ACCOUNT_DIRECTORY);
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  if (!all.some(lacks)) return pod;
  const mount = { name: VOLUME_NAME, mountPath: SERVICE_ACCOUNT_DIRECTORY, readOnly: true };
  const mounted = (container: Container): Container =>
    lacks(container) ? { ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] } : container;
  return {
    ...pod,
    spec: {
      ...spec,
      volumes: [...(spec.volumes ?? []), CREDENTIALS],
      containers: spec.containers.map(mounted),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(mounted) }),
    },
  };
}

/** As the API server's ServiceAccount admission writes it. */
const CREDENTIALS: Volume = {
  name: VOLUME_NAME,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
};
