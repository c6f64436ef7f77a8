import { parseSelector } from '../../kube/labels.ts';
import type { Selector } from '../../kube/labels.ts';
import { nameOf, namespaceNameOf } from '../../kube/object-name.ts';
import type { LabelSelector, ObjectMeta } from '../../kube/types.ts';
import type { PolicyIssue, SourceRef } from '../model.ts';

/** Where the field at `path` stands in a file; undefined when the object was not read from one. */
export type Locate = (
  path: string,
) => { readonly file: string; readonly line: number; readonly column: number } | undefined;

/** A cluster-scoped object being normalised: names its parts and collects what is not understood. */
export interface ClusterScope {
  readonly name: string;
  readonly issues: readonly PolicyIssue[];
  source(path: string): SourceRef;
  /** Records an issue; returns undefined so that a reader can give up in one expression. */
  report(path: string, message: string): undefined;
}

/** The same for an object in a namespace. */
export interface Scope extends ClusterScope {
  readonly namespace: string;
}

/** The scope of a namespaced object of `kind`. */
export function scopeAt(object: { metadata?: ObjectMeta }, kind: string, locate?: Locate): Scope {
  const namespace = namespaceNameOf(object);
  const name = nameOf(object);
  const source = (path: string): SourceRef => ({ kind, namespace, name, path, ...locate?.(path) });
  return { namespace, ...scopeOf(name, `${kind}/${namespace}/${name}`, source) };
}

/** The scope of a cluster-scoped object of `kind`. */
export function clusterScopeAt(object: { metadata?: ObjectMeta }, kind: string, locate?: Locate): ClusterScope {
  const name = nameOf(object);
  return scopeOf(name, `${kind}/${name}`, (path) => ({ kind, name, path, ...locate?.(path) }));
}

function scopeOf(name: string, policy: string, source: ClusterScope['source']): ClusterScope {
  const issues: PolicyIssue[] = [];
  return {
    name,
    issues,
    source,
    report: (path, message) => {
      issues.push({ policy, source: source(path), message });
      return undefined;
    },
  };
}

/** A list; absent is empty. Undefined, and reported, when it is something else. */
export function readList(value: unknown, scope: ClusterScope, path: string): readonly unknown[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : scope.report(path, 'must be a list');
}

/** A label selector that is present. Undefined, and reported, when it cannot be understood. */
export function readSelector(value: unknown, scope: ClusterScope, path: string): Selector | undefined {
  if (isRecord(value)) {
    const strange = Object.keys(value).filter((name) => name !== 'matchLabels' && name !== 'matchExpressions');
    // `podSelector: {app: web}` without matchLabels would otherwise select everything.
    for (const name of strange)
      scope.report(`${path}.${name}`, 'unknown field; a selector has matchLabels and matchExpressions');
    if (strange.length > 0) return undefined;
  }
  const parsed = parseSelector(value as LabelSelector);
  if ('selector' in parsed) return parsed.selector;
  for (const problem of parsed.problems) scope.report([path, problem.path].filter(Boolean).join('.'), problem.message);
  return undefined;
}

/** Whether `value` is a plain object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
