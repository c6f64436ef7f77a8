import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  RoleBinding,
  RoleRef,
  Subject,
} from 'kubernetes-types/rbac/v1.d.ts';
import type { VersionedStore } from '../versioned-store.ts';

/** Who asks, as authentication found out. */
export interface Subjects {
  readonly name: string;
  readonly groups: readonly string[];
}

/** What is asked for: a resource, or (when `path` is set) a plain URL. */
export interface AccessAttributes {
  readonly verb: string;
  readonly group?: string;
  /** `pods` or `pods/log`. */
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly path?: string;
}

/** The group that may do everything. */
const MASTERS = 'system:masters';

/** Evaluates RBAC: the reason why it is allowed, or undefined when nothing allows it. */
export function authorize(store: VersionedStore, subject: Subjects, attributes: AccessAttributes): string | undefined {
  if (subject.groups.includes(MASTERS)) return 'group system:masters may do everything';
  for (const { rules, source } of rulesFor(store, subject, attributes.namespace ?? '')) {
    if (rules.some((rule) => allows(rule, attributes))) return `RBAC: allowed by ${source}`;
  }
  return undefined;
}

/** Every set of rules that applies to a subject in a namespace ('' for cluster-wide requests). */
export function* rulesFor(
  store: VersionedStore,
  subject: Subjects,
  namespace: string,
): Generator<{ readonly rules: readonly PolicyRule[]; readonly source: string }> {
  for (const { object, name } of store.list('rbac.authorization.k8s.io/clusterrolebindings')) {
    const { subjects, roleRef } = object as unknown as ClusterRoleBinding;
    if (includes(subjects, subject, '')) {
      yield {
        rules: rulesOf(store, roleRef, ''),
        source: `ClusterRoleBinding "${name}" of ClusterRole "${roleRef.name}"`,
      };
    }
  }
  if (namespace === '') return;
  for (const { object, name } of store.list('rbac.authorization.k8s.io/rolebindings', namespace)) {
    const { subjects, roleRef } = object as unknown as RoleBinding;
    if (includes(subjects, subject, namespace)) {
      yield {
        rules: rulesOf(store, roleRef, namespace),
        source: `RoleBinding "${name}/${namespace}" of ${roleRef.kind} "${roleRef.name}"`,
      };
    }
  }
}

function includes(subjects: readonly Subject[] | undefined, who: Subjects, namespace: string): boolean {
  return (subjects ?? []).some(({ kind, name, namespace: home }) => {
    switch (kind) {
      case 'User':
        return name === who.name;
      case 'Group':
        return who.groups.includes(name);
      case 'ServiceAccount':
        return who.name === `system:serviceaccount:${home ?? namespace}:${name}`;
      default:
        return false;
    }
  });
}

function rulesOf(store: VersionedStore, { kind, name }: RoleRef, namespace: string): readonly PolicyRule[] {
  const bucket = kind === 'Role' ? 'roles' : 'clusterroles';
  const role = store.get(`rbac.authorization.k8s.io/${bucket}`, kind === 'Role' ? namespace : '', name);
  return (role?.object as unknown as ClusterRole | undefined)?.rules ?? [];
}

function allows(rule: PolicyRule, asked: AccessAttributes): boolean {
  if (!matches(rule.verbs, asked.verb)) return false;
  if (asked.path !== undefined) return (rule.nonResourceURLs ?? []).some((each) => matchesPath(each, asked.path!));
  return (
    matches(rule.apiGroups ?? [], asked.group ?? '') &&
    matchesResource(rule.resources ?? [], asked.resource ?? '') &&
    ((rule.resourceNames ?? []).length === 0 || rule.resourceNames!.includes(asked.name ?? ''))
  );
}

function matches(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value);
}

/** `pods/log` is also matched by a rule for the subresource of every resource, `*` + `/log`. */
function matchesResource(list: readonly string[], resource: string): boolean {
  const slash = resource.indexOf('/');
  return matches(list, resource) || (slash >= 0 && list.includes(`*${resource.slice(slash)}`));
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}
