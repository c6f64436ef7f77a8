import type { Node, Pod } from '../kube/types.ts';
import { doublyBudgeted, keptByBudgets } from './budgets.ts';
import { isPatched } from './is-patched.ts';
import type { NodeMark, Observed, Phase, Target } from './model.ts';
import { markOf, markPatch } from './node-marks.ts';
import { agentPods, daemonSetOf, movablePods, stalePods } from './pods-of-node.ts';

/** What can be told of a cluster by reading it. */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  /** The Node is in one of these phases; null: in none. */
  | { readonly kind: 'phase'; readonly node: string; readonly in: readonly (Phase | null)[] }
  /** The Node's label has one of these values; null: there is none. */
  | { readonly kind: 'network'; readonly node: string; readonly in: readonly ('none' | 'sluice' | null)[] }
  | { readonly kind: 'marked'; readonly mark: NodeMark }
  /** A merge patch would change nothing any more. */
  | { readonly kind: 'patched'; readonly target: Target; readonly patch: object }
  | { readonly kind: 'there' | 'absent'; readonly targets: readonly Target[] }
  | { readonly kind: 'rolled-out'; readonly target: Target }
  /** No pod of the agents is on the node, or one that is ready. */
  | { readonly kind: 'gone'; readonly node: string; readonly agents: Target }
  | { readonly kind: 'ready'; readonly node: string; readonly agents: Target }
  /** Nothing that a drain moves is on the node; `since`: nothing of what was wired since these agents are there. */
  | { readonly kind: 'drained'; readonly node: string; readonly since?: Target | undefined }
  /** No pod of a DaemonSet is on the node that was wired before these agents were there. */
  | { readonly kind: 'restarted'; readonly node: string; readonly agents: Target }
  /** Every pod that a drain ends comes back elsewhere, and can be evicted some day. */
  | { readonly kind: 'movable'; readonly node: string; readonly since?: Target | undefined }
  /** On nodes that have their new network, its agents are ready. */
  | { readonly kind: 'healthy'; readonly agents: Target };

type Of<K extends Condition['kind']> = Extract<Condition, { readonly kind: K }>;

/** What a condition lacks, in words that name the objects; undefined: it holds. */
export function lacking(condition: Condition, observed: Observed): string | undefined {
  switch (condition.kind) {
    case 'all':
      return condition.of.map((each) => lacking(each, observed)).find((each) => each !== undefined);
    case 'any': {
      const reasons = condition.of.map((each) => lacking(each, observed));
      return reasons.includes(undefined) ? undefined : reasons.at(-1);
    }
    case 'phase':
    case 'network':
      return lacksMark(condition, observed);
    case 'marked':
      return lacksNode(condition.mark.node, observed, (node) =>
        isPatched(node, markPatch(condition.mark, node)) ? undefined : `node ${condition.mark.node} is not marked yet`,
      );
    case 'patched':
      return isPatched(found(condition.target, observed), condition.patch)
        ? undefined
        : `${nameOf(condition.target)} is not changed yet`;
    case 'there': {
      const missing = condition.targets.filter((target) => found(target, observed) === undefined);
      return missing.length === 0 ? undefined : `${missing.map(nameOf).join(', ')} is not there`;
    }
    case 'absent': {
      const left = condition.targets.filter((target) => found(target, observed) !== undefined);
      return left.length === 0 ? undefined : `${left.map(nameOf).join(', ')} is still there`;
    }
    case 'rolled-out':
      return lacksReplicas(condition, observed);
    case 'gone':
      return lacksAbsence(condition, observed);
    case 'ready':
      return lacksReadiness(condition, observed);
    case 'healthy':
      return lacksHealth(condition, observed);
    case 'drained':
    case 'restarted':
    case 'movable':
      return lacksOfPods(condition, observed);
  }
}

/** Whether it holds. */
export function holds(condition: Condition, observed: Observed): boolean {
  return lacking(condition, observed) === undefined;
}

function lacksMark(condition: Of<'phase' | 'network'>, observed: Observed): string | undefined {
  return lacksNode(condition.node, observed, (node) => {
    const { network = null, phase = null } = markOf(node);
    const [what, value] = condition.kind === 'phase' ? ['phase', phase] : ['network', network];
    if ((condition.in as readonly (string | null)[]).includes(value)) return undefined;
    return `node ${condition.node} has ${what} ${value ?? 'of its own'}`;
  });
}

