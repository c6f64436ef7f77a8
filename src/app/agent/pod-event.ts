import type { KubeObject } from '../../host/kube-client/types.ts';
import { warningEvent } from '../../host/kube-client/warning-event.ts';

/** A warning at a pod that its policies are not enforced. One object per pod and reason, in the pod's namespace. */
export function podEvent({
  pod,
  uid,
  node,
  problem,
  now,
}: {
  /** `namespace/name`. */
  readonly pod: string;
  readonly uid: string;
  readonly node: string;
  readonly problem: string;
  /** Epoch milliseconds. */
  readonly now: number;
}): KubeObject {
  const [namespace = '', name = ''] = pod.split('/');
  return warningEvent({
    about: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    reason: 'PolicyNotEnforced',
    message: problem,
    identity: `${uid} ${problem} ${now}`,
    source: { component: 'sluice-agent', host: node },
    now,
  });
}
