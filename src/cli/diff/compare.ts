import { cidrsOf, formatCidr, intervalSet } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import type { ClusterState, NodeEndpoint, PodEndpoint } from '../../core/policy/cluster.ts';
import { PolicyEngine } from '../../core/policy/evaluate.ts';
import type { Flow, Party } from '../../core/policy/flow.ts';
import type { Language } from '../../core/policy/messages/catalogue.ts';
import { diff, freeAddress, reach, sampleTraffic } from '../../core/reach/index.ts';
import type { ClusterReachability, CommonEnd, ReachabilityChange } from '../../core/reach/index.ts';
import { externalNames } from '../reach/external-name.ts';
import { portRecords } from '../reach/port-records.ts';
import { mergeChanges } from './merge.ts';
import type { Change, DiffReport, Side } from './model.ts';
import { isSame, reasonFor, type Engines } from './reason.ts';

/** What becomes reachable from one cluster to the other, and what stops being, with the reasons. */
export function compareClusters(before: ClusterState, now: ClusterState, language: Language): DiffReport {
  const [old, young] = [reach(before), reach(now)];
  const difference = diff(old, young);
  const engines: Engines = { before: new PolicyEngine(before), now: new PolicyEngine(now) };
  const sizes = workloadSizes(before, now);
  const show = (change: ReachabilityChange): Change => {
    const reason = reasonFor(engines, flowOf(change, young), language);
    return {
      from: sidesOf(change.from, sizes),
      to: sidesOf(change.to, sizes),
      ports: portRecords(change.byFamily),
      ...(change.ownNode === true ? { ownNode: true } : {}),
      ...(reason === undefined ? {} : { reason }),
    };
  };
  return {
    opened: mergeChanges(difference.opened.map(show)),
    closed: mergeChanges(difference.closed.map(show)),
    added: unique(difference.added.map(nameOf)),
    removed: unique(difference.removed.map(nameOf)),
  };
}

/** Pods of each workload that are in both states. */
function workloadSizes(before: ClusterState, now: ClusterState): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const pod of now.pods.values()) {
    if (pod.hostNetwork || pod.completed || !before.pods.has(pod.key)) continue;
    const name = nameOf(pod);
    sizes.set(name, (sizes.get(name) ?? 0) + 1);
  }
  return sizes;
}

function nameOf(end: PodEndpoint | NodeEndpoint): string {
  if (end.kind === 'node') return `node/${end.name}`;
  const { key, namespace, workload } = end;
  return workload === undefined ? key : `${namespace}/${workload.kind.toLowerCase()}/${workload.name}`;
}

/** The ends by workload, in the order of their names; addresses of both families last, as few sets as there are families. */
function sidesOf(ends: readonly CommonEnd[], sizes: ReadonlyMap<string, number>): readonly Side[] {
  const pods = new Map<string, number>();
  const names = new Set<string>();
  for (const end of ends) {
    if (end.kind === 'pods') for (const pod of end.pods) pods.set(nameOf(pod), (pods.get(nameOf(pod)) ?? 0) + 1);
    else if (end.kind === 'nodes') for (const node of end.nodes) names.add(nameOf(node));
    else if (end.kind === 'domain') names.add(end.pattern);
  }
  const ofPods = [...pods].map(([name, count]): Side => {
    const of = sizes.get(name) ?? count;
    return count < of ? { name, some: { count, of } } : { name };
  });
  const others = [...names].map((name): Side => ({ name }));
  const sorted = [...ofPods, ...others].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...sorted, ...outsideSides(ends)];
}

function outsideSides(ends: readonly CommonEnd[]): readonly Side[] {
  return ([4, 6] as const).flatMap((family) => {
    const own = ends.flatMap((end) => (end.kind === 'addresses' && end.family === family ? end.ranges : []));
    if (own.length === 0) return [];
    const set = { family, ranges: intervalSet(own) };
    const name = externalNames([set])(set);
    return [{ name: name.endsWith('elsewhere') ? cidrsOf(set.ranges, family).map(formatCidr).join(',') : name }];
  });
}

/** A flow that the change is about, of either state's own parties; undefined when none is that can be judged. */
function flowOf(
  change: ReachabilityChange,
  reachability: ClusterReachability,
): (engine: PolicyEngine) => Flow | undefined {
  const family = ([4, 6] as const).find((each) => (change.byFamily[each]?.length ?? 0) > 0);
  const traffic = family === undefined ? undefined : sampleTraffic(change.byFamily[family]!);
  return (engine) => {
    if (family === undefined || traffic === undefined) return undefined;
    for (const source of partiesOf(change.from, engine, family, reachability))
      for (const destination of partiesOf(change.to, engine, family, reachability))
        if (!isSame(source, destination) && isOwnNode(source, destination) === (change.ownNode === true))
          return { source, destination, family, ...traffic };
    return undefined;
  };
}

function* partiesOf(
  ends: readonly CommonEnd[],
  engine: PolicyEngine,
  family: Family,
  reachability: ClusterReachability,
): Generator<Party> {
  for (const end of ends) {
    switch (end.kind) {
      case 'pods':
        for (const { key } of end.pods) {
          const pod = engine.state.pods.get(key);
          if (pod !== undefined) yield engine.pod(pod, family);
        }
        break;
      case 'nodes':
        for (const { name } of end.nodes) {
          const node = engine.state.nodes.get(name);
          if (node !== undefined) yield engine.node(node, family);
        }
        break;
      case 'addresses': {
        const ip = end.family === family ? freeAddress(reachability, family, end.ranges) : undefined;
        if (ip !== undefined) yield engine.address(ip);
        break;
      }
      case 'domain':
        break;
    }
  }
}

function isOwnNode(a: Party, b: Party): boolean {
  if (a.kind === 'pod' && b.kind === 'node') return a.pod.node === b.node.name;
  return a.kind === 'node' && b.kind === 'pod' && b.pod.node === a.node.name;
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
