import type { Blocker, ClusterObject, Observed, OldNetwork } from './model.ts';
import { NETWORK_LABEL, markOf } from './node-marks.ts';

/** A reason why a cluster cannot change its network node by node as it is; each says at most one thing. */
export type Rule = (old: OldNetwork, observed: Observed) => Blocker | undefined;

/** What stands in the way whatever the network before is. */
export const commonBlockers: readonly Rule[] = [
  (_, { nodes }) => {
    const windows = nodes.filter(({ metadata }) => metadata?.labels?.['kubernetes.io/os'] === 'windows');
    if (windows.length === 0) return undefined;
    return {
      code: 'windows',
      reason: `Sluice does not run on Windows: ${namesOf(windows)}`,
      remedy: 'remove these nodes',
    };
  },
  (_, { nodes }) => {
    // Who is on its way is looked after by the steps.
    const settled = nodes.filter((node) => markOf(node).phase === undefined);
    const sick = settled.filter(
      ({ status }) => status?.conditions?.some(({ type, status: now }) => type === 'Ready' && now === 'True') !== true,
    );
    if (sick.length === 0) return undefined;
    return {
      code: 'not-ready',
      reason: `not every node is ready: ${namesOf(sick)}`,
      remedy: 'repair or remove them first',
    };
  },
  ({ agents }, { daemonSets }) => {
    const own = daemonSets.find(({ metadata }) => metadata?.name === 'sluice-node');
    const networkOf = ({ spec }: typeof agents) => spec?.template.spec?.nodeSelector?.[NETWORK_LABEL];
    if (own === undefined || networkOf(own) === 'sluice' || networkOf(agents) !== undefined) return undefined;
    return {
      code: 'installed',
      reason: 'DaemonSet sluice-node is there already, and not for labelled nodes only',
      remedy: 'kubectl -n kube-system delete daemonset sluice-node',
    };
  },
  (_, { pods }) => {
    const asking = pods.filter(
      ({ metadata }) => metadata?.annotations?.['cni.projectcalico.org/floatingIPs'] !== undefined,
    );
    if (asking.length === 0) return undefined;
    return {
      code: 'floating-ips',
      reason: `pods ask for floating addresses, which Sluice refuses: ${namesOf(asking)}`,
      remedy: 'give them Services instead',
    };
  },
];

/** Whether any object's spec has the field set to true. */
export function anySays(objects: readonly ClusterObject[], field: string): boolean {
  return objects.some(({ spec }) => (spec as Readonly<Record<string, unknown>> | undefined)?.[field] === true);
}

/** Names in order, for a message. */
export function namesOf(objects: readonly { readonly metadata?: { readonly name?: string } }[]): string {
  return objects
    .map(({ metadata }) => metadata?.name ?? '')
    .sort()
    .join(', ');
}
