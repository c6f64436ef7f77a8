import { EVERYTHING } from '../../kube/labels.ts';
import type { Selector } from '../../kube/labels.ts';
import type { Action, NamespaceSet, PortMatch } from '../model.ts';
import { onlyFields } from './fields.ts';
import { isRecord, readSelector } from './scope.ts';
import type { ClusterScope } from './scope.ts';

/** Kinds of peer that some of the APIs have in egress rules. */
export type EgressPeerField = 'nodes' | 'networks' | 'domainNames';

/** What tells the cluster-wide policy APIs of `policy.networking.k8s.io` apart. */
export interface Dialect {
  readonly actions: ReadonlyMap<string, Action>;
  /** Fields of `spec` besides subject, ingress and egress. */
  readonly fields: readonly string[];
  /** The kinds of peer that egress rules may have besides `namespaces` and `pods`. */
  readonly egressPeers: readonly EgressPeerField[];
  /** Name of a rule's list of ports. */
  readonly ports: 'ports' | 'protocols';
  readonly readPort: (entry: unknown, path: string, scope: ClusterScope) => readonly PortMatch[] | undefined;
  /** Whether a set of pods may leave `namespaceSelector` out, which then means every namespace. */
  readonly namespacesOptional: boolean;
}

/** What reading a rule takes. */
export interface RuleReader {
  readonly scope: ClusterScope;
  readonly dialect: Dialect;
  /** Whether the rest of the policy could be read; if not, its rules allow nothing. */
  readonly certain: boolean;
}

/** A set of pods as `subject` and peers have it: by `namespaceSelector` and `podSelector`; the parts that are readable. */
export function readNamespacedPod(
  value: unknown,
  path: string,
  { dialect, scope }: Pick<RuleReader, 'dialect' | 'scope'>,
): { readonly namespaces: NamespaceSet | undefined; readonly pods: Selector | undefined } {
  if (!isRecord(value)) {
    scope.report(path, 'must be an object with namespaceSelector and podSelector');
    return { namespaces: undefined, pods: undefined };
  }
  const known = onlyFields(value, ['namespaceSelector', 'podSelector'], path, scope);
  const { namespaceSelector, podSelector } = value;
  const everywhere = namespaceSelector === undefined && dialect.namespacesOptional;
  const selector = everywhere ? EVERYTHING : readPresent(namespaceSelector, `${path}.namespaceSelector`, scope);
  const pods = readPresent(podSelector, `${path}.podSelector`, scope);
  return known
    ? { namespaces: selector === undefined ? undefined : { kind: 'selector', selector }, pods }
    : { namespaces: undefined, pods: undefined };
}

/** A selector that must be there; an empty one selects everything. */
export function readPresent(value: unknown, path: string, scope: ClusterScope): Selector | undefined {
  if (value === undefined || value === null) return scope.report(path, 'must be set; {} selects everything');
  return readSelector(value, scope, path);
}
