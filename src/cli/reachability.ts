import { setTimeout } from 'node:timers/promises';
import type { LabAttempt, LabAttemptResult, LabPlace, RunningLab } from '../app/lab/lab-types.ts';
import { formatIp, type Family, type Ip } from '../base/ip/index.ts';
import type { Pod } from '../core/kube/types.ts';
import {
  PolicyEngine,
  clusterState,
  predictMatrix,
  type NodeEndpoint,
  type Party,
  type PodEndpoint,
  type Prediction,
  type Probe,
  type Verdict,
} from '../core/policy/index.ts';
import type { KubeClient } from '../host/kube-client/types.ts';
import { readSnapshot, type ClusterSnapshot } from './cluster.ts';
import { OUTSIDE } from './place.ts';

/** One end of a connection that can be predicted and tried. */
export interface ProbeEnd {
  /** `namespace/pod`, `node/name`, `outside`. */
  readonly key: string;
  readonly kind: 'pod' | 'node' | 'outside';
  readonly place: LabPlace;
  readonly addresses: readonly Ip[];
  readonly party: (family: Family) => Party;
  /** Declared ports first; every end has an undeclared one of each protocol. */
  readonly ports: readonly ProbedPort[];
}

/** One connection between two ends. */
export interface PlannedProbe extends Probe {
  readonly from: ProbeEnd;
  readonly to: ProbeEnd;
  readonly address: Ip;
  readonly protocol: 'TCP' | 'UDP' | 'ICMP';
  /** Whether a container of the destination declares the port. */
  readonly declared: boolean;
}

/** A connection as it was predicted and as it went. */
export interface Comparison {
  readonly probe: PlannedProbe;
  readonly predicted: Verdict;
  readonly observed: LabAttemptResult;
  /** An attempt that could not be made agrees with nothing. */
  readonly agrees: boolean;
}

/**
 * For how long the packets of a disagreement are tried before it counts, in milliseconds: the kernel may be behind the
 * API, for a moment usually, and for seconds where the machine is busy with other things.
 */
const PATIENCE = 20_000;
/** Milliseconds between two rounds: where packets pass that should not, a round takes no time of its own. */
const PAUSE = 100;

/** What to probe. */
export interface ProbeScope {
  /** Only these pods; absent: all of them. */
  readonly include?: (pod: PodEndpoint) => boolean;
  /** Also connections from nodes to pods, and from pods to nodes and to the host outside. */
  readonly beyondPods?: boolean;
  /** For how long disagreements are tried again, in milliseconds; absent: 20 s. */
  readonly patience?: number;
}

/**
 * Tries every pair of pods on the ports that the destination declares and on one that it does not, over TCP, UDP and ICMP in each
 * address family, and compares with the prediction. What disagrees is predicted and tried again for a while, since the cluster may have
 * changed between the reading of it and the packets.
 */
export async function compareReachability(
  lab: RunningLab,
  client: KubeClient,
  scope: ProbeScope = {},
): Promise<readonly Comparison[]> {
  let comparisons = await compareOnce(lab, await readSnapshot(client), scope);
  const deadline = performance.now() + (scope.patience ?? PATIENCE);
  while (comparisons.some(({ agrees }) => !agrees) && performance.now() < deadline) {
    await setTimeout(PAUSE);
    const open = new Set(comparisons.filter(({ agrees }) => !agrees).map(({ probe }) => probeKey(probe)));
    const again = await compareOnce(lab, await readSnapshot(client), scope, (probe) => open.has(probeKey(probe)));
    const renewed = new Map(again.map((each) => [probeKey(each.probe), each]));
    // A pod that went away in between has nothing left to disagree about.
    comparisons = comparisons.flatMap((each) => (each.agrees ? [each] : (renewed.get(probeKey(each.probe)) ?? [])));
  }
  return comparisons;
}

/** Every probe in a cluster state, in a stable order. */
export function planProbes(engine: PolicyEngine, pods: readonly Pod[], scope: ProbeScope = {}): PlannedProbe[] {
  const objects = new Map(pods.map((pod) => [`${pod.metadata?.namespace}/${pod.metadata?.name}`, pod]));
  const { include = () => true, beyondPods = false } = scope;
  const running = [...engine.state.pods.values()]
    .filter((pod) => isRunning(objects.get(pod.key)) && !pod.hostNetwork && pod.addresses.length > 0 && include(pod))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map((pod) => podEnd(engine, pod, portsOf(objects.get(pod.key))));
  const others = beyondPods
    ? [...[...engine.state.nodes.values()].map((node) => nodeEnd(engine, node)), outsideEnd(engine)]
    : [];
  const ends = [...running, ...others];
  return ends.flatMap((from) => ends.filter((to) => isRoute(from, to)).flatMap((to) => pairProbes(from, to)));
}

