import type { ContainerStatus, Pod, PodCondition, PodStatus } from 'kubernetes-types/core/v1.d.ts';
import type { ContainerRole } from './types.ts';

/** What is known of one container when the pod's status is put together. */
export interface ContainerView {
  readonly role: ContainerRole;
  readonly status: ContainerStatus;
  /** Exit code of a container that will not run again. */
  readonly finished: number | undefined;
}

/** What the status of a pod is derived from. */
export interface PodView {
  readonly pod: Pod;
  readonly containers: readonly ContainerView[];
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
  readonly sandboxReady: boolean;
  readonly startTime: string;
  /** Set when the kubelet itself ended the pod: it cannot succeed any more. */
  readonly failure?: { readonly reason: string; readonly message: string };
  readonly now: string;
}

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** The pod's status as the kubelet reports it; conditions of others and unchanged transition times are kept. */
export function podStatus(view: PodView): PodStatus {
  const { pod, containers, podIps, hostIps, failure } = view;
  const phase = phaseOf(view);
  const ofRole = (isApp: boolean): ContainerStatus[] =>
    containers.filter(({ role }) => (role === 'app') === isApp).map(({ status }) => status);
  const inits = ofRole(false);
  return {
    phase,
    conditions: conditions(view, phase),
    ...(hostIps[0] === undefined ? {} : { hostIP: hostIps[0], hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(podIps[0] === undefined ? {} : { podIP: podIps[0], podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: view.startTime,
    ...(inits.length > 0 ? { initContainerStatuses: inits } : {}),
    containerStatuses: ofRole(true),
    qosClass: pod.status?.qosClass ?? qosClass(pod),
    ...failure,
  } as PodStatus;
}

function phaseOf({ containers, failure, pod }: PodView): Phase {
  if (failure !== undefined) return 'Failed';
  const apps = containers.filter(({ role }) => role === 'app');
  const inits = containers.filter(({ role }) => role === 'init');
  if (inits.some(({ finished }) => finished !== undefined && finished !== 0)) return 'Failed';
  if (apps.length > 0 && apps.every(({ finished }) => finished !== undefined))
    return apps.every(({ finished }) => finished === 0) ? 'Succeeded' : 'Failed';
  const begun = apps.some(
    ({ status: { state, restartCount } }) =>
      state?.running !== undefined || state?.terminated !== undefined || restartCount > 0,
  );
  // Once running a pod does not become pending again, not even while every container is held back.
  return begun || pod.status?.phase === 'Running' ? 'Running' : 'Pending';
}

function conditions(view: PodView, phase: Phase): PodCondition[] {
  const { pod, containers, now, sandboxReady } = view;
  const initialized = containers.every(({ role, status }) =>
    role === 'app' ? true : role === 'init' ? status.ready : status.started === true,
  );
  const apps = containers.filter(({ role }) => role !== 'init');
  const unready = apps.filter(({ status }) => !status.ready).map(({ status }) => status.name);
  const over = phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : undefined;
  const containersReady = unready.length === 0 && over === undefined && phase === 'Running';
  const previous = new Map((pod.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  const gates = (pod.spec?.readinessGates ?? []).filter(
    ({ conditionType }) => previous.get(conditionType)?.status !== 'True',
  );
  const whyNot = over ?? 'ContainersNotReady';
  const detail = over === undefined ? { message: `containers with unready status: [${unready.join(' ')}]` } : {};
  const own: readonly Omit<PodCondition, 'lastTransitionTime'>[] = [
    { type: 'PodReadyToStartContainers', status: sandboxReady ? 'True' : 'False' },
    initialized
      ? { type: 'Initialized', status: 'True', ...(over === 'PodCompleted' ? { reason: over } : {}) }
      : { type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized' },
    containersReady && gates.length === 0
      ? { type: 'Ready', status: 'True' }
      : gates.length > 0 && containersReady
        ? { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady' }
        : { type: 'Ready', status: 'False', reason: whyNot, ...detail },
    containersReady
      ? { type: 'ContainersReady', status: 'True' }
      : { type: 'ContainersReady', status: 'False', reason: whyNot, ...detail },
  ];
  const types = new Set(own.map(({ type }) => type));
  const scheduled: readonly PodCondition[] = previous.has('PodScheduled')
    ? []
    : [{ type: 'PodScheduled', status: 'True', lastTransitionTime: now }];
  return [
    ...own.map((condition) => {
      const before = previous.get(condition.type);
      const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
      return { ...condition, lastTransitionTime: since ?? now } as PodCondition;
    }),
    ...[...previous.values()].filter(({ type }) => !types.has(type)),
    ...scheduled,
  ];
}

/** Kubernetes documentation, "Pod Quality of Service Classes". */
function qosClass({ spec }: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const given = all.map(({ resources }) => ({ limits: resources?.limits ?? {}, requests: resources?.requests ?? {} }));
  const empty = given.every(({ limits, requests }) => [limits, requests].every((map) => Object.keys(map).length === 0));
  if (empty) return 'BestEffort';
  const guaranteed = given.every(({ limits, requests }) =>
    ['cpu', 'memory'].every((name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name]),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
