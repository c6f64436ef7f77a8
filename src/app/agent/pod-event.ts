import { sha256 } from '../../base/sha256.ts';
import type { KubeObject } from '../../host/kube-client/types.ts';

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
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace, name: `${name}.${sha256(`${uid} ${problem} ${now}`).slice(0, 16)}` },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    reason: 'PolicyNotEnforced',
    message: problem,
    type: 'Warning',
    source: { component: 'sluice-agent', host: node },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  } as KubeObject;
}
