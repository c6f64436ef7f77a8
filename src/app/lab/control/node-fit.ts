import type { Node, NodeSelectorTerm, PodSpec, Taint, Toleration } from 'kubernetes-types/core/v1.d.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

/** Whether the pod's `nodeSelector` and required node affinity allow the node. */
export function matchesNodeAffinity(spec: PodSpec, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  if (!Object.entries(spec.nodeSelector ?? {}).every(([name, value]) => labels[name] === value)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** The weights of the preferred node affinity terms that the node meets, added up. */
export function preferenceFor(spec: PodSpec, node: Node): number {
  const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0);
}

/**
 * The taints that keep a pod with `tolerations` off the node: effect `NoSchedule` or `NoExecute` and not tolerated. A cordon and a
 * node that is not ready count as taints even before the node carries them.
 */
export function untolerated(tolerations: readonly Toleration[] | undefined, node: Node): Taint[] {
  return effectiveTaints(node).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !(tolerations ?? []).some((each) => tolerates(each, taint)),
  );
}

/** How many `PreferNoSchedule` taints of the node the pod does not tolerate. */
export function dislikes(tolerations: readonly Toleration[] | undefined, node: Node): number {
  return (node.spec?.taints ?? []).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !(tolerations ?? []).some((each) => tolerates(each, taint)),
  ).length;
}

/** Whether one toleration covers one taint; absent fields of the toleration are wildcards as in the API. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.operator === 'Exists') return !toleration.key || toleration.key === taint.key;
  return toleration.key === taint.key && (toleration.value ?? '') === (taint.value ?? '');
}

/** Whether the node's Ready condition is true. */
export function isNodeReady(node: Node): boolean {
  return node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

function effectiveTaints(node: Node): readonly Taint[] {
  const taints = node.spec?.taints ?? [];
  const has = (key: string): boolean => taints.some((taint) => taint.key === key);
  const implied: Taint[] = [];
  if (node.spec?.unschedulable === true && !has(UNSCHEDULABLE))
    implied.push({ key: UNSCHEDULABLE, effect: 'NoSchedule' });
  const unwell = has(NOT_READY) || has('node.kubernetes.io/unreachable');
  if (!isNodeReady(node) && !unwell) implied.push({ key: NOT_READY, effect: 'NoSchedule' });
  return [...taints, ...implied];
}

/** A term without expressions and fields matches nothing. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const labels = node.metadata?.labels ?? {};
  return (
    matchExpressions.every((clause) => meetsClause(clause, labels[clause.key])) &&
    matchFields.every((clause) => clause.key === 'metadata.name' && meetsClause(clause, node.metadata?.name))
  );
}

function meetsClause(clause: { operator: string; values?: string[] }, value: string | undefined): boolean {
  const values = clause.values ?? [];
  switch (clause.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
