import type { Report } from './model.ts';
import { fieldsOf, kindOf, valueAt } from './objects.ts';

/** Where a kind has gone, and whether its old form is one of the new version as it stands. */
interface Move {
  readonly to: string;
  /** The Kubernetes version that stopped serving the old one: the API's deprecation guide. Absent when none ever served it. */
  readonly gone?: string;
  readonly same: boolean | ((object: Readonly<Record<string, unknown>>) => boolean);
}

/** `apps/v1` has no default for the selector that the old versions took from the template. */
const hasSelector = (object: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(fieldsOf(valueAt(object, 'spec', 'selector'))).length > 0;

const WORKLOAD: Move = { to: 'apps/v1', gone: '1.16', same: hasSelector };
const RBAC: Move = { to: 'rbac.authorization.k8s.io/v1', gone: '1.22', same: true };

/** By `apiVersion/kind`. */
const MOVES: Readonly<Record<string, Move>> = {
  'extensions/v1beta1/NetworkPolicy': { to: 'networking.k8s.io/v1', gone: '1.16', same: true },
  'networking.k8s.io/v1beta1/NetworkPolicy': { to: 'networking.k8s.io/v1', same: true },
  'extensions/v1beta1/Ingress': { to: 'networking.k8s.io/v1', gone: '1.22', same: hasNoBackend },
  'networking.k8s.io/v1beta1/Ingress': { to: 'networking.k8s.io/v1', gone: '1.22', same: hasNoBackend },
  'networking.k8s.io/v1beta1/IngressClass': { to: 'networking.k8s.io/v1', gone: '1.22', same: true },
  'discovery.k8s.io/v1beta1/EndpointSlice': { to: 'discovery.k8s.io/v1', gone: '1.25', same: false },
  'batch/v1beta1/CronJob': { to: 'batch/v1', gone: '1.25', same: true },
  'extensions/v1beta1/Deployment': WORKLOAD,
  'extensions/v1beta1/DaemonSet': WORKLOAD,
  'extensions/v1beta1/ReplicaSet': WORKLOAD,
  ...Object.fromEntries(
    ['apps/v1beta1', 'apps/v1beta2'].flatMap((version) =>
      ['Deployment', 'DaemonSet', 'ReplicaSet', 'StatefulSet'].map((kind) => [`${version}/${kind}`, WORKLOAD]),
    ),
  ),
  ...Object.fromEntries(
    ['v1alpha1', 'v1beta1'].flatMap((version) =>
      ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'].map((kind) => [
        `rbac.authorization.k8s.io/${version}/${kind}`,
        RBAC,
      ]),
    ),
  ),
};

/** What to say of an object whose API version is not served any more; undefined for all others. */
export function deprecationOf(object: Readonly<Record<string, unknown>>): Omit<Report, 'manifest'> | undefined {
  const version = String(object['apiVersion']);
  const move = MOVES[`${version}/${kindOf(object)}`];
  if (move === undefined) return undefined;
  const same = typeof move.same === 'boolean' ? move.same : move.same(object);
  return {
    path: 'apiVersion',
    message: (m) =>
      (move.gone === undefined
        ? m.neverServed(version, kindOf(object))
        : m.deprecated(version, kindOf(object), move.gone)) + (same ? '' : m.otherFields(move.to)),
    suggestion: `apiVersion: ${move.to}`,
    ...(same ? { repair: { kind: 'replace-value', path: 'apiVersion', to: move.to } as const } : {}),
  };
}

/** Backends and the type of a path are what the versions of Ingress write differently. */
function hasNoBackend(object: Readonly<Record<string, unknown>>): boolean {
  const text = JSON.stringify(object['spec'] ?? {});
  return !text.includes('"backend"') && !text.includes('"paths"');
}
