import type { Pod, PodSpec, Volume } from 'kubernetes-types/core/v1.d.ts';
import { forbidden as forbiddenField, type FieldError } from '../../kube/field-error.ts';
import { forbidden } from '../api-error.ts';
import type { ApiContext } from '../api-context.ts';
import { draftOf, equalJson, type ApiObject } from '../api-object.ts';
import { randomSuffix } from '../clock.ts';
import { defaultPodSpec, qosClass } from './pod-defaults.ts';
import type { Strategy } from './strategy.ts';

/** Seconds after which a node's trouble evicts a pod, unless it tolerates it longer. */
const TOLERATION_SECONDS = 300;

/** Where a service account's token is found inside every container. */
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Pods: defaults, the service-account volume, an immutable spec, graceful deletion. */
export const podStrategy: Strategy = {
  prepare: (draft, previous, context) => {
    const pod = draft as unknown as Pod;
    if (pod.spec === undefined) return;
    defaultPodSpec(pod.spec);
    pod.spec.enableServiceLinks ??= true;
    if (previous !== undefined) return;
    assignServiceAccount(draft, pod.spec, context);
    assignPriority(draft, pod.spec, context);
    defaultTolerations(pod.spec);
    pod.spec.preemptionPolicy ??= 'PreemptLowerPriority';
    draft['status'] = { phase: 'Pending', qosClass: qosClass(pod) };
  },
  validate: (draft, previous) => (previous === undefined ? [] : immutableSpec(draft, previous)),
  gracePeriod: (object, requested) => {
    const pod = object as unknown as Pod;
    const done = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if ((pod.spec?.nodeName ?? '') === '' || done) return 0;
    const marked = pod.metadata?.deletionGracePeriodSeconds;
    const wanted = Math.max(0, requested ?? pod.spec?.terminationGracePeriodSeconds ?? 30);
    return marked === undefined ? wanted : Math.min(marked, wanted);
  },
};

function assignServiceAccount(draft: ApiObject, spec: PodSpec, context: ApiContext): void {
  const namespace = draft.metadata.namespace!;
  spec.serviceAccountName ??= 'default';
  spec.serviceAccount = spec.serviceAccountName;
  const account = context.store.get('/serviceaccounts', namespace, spec.serviceAccountName)?.object;
  if (account === undefined) {
    const why = `error looking up service account ${namespace}/${spec.serviceAccountName}: serviceaccount "${spec.serviceAccountName}" not found`;
    throw forbidden({ group: '', plural: 'pods' }, draft.metadata.name ?? '', why);
  }
  const mounts = spec.automountServiceAccountToken ?? account['automountServiceAccountToken'] ?? true;
  if (mounts === true) mountToken(spec, context);
}

function mountToken(spec: PodSpec, context: ApiContext): void {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const without = containers.filter(({ volumeMounts = [] }) =>
    volumeMounts.every((each) => each.mountPath !== TOKEN_PATH),
  );
  if (without.length === 0) return;
  const name = `kube-api-access-${randomSuffix(5, context.surroundings.random)}`;
  for (const container of without) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: TOKEN_PATH }];
  }
  spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        // Seven seconds past the hour mark the token as issued by admission; real kubelets look for nothing else.
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
}

/** Priority classes that exist without an object. */
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

function assignPriority(draft: ApiObject, spec: PodSpec, context: ApiContext): void {
  const name = spec.priorityClassName;
  if (name === undefined || name === '') {
    spec.priority ??= 0;
    return;
  }
  const stored = context.store.get('scheduling.k8s.io/priorityclasses', '', name)?.object['value'];
  const value = SYSTEM_PRIORITIES[name] ?? (typeof stored === 'number' ? stored : undefined);
  if (value === undefined) {
    const why = `no PriorityClass with name ${name} was found`;
    throw forbidden({ group: '', plural: 'pods' }, draft.metadata.name ?? '', why);
  }
  spec.priority = value;
}

function defaultTolerations(spec: PodSpec): void {
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerated = (spec.tolerations ?? []).some(
      (each) =>
        (each.key === key || each.key === undefined) && (each.effect === 'NoExecute' || each.effect === undefined),
    );
    if (tolerated) continue;
    const toleration = { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS };
    spec.tolerations = [...(spec.tolerations ?? []), toleration];
  }
}

/** A pod's spec may change only where the real server lets it: images, deadline, added tolerations, grace period. */
function immutableSpec(draft: ApiObject, previous: ApiObject): FieldError[] {
  if (equalJson(withoutMutable(draft), withoutMutable(previous))) return [];
  return [
    forbiddenField(
      'spec',
      'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    ),
  ];
}

function withoutMutable(object: ApiObject): unknown {
  const spec = draftOf((object as unknown as Pod).spec ?? { containers: [] });
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) delete container.image;
  delete spec.activeDeadlineSeconds;
  delete spec.tolerations;
  delete spec.terminationGracePeriodSeconds;
  delete spec.ephemeralContainers;
  delete spec.schedulingGates;
  return spec;
}
