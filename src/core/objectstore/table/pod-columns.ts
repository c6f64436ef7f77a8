import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.d.ts';
import type { ApiObject } from '../api-object.ts';
import { AGE, ageOf, column, NAME, type Column } from './column.ts';

/** The columns of `kubectl get pods`, as the real server computes them. */
export const POD_COLUMNS: readonly Column[] = [
  NAME,
  column('Ready', (object) => readiness(podOf(object))),
  column('Status', (object) => statusText(podOf(object))),
  column('Restarts', (object, now) => restarts(podOf(object), now)),
  AGE,
  column('IP', (object) => podOf(object).status?.podIP ?? '<none>', { wide: true }),
  column('Node', (object) => podOf(object).spec?.nodeName ?? '<none>', { wide: true }),
  column('Nominated Node', (object) => podOf(object).status?.nominatedNodeName ?? '<none>', { wide: true }),
  column('Readiness Gates', (object) => readinessGates(podOf(object)), { wide: true }),
];

function podOf(object: ApiObject): Pod {
  return object as unknown as Pod;
}

/** Init containers that keep running count like containers (sidecars). */
function sidecars(pod: Pod): ReadonlySet<string> {
  const names = (pod.spec?.initContainers ?? [])
    .filter((each) => each.restartPolicy === 'Always')
    .map((each) => each.name);
  return new Set(names);
}

function runningStatuses(pod: Pod): ContainerStatus[] {
  const alongside = sidecars(pod);
  const init = (pod.status?.initContainerStatuses ?? []).filter((each) => alongside.has(each.name));
  return [...init, ...(pod.status?.containerStatuses ?? [])];
}

function readiness(pod: Pod): string {
  const ready = runningStatuses(pod).filter((each) => each.ready && each.state?.running !== undefined).length;
  return `${ready}/${(pod.spec?.containers ?? []).length + sidecars(pod).size}`;
}

function statusText(pod: Pod): string {
  const reason =
    initReason(pod) ??
    containersReason(pod) ??
    pod.status?.reason ??
    gatedReason(pod) ??
    pod.status?.phase ??
    'Pending';
  if (pod.metadata?.deletionTimestamp === undefined) return reason;
  if (pod.status?.reason === 'NodeLost') return 'Unknown';
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' ? reason : 'Terminating';
}

function gatedReason(pod: Pod): string | undefined {
  const scheduled = pod.status?.conditions?.find((each) => each.type === 'PodScheduled');
  return scheduled?.reason === 'SchedulingGated' ? 'SchedulingGated' : undefined;
}

function initReason(pod: Pod): string | undefined {
  const alongside = sidecars(pod);
  const statuses = pod.status?.initContainerStatuses ?? [];
  const total = pod.spec?.initContainers?.length ?? 0;
  for (const [i, status] of statuses.entries()) {
    const { terminated, waiting } = status.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (alongside.has(status.name) && status.started === true) continue;
    if (terminated !== undefined) return `Init:${terminatedReason(terminated)}`;
    if (waiting?.reason !== undefined && waiting.reason !== '' && waiting.reason !== 'PodInitializing') {
      return `Init:${waiting.reason}`;
    }
    return `Init:${i}/${total}`;
  }
  return undefined;
}

function terminatedReason({
  reason,
  signal,
  exitCode,
}: {
  reason?: string;
  signal?: number;
  exitCode: number;
}): string {
  if (reason !== undefined && reason !== '') return reason;
  return signal === undefined || signal === 0 ? `ExitCode:${exitCode}` : `Signal:${signal}`;
}

/** The first container that is in trouble speaks for the pod. */
function containersReason(pod: Pod): string | undefined {
  const statuses = pod.status?.containerStatuses ?? [];
  let reason: string | undefined;
  let running = false;
  for (const { state, ready } of statuses.toReversed()) {
    if (state?.waiting?.reason !== undefined && state.waiting.reason !== '') reason = state.waiting.reason;
    else if (state?.terminated !== undefined) reason = terminatedReason(state.terminated);
    else if (ready && state?.running !== undefined) running = true;
  }
  if (reason !== 'Completed' || !running) return reason;
  const ready = pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
  return ready ? 'Running' : 'NotReady';
}

/** `3 (5m ago)`: how often, and when last. */
function restarts(pod: Pod, now: number): string {
  const statuses = [...runningStatuses(pod)];
  const total = statuses.reduce((sum, each) => sum + each.restartCount, 0);
  const finished = statuses.map((each) => each.lastState?.terminated?.finishedAt).filter((each) => each !== undefined);
  const last = finished.sort().at(-1);
  return total > 0 && last !== undefined ? `${total} (${ageOf(last, now)} ago)` : String(total);
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const met = gates.filter((gate) =>
    pod.status?.conditions?.some((each) => each.type === gate.conditionType && each.status === 'True'),
  ).length;
  return `${met}/${gates.length}`;
}
