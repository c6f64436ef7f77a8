import { POLICY_KINDS } from './schemas/catalogue.ts';
import { suggest } from './suggest.ts';

/** A kind that Sluice's manifests may hold. */
interface KnownKind {
  readonly apiVersion: string;
  readonly kind: string;
}

const CALICO = POLICY_KINDS.filter((each) => each.group === 'projectcalico.org').map((each) => each.kind);
/** Named lest they be taken for misspellings of the others. */
const CALICO_BESIDES_POLICY = [
  'BGPConfiguration',
  'BGPFilter',
  'BGPPeer',
  'BlockAffinity',
  'CalicoNodeStatus',
  'ClusterInformation',
  'IPAMConfiguration',
  'IPPool',
  'IPReservation',
  'KubeControllersConfiguration',
];

const BY_VERSION: Readonly<Record<string, readonly string[]>> = {
  v1: [
    'ConfigMap',
    'Endpoints',
    'Event',
    'Namespace',
    'Node',
    'PersistentVolumeClaim',
    'Pod',
    'Secret',
    'Service',
    'ServiceAccount',
  ],
  'apps/v1': ['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  'batch/v1': ['CronJob', 'Job'],
  'discovery.k8s.io/v1': ['EndpointSlice'],
  'networking.k8s.io/v1': ['Ingress', 'IngressClass', 'NetworkPolicy'],
  'rbac.authorization.k8s.io/v1': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
  'policy.networking.k8s.io/v1alpha1': ['AdminNetworkPolicy', 'BaselineAdminNetworkPolicy'],
  'policy.networking.k8s.io/v1alpha2': ['ClusterNetworkPolicy'],
  'policy.networking.k8s.io/v1beta1': ['ClusterNetworkPolicy'],
  'projectcalico.org/v3': [...CALICO, ...CALICO_BESIDES_POLICY],
  'crd.projectcalico.org/v1': [...CALICO, ...CALICO_BESIDES_POLICY, 'IPAMBlock', 'IPAMConfig', 'IPAMHandle'],
};

/** The kinds whose misspelling is worth a suggestion. */
const KNOWN_KINDS: readonly KnownKind[] = Object.entries(BY_VERSION).flatMap(([apiVersion, kinds]) =>
  kinds.map((kind) => ({ apiVersion, kind })),
);

/** Versions that no cluster serves any more but whose objects still have one meaning. */
const RETIRED = ['extensions/v1beta1/NetworkPolicy', 'networking.k8s.io/v1beta1/NetworkPolicy'];

/** What is wrong with an object's `apiVersion` or `kind`, and the field that it concerns. */
export interface IdentityProblem {
  readonly path: 'apiVersion' | 'kind';
  readonly message: string;
}

/**
 * What is wrong with the object's identity: a missing or misspelt `apiVersion` or `kind`, or a kind in the wrong group.
 * Kinds of groups that are not built in are left to whoever knows them.
 */
export function identityProblem(object: Readonly<Record<string, unknown>>): IdentityProblem | undefined {
  for (const path of ['apiVersion', 'kind'] as const) {
    const value = object[path];
    if (typeof value === 'string' && value !== '') continue;
    const meant = Object.keys(object).find((key) => key !== path && key.toLowerCase() === path.toLowerCase());
    const hint = meant === undefined ? hintFor(path, object) : `; did you mean ${path} instead of ${meant}?`;
    return { path, message: `${path} not set${hint}` };
  }
  return unknownKind(String(object['apiVersion']), String(object['kind']));
}

function hintFor(path: string, object: Readonly<Record<string, unknown>>): string {
  const known = path === 'apiVersion' ? KNOWN_KINDS.find(({ kind }) => kind === object['kind']) : undefined;
  return known === undefined ? '' : `; a ${known.kind} is apiVersion: ${known.apiVersion}`;
}

function unknownKind(apiVersion: string, kind: string): IdentityProblem | undefined {
  const kinds = BY_VERSION[apiVersion];
  if (kinds?.includes(kind) === true || RETIRED.includes(`${apiVersion}/${kind}`)) return undefined;
  const group = apiVersion.split('/')[0]!;
  const homes = KNOWN_KINDS.filter((known) => known.kind === kind);
  const home = homes.find((known) => known.apiVersion.startsWith(`${group}/`)) ?? homes[0];
  if (home !== undefined && (apiVersion.includes('/') || apiVersion.toLowerCase() === 'v1')) {
    // A CRD may use a built-in kind's name in a group of its own (Calico's NetworkPolicy does).
    const near =
      suggest(apiVersion, Object.keys(BY_VERSION)) !== undefined ||
      ['extensions', 'apps', 'networking.k8s.io'].includes(group);
    if (near || !apiVersion.includes('/'))
      return {
        path: 'apiVersion',
        message: `no kind ${kind} in apiVersion ${apiVersion}; did you mean ${home.apiVersion}?`,
      };
    return undefined;
  }
  if (kinds === undefined) return undefined;
  const meant = suggest(
    kind,
    KNOWN_KINDS.map((known) => known.kind),
  );
  return meant === undefined
    ? undefined
    : { path: 'kind', message: `no kind ${kind} in apiVersion ${apiVersion}; did you mean ${meant}?` };
}
