import type { Node, Pod, PodAffinityTerm, PodSpec } from 'kubernetes-types/core/v1.d.ts';
import { controllerOf, type Stored } from './objects.ts';
import { dislikes, matchesNodeAffinity, preferenceFor, untolerated } from './node-fit.ts';
import { isFinished } from './pods.ts';
import { parseQuantity } from './quantity.ts';
import { selects } from './selector.ts';

/** Where a pod goes, or why it can go nowhere in the words of `kubectl describe pod`. */
export type Placement =
  { readonly kind: 'node'; readonly node: string } | { readonly kind: 'unschedulable'; readonly message: string };

/** What scheduling looks at: all nodes and all pods, finished ones included. */
export interface Placed {
  readonly nodes: readonly Stored<Node>[];
  readonly pods: readonly Stored<Pod>[];
  /** Labels of a namespace, for pod affinity across namespaces. */
  readonly namespaceLabels: (name: string) => Readonly<Record<string, string>> | undefined;
}

/**
 * Chooses a node for `pod`: every hard rule must hold (node affinity, taints, resources, hostPorts, pod affinity), then the node that is preferred most,
 * has fewest pods of the same owner and fewest pods at all. Names decide ties, so equal input gives equal placements.
 */
export function schedule(pod: Stored<Pod>, placed: Placed): Placement {
  const residents = new Map<string, Stored<Pod>[]>(placed.nodes.map((node) => [node.metadata.name, []]));
  for (const other of placed.pods) if (!isFinished(other)) residents.get(other.spec?.nodeName ?? '')?.push(other);
  const reasons = new Map<string, number>();
  const fitting = placed.nodes.filter((node) => {
    const reason = misfit(pod, node, residents, placed);
    if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    return reason === undefined;
  });
  const [best] = fitting
    .map((node) => ({ name: node.metadata.name, score: scoreOf(pod, node, residents.get(node.metadata.name)!) }))
    .sort((a, b) => compare(a.score, b.score) || (a.name < b.name ? -1 : 1));
  if (best !== undefined) return { kind: 'node', node: best.name };
  return { kind: 'unschedulable', message: explain(placed.nodes.length, reasons) };
}

function misfit(
  pod: Stored<Pod>,
  node: Stored<Node>,
  residents: ReadonlyMap<string, readonly Stored<Pod>[]>,
  placed: Placed,
): string | undefined {
  const spec = pod.spec ?? { containers: [] };
  const here = residents.get(node.metadata.name) ?? [];
  if (node.spec?.unschedulable === true && untolerated(spec.tolerations, node).some(isCordon)) {
    return 'node(s) were unschedulable';
  }
  const [taint] = untolerated(spec.tolerations, node);
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  if (!matchesNodeAffinity(spec, node)) return "node(s) didn't match Pod's node affinity/selector";
  if (portsTaken(spec, here)) return "node(s) didn't have free ports for the requested pod ports";
  return shortage(spec, node, here) ?? affinityMisfit(pod, node, residents, placed);
}

function isCordon(taint: { readonly key: string }): boolean {
  return taint.key === 'node.kubernetes.io/unschedulable';
}

function portsTaken(spec: PodSpec, here: readonly Pod[]): boolean {
  const wanted = hostPorts(spec);
  return (
    wanted.length > 0 && here.some((other) => hostPorts(other.spec).some((port) => wanted.some(collidesWith(port))))
  );
}

interface HostPort {
  readonly port: number;
  readonly protocol: string;
  readonly address: string;
}

/** Ports that the pod takes on its node; with `hostNetwork` every container port is one. */
function hostPorts(spec: PodSpec | undefined): HostPort[] {
  return (spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP = '' }) => {
      const port = hostPort ?? (spec?.hostNetwork === true ? containerPort : 0);
      const address = hostIP === '0.0.0.0' || hostIP === '::' ? '' : hostIP;
      return port > 0 ? [{ port, protocol, address }] : [];
    }),
  );
}

function collidesWith(a: HostPort): (b: HostPort) => boolean {
  return (b) =>
    a.port === b.port && a.protocol === b.protocol && (a.address === b.address || a.address === '' || b.address === '');
}

