import type { LabAttempt, LabAttemptResult, RunningLab } from '../app/lab/lab-types.ts';
import { formatIp, type Family, type Ip } from '../base/ip/index.ts';
import type { Pod } from '../core/kube/types.ts';
import {
  PolicyEngine,
  clusterState,
  predictMatrix,
  type PodEndpoint,
  type Prediction,
  type Probe,
  type Verdict,
} from '../core/policy/index.ts';
import type { KubeClient } from '../host/kube-client/types.ts';
import { readSnapshot, type ClusterSnapshot } from './cluster.ts';

/** One connection between two pods that can be predicted and tried. */
export interface PodProbe extends Probe {
  readonly from: PodEndpoint;
  readonly to: PodEndpoint;
  readonly address: Ip;
  readonly protocol: 'TCP' | 'UDP' | 'ICMP';
  /** Whether a container of the destination declares the port. */
  readonly declared: boolean;
}

/** A connection as it was predicted and as it went. */
export interface Comparison {
  readonly probe: PodProbe;
  readonly predicted: Verdict;
  readonly observed: LabAttemptResult;
  /** An attempt that could not be made agrees with nothing. */
  readonly agrees: boolean;
}

/** Where the packets of a disagreement are tried again before it counts: the kernel may be a moment behind the API. */
const ROUNDS = 4;

/** Which pods to probe; absent: all of them. */
export type PodFilter = (pod: PodEndpoint) => boolean;

/**
 * Tries every pair of pods on the ports that the destination declares and on one that it does not, over TCP, UDP and ICMP in each
 * address family, and compares with the prediction. What disagrees is predicted and tried again a few times, since the cluster may have
 * changed between the reading of it and the packets.
 */
export async function compareReachability(
  lab: RunningLab,
  client: KubeClient,
  include: PodFilter = () => true,
): Promise<readonly Comparison[]> {
  let comparisons = await compareOnce(lab, await readSnapshot(client), include);
  for (let round = 1; round < ROUNDS && comparisons.some(({ agrees }) => !agrees); round++) {
    const open = new Set(comparisons.filter(({ agrees }) => !agrees).map(({ probe }) => probeKey(probe)));
    const again = await compareOnce(lab, await readSnapshot(client), include, (probe) => open.has(probeKey(probe)));
    const renewed = new Map(again.map((each) => [probeKey(each.probe), each]));
    // A pod that went away in between has nothing left to disagree about.
    comparisons = comparisons.flatMap((each) => (each.agrees ? [each] : (renewed.get(probeKey(each.probe)) ?? [])));
  }
  return comparisons;
}

/** Every probe between the running pods of a cluster state, in a stable order. */
export function planProbes(engine: PolicyEngine, pods: readonly Pod[], include: PodFilter = () => true): PodProbe[] {
  const objects = new Map(pods.map((pod) => [`${pod.metadata?.namespace}/${pod.metadata?.name}`, pod]));
  const running = [...engine.state.pods.values()]
    .filter((pod) => isRunning(objects.get(pod.key)) && !pod.hostNetwork && pod.addresses.length > 0 && include(pod))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return running.flatMap((from) =>
    running.filter((to) => to !== from).flatMap((to) => pairProbes(engine, from, to, portsOf(objects.get(to.key)))),
  );
}

function pairProbes(
  engine: PolicyEngine,
  from: PodEndpoint,
  to: PodEndpoint,
  ports: readonly ProbedPort[],
): PodProbe[] {
  return to.addresses
    .filter(({ family }) => from.addresses.some((address) => address.family === family))
    .flatMap((address) => {
      const { family } = address;
      const ends = { from, to, address, source: engine.pod(from, family), destination: engine.pod(to, family) };
      const icmp: PodProbe = { ...ends, protocol: 'ICMP', declared: true };
      return [...ports.map((port): PodProbe => ({ ...ends, ...port })), icmp];
    });
}

interface ProbedPort {
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  readonly declared: boolean;
}

/** First of the ports that no container is likely to declare: the middle of the ephemeral range. */
const UNDECLARED = 49_000;

/** The TCP and UDP ports that a pod's containers declare, and one more of each protocol that they do not. */
function portsOf(pod: Pod | undefined): ProbedPort[] {
  const declared = (pod?.spec?.containers ?? []).flatMap(({ ports = [] }) => ports);
  return (['TCP', 'UDP'] as const).flatMap((protocol) => {
    const numbers = new Set(
      declared.filter((port) => (port.protocol ?? 'TCP') === protocol).map(({ containerPort }) => containerPort),
    );
    let other = UNDECLARED;
    while (numbers.has(other)) other++;
    return [
      ...[...numbers].sort((a, b) => a - b).map((port) => ({ protocol, port, declared: true })),
      { protocol, port: other, declared: false },
    ];
  });
}

async function compareOnce(
  lab: RunningLab,
  snapshot: ClusterSnapshot,
  include: PodFilter,
  wanted: (probe: PodProbe) => boolean = () => true,
): Promise<Comparison[]> {
  const engine = new PolicyEngine(clusterState(snapshot));
  const probes = planProbes(engine, snapshot.pods, include).filter(wanted);
  const predictions: Prediction<PodProbe>[] = predictMatrix(engine, probes);
  const observed = await lab.request({ op: 'probe', attempts: probes.map(attemptOf) });
  return predictions.map(({ probe, verdict }, i): Comparison => {
    const result = observed[i] ?? { verdict: 'error', evidence: 'failed', message: 'no result' };
    const agrees = result.verdict === (verdict.allowed ? 'allowed' : 'denied');
    return { probe, predicted: verdict, observed: result, agrees };
  });
}

function attemptOf({ from, to, address, protocol, port }: PodProbe): LabAttempt {
  return {
    from: { kind: 'pod', namespace: from.namespace, name: from.name },
    to: { kind: 'pod', namespace: to.namespace, name: to.name },
    protocol: protocol.toLowerCase() as LabAttempt['protocol'],
    address: formatIp(address),
    port: port ?? 0,
  };
}

/** What a probe is, across readings of the cluster. */
export function probeKey({ from, to, protocol, port, address }: PodProbe): string {
  return `${from.key} ${to.key} ${protocol} ${port ?? ''} ${address.family}`;
}

/** `TCP 80`, `ICMP`, with the family when it is IPv6. */
export function probeText({ protocol, port, address }: PodProbe): string {
  const family: Family = address.family;
  return `${protocol}${port === undefined ? '' : ` ${port}`}${family === 6 ? ' (IPv6)' : ''}`;
}

function isRunning(pod: Pod | undefined): boolean {
  return pod?.status?.phase === 'Running' && pod.metadata?.deletionTimestamp === undefined;
}
