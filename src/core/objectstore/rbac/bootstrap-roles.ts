import type { ApiObject } from '../api-object.ts';

const API = 'rbac.authorization.k8s.io/v1';
const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];

const NAMESPACED: readonly (readonly [group: string, resources: readonly string[]])[] = [
  [
    '',
    [
      'configmaps',
      'endpoints',
      'events',
      'limitranges',
      'persistentvolumeclaims',
      'pods',
      'pods/log',
      'pods/status',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'resourcequotas',
      'serviceaccounts',
      'services',
      'services/status',
      'bindings',
      'namespaces',
    ],
  ],
  ['apps', ['*']],
  ['autoscaling', ['*']],
  ['batch', ['*']],
  ['discovery.k8s.io', ['endpointslices']],
  ['networking.k8s.io', ['ingresses', 'ingresses/status', 'networkpolicies']],
  ['policy', ['poddisruptionbudgets', 'poddisruptionbudgets/status']],
];

/** The roles and bindings that every cluster begins with; the user-facing ones and those that clients rely on. */
export function bootstrapRoles(): ApiObject[] {
  const view = NAMESPACED.map(([group, resources]) => rule([group], resources, READ));
  const edit = [
    ...NAMESPACED.map(([group, resources]) =>
      rule(
        [group],
        resources.filter((each) => each !== 'namespaces'),
        [...READ, ...WRITE],
      ),
    ),
    rule([''], ['secrets'], [...READ, ...WRITE]),
    rule([''], ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/eviction'], ['create', 'get']),
    rule([''], ['serviceaccounts/token'], ['create']),
    rule([''], ['namespaces'], READ),
  ];
  const admin = [...edit, rule(['rbac.authorization.k8s.io'], ['roles', 'rolebindings'], [...READ, ...WRITE])];
  const everything = [rule(['*'], ['*'], ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }];
  const self = [
    rule(['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
    rule(['authentication.k8s.io'], ['selfsubjectreviews'], ['create']),
  ];
  const discovery = [
    {
      nonResourceURLs: [
        '/api',
        '/api/*',
        '/apis',
        '/apis/*',
        '/healthz',
        '/livez',
        '/openapi',
        '/openapi/*',
        '/readyz',
        '/version',
        '/version/',
      ],
      verbs: ['get'],
    },
  ];
  return [
    clusterRole('cluster-admin', everything),
    clusterRole('admin', admin),
    clusterRole('edit', edit),
    clusterRole('view', view),
    clusterRole('system:basic-user', self),
    clusterRole('system:discovery', discovery),
    binding('cluster-admin', 'cluster-admin', ['system:masters']),
    binding('system:basic-user', 'system:basic-user', ['system:authenticated']),
    binding('system:discovery', 'system:discovery', ['system:authenticated']),
  ];
}

function rule(apiGroups: readonly string[], resources: readonly string[], verbs: readonly string[]): object {
  return { apiGroups, resources, verbs };
}

const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

function clusterRole(name: string, rules: readonly object[]): ApiObject {
  return { apiVersion: API, kind: 'ClusterRole', metadata: { name, labels: { ...LABELS } }, rules };
}

function binding(name: string, role: string, groups: readonly string[]): ApiObject {
  return {
    apiVersion: API,
    kind: 'ClusterRoleBinding',
    metadata: { name, labels: { ...LABELS } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: groups.map((group) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group })),
  };
}
