import { formatSelector, parseLabelMap } from '../../core/kube/labels.ts';
import type { PodEndpoint } from '../../core/policy/cluster.ts';
import type { GroupId, Reachability } from '../../core/reach/index.ts';
import type { ReachEndpoint } from './graph.ts';
import type { Names } from './pod-graph.ts';
import { asPod, type Chosen } from './selection.ts';

/** What pods are shown as one by. */
export type Grouping = 'workload' | 'namespace' | 'labels';

/** Ends that are shown as one, and which members they have of each group of the symbolic reader. */
export interface Unit {
  readonly name: string;
  readonly kind: ReachEndpoint['kind'];
  readonly namespace?: string;
  readonly members: ReadonlyMap<GroupId, ReadonlySet<string>>;
}

/** The units of one side. */
export interface Units {
  readonly all: readonly Unit[];
  /** Those that have members of a group. */
  readonly of: ReadonlyMap<GroupId, readonly Unit[]>;
}

/** Labels that differ between pods of one workload and say nothing. */
const GENERATED = [
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-completion-index',
  'controller-uid',
];

/** The units that one side of the selection has. All nodes are one; every group of the outside is one. */
export function unitsOf(
  { groups }: Reachability,
  chosen: Chosen,
  side: 'from' | 'to',
  grouping: Grouping,
  names: Names,
): Units {
  const table = new UnitTable();
  for (const group of groups) {
    if (!chosen.group(group, side)) continue;
    switch (group.kind) {
      case 'pods':
        for (const pod of group.pods) if (chosen.pod(pod, side)) table.add(group.id, pod.key, unitOf(pod, grouping));
        if (group.supposed !== undefined) {
          const { key, namespace } = asPod(group.supposed);
          table.add(group.id, key, { name: key, kind: 'supposed', namespace });
        }
        break;
      case 'nodes':
        for (const node of group.nodes)
          if (chosen.node(node, side)) table.add(group.id, node.name, { name: 'nodes', kind: 'node' });
        break;
      case 'addresses':
      case 'domain': {
        const name = names.group(group, side);
        table.add(group.id, name, { name, kind: group.kind === 'domain' ? 'domain' : 'external' });
      }
    }
  }
  return table;
}

type GrowingUnit = Omit<Unit, 'members'> & { readonly members: Map<GroupId, Set<string>> };

class UnitTable implements Units {
  readonly #units = new Map<string, GrowingUnit>();
  readonly of = new Map<GroupId, Unit[]>();

  get all(): readonly Unit[] {
    return [...this.#units.values()];
  }

  add(group: GroupId, member: string, head: Omit<Unit, 'members'>): void {
    let unit = this.#units.get(head.name);
    if (unit === undefined) this.#units.set(head.name, (unit = { ...head, members: new Map() }));
    const known = unit.members.get(group);
    if (known !== undefined) {
      known.add(member);
      return;
    }
    unit.members.set(group, new Set([member]));
    const list = this.of.get(group);
    if (list === undefined) this.of.set(group, [unit]);
    else list.push(unit);
  }
}

function unitOf(pod: PodEndpoint, grouping: Grouping): Omit<Unit, 'members'> {
  const { namespace } = pod;
  switch (grouping) {
    case 'namespace':
      return { name: namespace, kind: 'namespace', namespace };
    case 'workload': {
      const { workload } = pod;
      if (workload === undefined) return { name: pod.key, kind: 'pod', namespace };
      return { name: `${namespace}/${workload.kind.toLowerCase()}/${workload.name}`, kind: 'workload', namespace };
    }
    case 'labels':
      return { name: `${namespace}/${labelText(pod)}`, kind: 'labels', namespace };
  }
}

/** In kubectl's syntax, without the labels that controllers generate. */
function labelText({ labels }: PodEndpoint): string {
  const own = Object.entries(labels).filter(([key]) => !GENERATED.includes(key));
  return own.length === 0 ? '(no labels)' : formatSelector(parseLabelMap(Object.fromEntries(own)));
}