function shortage(spec: PodSpec, node: Node, here: readonly Pod[]): string | undefined {
  const allocatable = node.status?.allocatable ?? {};
  const slots = parseQuantity(allocatable['pods']);
  if (slots !== undefined && here.length + 1 > slots) return 'Too many pods';
  for (const resource of ['cpu', 'memory']) {
    const wanted = requested(spec, resource);
    const total = parseQuantity(allocatable[resource]);
    if (wanted === 0 || total === undefined) continue;
    const used = here.reduce((sum, other) => sum + requested(other.spec, resource), 0);
    if (used + wanted > total) return `Insufficient ${resource}`;
  }
  return undefined;
}

function requested(spec: PodSpec | undefined, resource: string): number {
  const of = (container: { resources?: { requests?: Record<string, string> } }): number =>
    parseQuantity(container.resources?.requests?.[resource]) ?? 0;
  const running = (spec?.containers ?? []).reduce((sum, container) => sum + of(container), 0);
  return Math.max(running, ...(spec?.initContainers ?? []).map(of));
}

function affinityMisfit(
  pod: Stored<Pod>,
  node: Stored<Node>,
  residents: ReadonlyMap<string, readonly Stored<Pod>[]>,
  placed: Placed,
): string | undefined {
  const near = (topologyKey: string): readonly Stored<Pod>[] => {
    const domain = node.metadata.labels?.[topologyKey];
    if (domain === undefined) return topologyKey === HOSTNAME ? (residents.get(node.metadata.name) ?? []) : [];
    const nodes = placed.nodes.filter((each) => each.metadata.labels?.[topologyKey] === domain);
    return nodes.flatMap((each) => residents.get(each.metadata.name) ?? []);
  };
  const all = placed.pods.filter((other) => other.metadata.uid !== pod.metadata.uid && !isFinished(other));
  const wants = pod.spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const unmet = wants.some((term) => {
    const matches = (other: Stored<Pod>): boolean => selectsPod(term, pod, other, placed);
    // The first pod of a group that wants to be together has nobody to join.
    return !near(term.topologyKey).some(matches) && (all.some(matches) || !selectsPod(term, pod, pod, placed));
  });
  if (unmet) return "node(s) didn't match pod affinity rules";
  const avoids = pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const crowded = avoids.some((term) => near(term.topologyKey).some((other) => selectsPod(term, pod, other, placed)));
  return crowded ? "node(s) didn't match pod anti-affinity rules" : undefined;
}

const HOSTNAME = 'kubernetes.io/hostname';

function selectsPod(term: PodAffinityTerm, owner: Stored<Pod>, other: Stored<Pod>, placed: Placed): boolean {
  const namespace = other.metadata.namespace ?? '';
  const named = term.namespaces ?? (term.namespaceSelector === undefined ? [owner.metadata.namespace ?? ''] : []);
  const inScope =
    named.includes(namespace) ||
    (term.namespaceSelector !== undefined && selects(term.namespaceSelector, placed.namespaceLabels(namespace)));
  return inScope && selects(term.labelSelector, other.metadata.labels);
}

/** Smaller is better, compared from left to right. */
type Score = readonly number[];

function scoreOf(pod: Stored<Pod>, node: Stored<Node>, here: readonly Stored<Pod>[]): Score {
  const spec = pod.spec ?? { containers: [] };
  const owner = controllerOf(pod)?.uid;
  const kin = owner === undefined ? 0 : here.filter((other) => controllerOf(other)?.uid === owner).length;
  const together = spec.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const crowd = here.filter((other) =>
    together.some(({ podAffinityTerm }) => selects(podAffinityTerm.labelSelector, other.metadata.labels)),
  );
  return [dislikes(spec.tolerations, node), -preferenceFor(spec, node), crowd.length, kin, here.length];
}

function compare(a: Score, b: Score): number {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value - (b[i] ?? 0);
  return 0;
}

function explain(nodes: number, reasons: ReadonlyMap<string, number>): string {
  if (nodes === 0) return 'no nodes available to schedule pods';
  const counted = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available: ${counted.join(', ')}.`;
}
