import { nameOf, namespaceNameOf } from '../../kube/object-name.ts';
import type { PolicyIssue, SourceRef } from '../model.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import type { ClusterScope, Locate } from '../normalise/scope.ts';
import { DEFAULT_TIER } from '../tiers.ts';

/** A Calico object being read: names its parts and collects what is not understood. */
export interface CalicoScope extends ClusterScope {
  /** Absent for objects of the whole cluster. */
  readonly namespace?: string;
  /** Unique over all policies; the same for both of Calico's APIs, and another than a Kubernetes policy's. */
  readonly key: string;
}

/** Kinds whose objects are in a namespace. */
const NAMESPACED = new Set(['NetworkPolicy', 'NetworkSet', 'StagedNetworkPolicy', 'StagedKubernetesNetworkPolicy']);

/** The scope of an object of one of Calico's kinds. */
export function calicoScopeAt(object: PolicyObject, locate?: Locate): CalicoScope {
  const kind = object.kind ?? '';
  const name = nameOf(object);
  const place = NAMESPACED.has(kind) ? { namespace: namespaceNameOf(object) } : {};
  const source = (path: string): SourceRef => ({ kind, ...place, name, path, ...locate?.(path) });
  const key = calicoKey(kind, place.namespace, name);
  const issues: PolicyIssue[] = [];
  return {
    ...place,
    name,
    key,
    issues,
    source,
    report: (path, message) => {
      issues.push({ policy: key, source: source(path), message });
      return undefined;
    },
  };
}

/** What {@link CalicoScope.key} is made of. */
export function calicoKey(kind: string, namespace: string | undefined, name: string): string {
  return ['projectcalico.org', kind, ...(namespace === undefined ? [] : [namespace]), plainName(name)].join('/');
}

/** The storage API puts the default tier's name before that of its policies, the other one may. */
function plainName(name: string): string {
  const prefix = `${DEFAULT_TIER}.`;
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
