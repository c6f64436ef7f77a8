import { apiVersionOf, type Registry, type ResourceDefinition } from '../../../core/objectstore/index.ts';

/** What this server says it is; kubectl picks its behaviour by it. */
export const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.4',
  gitCommit: '59526cd4867447956156ae3a602fcbac10a2c335',
  gitTreeState: 'clean',
  buildDate: '2025-04-22T16:02:27Z',
  goVersion: 'go1.23.6',
  compiler: 'gc',
  platform: 'linux/amd64',
} as const;

/** Groups first as the real server orders them; others follow by name. */
const GROUP_ORDER = [
  'apps',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  // Before crd.projectcalico.org, which has the same kinds: as with Calico's own API server, a bare name means these.
  'projectcalico.org',
];

function namedGroups(registry: Registry): (readonly [string, readonly string[]])[] {
  const rank = (name: string): number => {
    const at = GROUP_ORDER.indexOf(name);
    return at < 0 ? GROUP_ORDER.length : at;
  };
  return [...registry.groups()]
    .filter(([name]) => name !== '')
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** `/api` or `/apis` in the aggregated form (`apidiscovery.k8s.io/v2`). */
export function aggregatedDiscovery(registry: Registry, core: boolean, version: string): object {
  const groups: readonly (readonly [string, readonly string[]])[] = core ? [['', ['v1']]] : namedGroups(registry);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(([name, versions]) => ({
      metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
      versions: versions.map((each) => ({
        version: each,
        freshness: 'Current',
        resources: registry.inGroupVersion(name, each).map(aggregatedResource),
      })),
    })),
  };
}

function aggregatedResource(definition: ResourceDefinition): object {
  const { group, version, kind, plural, singular, namespaced, shortNames, categories, verbs } = definition;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(definition.subresources.length === 0
      ? {}
      : {
          subresources: definition.subresources.map((name) => ({
            subresource: name,
            responseKind: subresourceKind(definition, name),
            verbs: subresourceVerbs(name),
          })),
        }),
  };
}

function subresourceKind(
  { group, version, kind }: ResourceDefinition,
  name: string,
): { group: string; version: string; kind: string } {
  switch (name) {
    case 'scale':
      return { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    case 'binding':
      return { group: '', version: 'v1', kind: 'Binding' };
    case 'eviction':
      return { group: 'policy', version: 'v1', kind: 'Eviction' };
    case 'token':
      return { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
    case 'exec':
      return { group: '', version: 'v1', kind: 'PodExecOptions' };
    case 'attach':
      return { group: '', version: 'v1', kind: 'PodAttachOptions' };
    case 'portforward':
      return { group: '', version: 'v1', kind: 'PodPortForwardOptions' };
    default:
      return { group, version, kind };
  }
}

function subresourceVerbs(name: string): readonly string[] {
  switch (name) {
    case 'status':
    case 'scale':
    case 'ephemeralcontainers':
      return ['get', 'patch', 'update'];
    case 'finalize':
      return ['update'];
    case 'log':
      return ['get'];
    case 'exec':
    case 'attach':
    case 'portforward':
      return ['create', 'get'];
    default:
      return ['create'];
  }
}

/** `/api`. */
export function apiVersions(address: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

/** `/apis`. */
export function groupList(registry: Registry): object {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: namedGroups(registry).map(([name, versions]) => groupOf(name, versions)),
  };
}

/** `/apis/GROUP`; undefined when there is no such group. */
export function apiGroup(registry: Registry, name: string): object | undefined {
  const versions = registry.groups().get(name);
  return versions === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(name, versions) };
}

function groupOf(name: string, versions: readonly string[]): object {
  const all = versions.map((version) => ({ groupVersion: apiVersionOf({ group: name, version }), version }));
  return { name, versions: all, preferredVersion: all[0] };
}

/** `/api/v1` or `/apis/GROUP/VERSION`; undefined when nothing is served there. */
export function resourceList(registry: Registry, group: string, version: string): object | undefined {
  const definitions = registry.inGroupVersion(group, version);
  if (definitions.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: definitions.flatMap((definition) => [
      {
        name: definition.plural,
        singularName: definition.singular,
        namespaced: definition.namespaced,
        kind: definition.kind,
        verbs: definition.verbs,
        ...(definition.shortNames.length === 0 ? {} : { shortNames: definition.shortNames }),
        ...(definition.categories.length === 0 ? {} : { categories: definition.categories }),
      },
      ...definition.subresources.map((name) => {
        const { group: g, version: v, kind } = subresourceKind(definition, name);
        return {
          name: `${definition.plural}/${name}`,
          singularName: '',
          namespaced: definition.namespaced,
          ...(g === group ? {} : { group: g, version: v }),
          kind,
          verbs: subresourceVerbs(name),
        };
      }),
    ]),
  };
}
