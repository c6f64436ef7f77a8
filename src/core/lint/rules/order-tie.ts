import type { Direction, Policy } from '../../policy/index.ts';
import { portsMeet, selectorsExclude } from '../containment.ts';
import type { LintCluster, PolicyEntry } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';
import { titleOf } from '../policy-parts.ts';
import { allowsOnly } from './redundant-rule.ts';

/** Policies that may share a pod, as far as labels tell, and whose actions differ for what both may match. */
export const orderTie: LintRule = {
  id: 'order-tie',
  severity: 'warning',
  summary: 'two policies of equal priority or order that decide differently about the same traffic',
  *check(cluster) {
    for (const [, tied] of Map.groupBy(cluster.policies, ({ policy }) => `${policy.tier}/${policy.order}`)) {
      if (tied.length < 2 || tied.every(({ policy }) => allowsOnly(policy))) continue;
      for (const [index, entry] of tied.entries()) {
        const rival = tied.slice(0, index).find((each) => contradict(cluster, each, entry));
        if (rival === undefined) continue;
        const { order } = entry.policy;
        const path = priorityPath(entry);
        yield {
          manifest: entry.manifest,
          path,
          message: (m) =>
            m.orderTie(titleOf(rival), path.replace('spec.', ''), Number.isFinite(order) ? String(order) : undefined),
        };
      }
    }
  },
};

function priorityPath({ manifest }: PolicyEntry): string {
  return JSON.stringify(manifest.object['spec'] ?? {}).includes('"priority"') ? 'spec.priority' : 'spec.order';
}

function contradict(cluster: LintCluster, a: PolicyEntry, b: PolicyEntry): boolean {
  if (a.policy.staged || b.policy.staged || !mayShare(cluster, a.policy, b.policy)) return false;
  return (['ingress', 'egress'] as const).some((direction) => differ(a.policy, b.policy, direction));
}

function mayShare(cluster: LintCluster, a: Policy, b: Policy): boolean {
  const [x, y] = [a.subject, b.subject];
  if (x.namespaces.kind === 'name' && y.namespaces.kind === 'name' && x.namespaces.name !== y.namespaces.name)
    return false;
  if (selectorsExclude(x.pods, y.pods)) return false;
  if (
    x.namespaces.kind === 'selector' &&
    y.namespaces.kind === 'selector' &&
    selectorsExclude(x.namespaces.selector, y.namespaces.selector)
  )
    return false;
  if (cluster.workloads.length === 0) return true;
  const pods = new Set(cluster.select(x));
  const others = cluster.select(y);
  return pods.size === 0 || others.length === 0 || others.some((each) => pods.has(each));
}

function differ(a: Policy, b: Policy, direction: Direction): boolean {
  return a[direction].some((x) =>
    b[direction].some(
      (y) =>
        x.action !== y.action &&
        x.action !== 'log' &&
        y.action !== 'log' &&
        portsMeet(x.ports, y.ports) &&
        peersMeet(x, y),
    ),
  );
}

type Peers = Pick<Policy['ingress'][number], 'peers'>;

function peersMeet(a: Peers, b: Peers): boolean {
  const [x, y] = [a.peers, b.peers];
  if (x === 'any' || y === 'any') return true;
  return x.some((one) =>
    y.some((other) => {
      if (one.kind === 'pods' && other.kind === 'pods')
        return !selectorsExclude(one.pods, other.pods) && namespacesMeet(one, other);
      if (one.kind === 'endpoints' && other.kind === 'endpoints')
        return !selectorsExclude(one.selector, other.selector);
      if (one.kind === 'block' && other.kind === 'block') return one.family === other.family;
      return one.kind === other.kind;
    }),
  );
}

function namespacesMeet(a: Policy['subject'], b: Policy['subject']): boolean {
  if (a.namespaces.kind === 'name' || b.namespaces.kind === 'name')
    return (
      a.namespaces.kind !== b.namespaces.kind ||
      (a.namespaces.kind === 'name' && b.namespaces.kind === 'name' && a.namespaces.name === b.namespaces.name)
    );
  return !selectorsExclude(a.namespaces.selector, b.namespaces.selector);
}