function lacksNode(name: string, { nodes }: Observed, lacks: (node: Node) => string | undefined): string | undefined {
  const node = nodes.find(({ metadata }) => metadata?.name === name);
  return node === undefined ? `node ${name} is not there any more` : lacks(node);
}

function lacksReplicas({ target }: Of<'rolled-out'>, observed: Observed): string | undefined {
  const deployment = observed.deployments.find((each) => isNamed(each, target));
  const { replicas = 1 } = deployment?.spec ?? {};
  const available = deployment?.status?.availableReplicas ?? 0;
  return available >= replicas ? undefined : `${nameOf(target)} has ${available} of ${replicas} pods available`;
}

function lacksAbsence({ node, agents }: Of<'gone'>, observed: Observed): string | undefined {
  const left = agentPods(node, agents, observed);
  return left.length === 0 ? undefined : `pod ${podName(left[0]!)} is still on node ${node}`;
}

function lacksReadiness({ node, agents }: Of<'ready'>, observed: Observed): string | undefined {
  const pods = agentPods(node, agents, observed);
  if (pods.some(isReady)) return undefined;
  if (daemonSetOf(agents, observed) === undefined) return `${nameOf(agents)} is not there`;
  if (pods.length === 0) return `${nameOf(agents)} has no pod on node ${node}`;
  return `pod ${podName(pods[0]!)} on node ${node} is not ready${stateOf(pods[0]!)}`;
}

function lacksOfPods(condition: Of<'drained' | 'restarted' | 'movable'>, observed: Observed): string | undefined {
  const { node, kind } = condition;
  if (condition.kind === 'movable') {
    const pods = movablePods(node, observed, condition.since);
    const lost = pods.filter(({ metadata }) => (metadata?.ownerReferences ?? []).length === 0);
    if (lost.length > 0) return `nothing would start ${lost.map(podName).join(', ')} again elsewhere`;
    return doublyBudgeted(pods, observed);
  }
  if (kind === 'restarted') {
    const unready = lacking({ kind: 'ready', node, agents: condition.agents }, observed);
    if (unready !== undefined) return unready;
  }
  const left =
    kind === 'drained' ? movablePods(node, observed, condition.since) : stalePods(node, condition.agents, observed);
  if (left.length === 0) return undefined;
  const kept = kind === 'drained' ? keptByBudgets(left, observed) : [];
  return [`node ${node} still has ${left.map(podName).join(', ')}`, ...kept].join('; ');
}

function lacksHealth({ agents }: Of<'healthy'>, observed: Observed): string | undefined {
  for (const node of observed.nodes) {
    const { network, phase } = markOf(node);
    if (network !== 'sluice' || phase !== undefined) continue;
    const reason = lacking({ kind: 'ready', node: node.metadata?.name ?? '', agents }, observed);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function isReady({ metadata, status }: Pod): boolean {
  if (metadata?.deletionTimestamp !== undefined) return false;
  return status?.conditions?.some(({ type, status: now }) => type === 'Ready' && now === 'True') === true;
}

/** What the kubelet says of the first container that waits. */
function stateOf({ status }: Pod): string {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const container = all.find(({ state }) => state?.waiting?.reason !== undefined);
  if (container === undefined) return '';
  const { reason, message } = container.state!.waiting!;
  return `: container ${container.name} waits, ${reason}${message === undefined ? '' : ` (${message})`}`;
}

function found(target: Target, observed: Observed): unknown {
  const { daemonSets: DaemonSet, deployments: Deployment, configMaps: ConfigMap } = observed;
  const all: readonly Named[] = { DaemonSet, Deployment, ConfigMap }[target.kind];
  return all.find((each) => isNamed(each, target));
}

interface Named {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

function isNamed({ metadata }: Named, target: Target): boolean {
  return metadata?.name === target.name && metadata.namespace === target.namespace;
}

/** `DaemonSet kube-system/calico-node`. */
function nameOf({ kind, namespace, name }: Target): string {
  return `${kind} ${namespace}/${name}`;
}

function podName({ metadata }: Pod): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}