/** Nothing outside has a route to pod addresses, and what nodes do among themselves is not the pod network's business. */
function isRoute(from: ProbeEnd, to: ProbeEnd): boolean {
  if (from === to || (from.kind !== 'pod' && to.kind !== 'pod')) return false;
  return from.kind !== 'outside';
}

function pairProbes(from: ProbeEnd, to: ProbeEnd): PlannedProbe[] {
  return to.addresses
    .filter(({ family }) => from.addresses.some((address) => address.family === family))
    .flatMap((address) => {
      const { family } = address;
      const ends = { from, to, address, source: from.party(family), destination: to.party(family) };
      const icmp: PlannedProbe = { ...ends, protocol: 'ICMP', declared: true };
      return [...to.ports.map((port): PlannedProbe => ({ ...ends, ...port })), icmp];
    });
}

function podEnd(engine: PolicyEngine, pod: PodEndpoint, ports: readonly ProbedPort[]): ProbeEnd {
  const { key, namespace, name, addresses } = pod;
  const place: LabPlace = { kind: 'pod', namespace, name };
  return { key, kind: 'pod', place, addresses, ports, party: (family) => engine.pod(pod, family) };
}

function nodeEnd(engine: PolicyEngine, node: NodeEndpoint): ProbeEnd {
  const { name, addresses } = node;
  const primary = ([4, 6] as const).flatMap((family) => addresses.find((each) => each.family === family) ?? []);
  const place: LabPlace = { kind: 'node', name };
  const party = (family: Family): Party => engine.node(node, family);
  return { key: `node/${name}`, kind: 'node', place, addresses: primary, ports: portsOf(undefined), party };
}

function outsideEnd(engine: PolicyEngine): ProbeEnd {
  const party = (family: Family): Party => engine.address(OUTSIDE[family]);
  const addresses = [OUTSIDE[4], OUTSIDE[6]];
  return { key: 'outside', kind: 'outside', place: { kind: 'outside' }, addresses, ports: portsOf(undefined), party };
}

/** A port to try. */
export interface ProbedPort {
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  readonly declared: boolean;
}

/** First of the ports that no container is likely to declare: the middle of the ephemeral range. */
export const UNDECLARED = 49_000;

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
  scope: ProbeScope,
  wanted: (probe: PlannedProbe) => boolean = () => true,
): Promise<Comparison[]> {
  const engine = new PolicyEngine(clusterState(snapshot));
  const probes = planProbes(engine, snapshot.pods, scope).filter(wanted);
  const predictions: Prediction<PlannedProbe>[] = predictMatrix(engine, probes);
  const attempts = predictions.map(({ probe, verdict }) => attemptOf(probe, !verdict.allowed));
  const observed = await lab.request({ op: 'probe', attempts });
  return predictions.map(({ probe, verdict }, i): Comparison => {
    const result = observed[i] ?? { verdict: 'error', evidence: 'failed', message: 'no result' };
    const agrees = result.verdict === (verdict.allowed ? 'allowed' : 'denied');
    return { probe, predicted: verdict, observed: result, agrees };
  });
}

function attemptOf({ from, to, address, protocol, port }: PlannedProbe, expectSilence: boolean): LabAttempt {
  return {
    from: from.place,
    to: to.place,
    protocol: protocol.toLowerCase() as LabAttempt['protocol'],
    address: formatIp(address),
    port: port ?? 0,
    expectSilence,
  };
}

/** What a probe is, across readings of the cluster. */
export function probeKey({ from, to, protocol, port, address }: PlannedProbe): string {
  return `${from.key} ${to.key} ${protocol} ${port ?? ''} ${address.family}`;
}

/** `TCP 80`, `ICMP`, with the family when it is IPv6. */
export function probeText({ protocol, port, address }: PlannedProbe): string {
  const family: Family = address.family;
  return `${protocol}${port === undefined ? '' : ` ${port}`}${family === 6 ? ' (IPv6)' : ''}`;
}

function isRunning(pod: Pod | undefined): boolean {
  return pod?.status?.phase === 'Running' && pod.metadata?.deletionTimestamp === undefined;
}
