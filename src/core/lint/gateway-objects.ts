import type { Gateway, HttpRoute, Listener, ParentReference, ReferenceGrant } from '../gateway/types.ts';
import { GATEWAY_GROUP } from '../gateway/world.ts';
import type { Manifest } from '../kube/yaml.ts';
import type { LabelSelector } from '../kube/types.ts';
import type { LintCluster } from './lint-cluster.ts';
import { fieldsOf, groupOf, itemsOf, kindOf, nameOf, namespaceOf, valueAt } from './objects.ts';

/** An object of the Gateway API and where it was read. */
interface Entry<T> {
  readonly manifest: Manifest;
  readonly object: T;
}

/** The Gateways among the files, with what routes depend on. */
export function gatewaysIn(cluster: LintCluster): readonly Entry<Gateway>[] {
  return manifestsOf(cluster, 'Gateway').map((manifest) => ({
    manifest,
    object: {
      metadata: metadataOf(manifest),
      spec: { listeners: itemsOf(valueAt(manifest.object, 'spec', 'listeners')).map(listenerOf) },
    },
  }));
}

/** The HTTPRoutes among the files: to which parents and for which hosts; nothing of their rules. */
export function routesIn(cluster: LintCluster): readonly Entry<HttpRoute>[] {
  return manifestsOf(cluster, 'HTTPRoute').map((manifest) => {
    const hostnames = itemsOf(valueAt(manifest.object, 'spec', 'hostnames')).filter((each) => typeof each === 'string');
    const parentRefs = itemsOf(valueAt(manifest.object, 'spec', 'parentRefs')).map(parentOf);
    return { manifest, object: { metadata: metadataOf(manifest), spec: { parentRefs, hostnames } } };
  });
}

/** The ReferenceGrants among the files. */
export function grantsIn(cluster: LintCluster): readonly ReferenceGrant[] {
  return manifestsOf(cluster, 'ReferenceGrant').map((manifest) => {
    const ends = (name: string) =>
      itemsOf(valueAt(manifest.object, 'spec', name)).map((each) => texts(each, 'group', 'kind', 'namespace', 'name'));
    return { metadata: metadataOf(manifest), spec: { from: ends('from'), to: ends('to') } };
  });
}

function manifestsOf({ manifests }: LintCluster, kind: string): readonly Manifest[] {
  return manifests.filter(({ object }) => kindOf(object) === kind && groupOf(object) === GATEWAY_GROUP);
}

function metadataOf({ object }: Manifest): { readonly name: string; readonly namespace: string } {
  return { name: nameOf(object), namespace: namespaceOf(object) };
}

function listenerOf(value: unknown): Listener {
  const { name = '', hostname, protocol = '' } = texts(value, 'name', 'hostname', 'protocol');
  const port = valueAt(value, 'port');
  const namespaces = valueAt(value, 'allowedRoutes', 'namespaces');
  const kinds = itemsOf(valueAt(value, 'allowedRoutes', 'kinds')).map((each) => texts(each, 'group', 'kind'));
  const selector = valueAt(namespaces, 'selector');
  return {
    name,
    port: typeof port === 'number' ? port : 0,
    protocol,
    ...(hostname === undefined ? {} : { hostname }),
    allowedRoutes: {
      namespaces: {
        ...texts(namespaces, 'from'),
        ...(selector === undefined ? {} : { selector: fieldsOf(selector) as LabelSelector }),
      },
      kinds,
    },
  };
}

function parentOf(value: unknown): ParentReference {
  const port = valueAt(value, 'port');
  return {
    ...texts(value, 'group', 'kind', 'namespace', 'name', 'sectionName'),
    ...(typeof port === 'number' ? { port } : {}),
  };
}

/** Those of the fields that are texts. */
function texts<K extends string>(value: unknown, ...names: readonly K[]): Partial<Readonly<Record<K, string>>> {
  const found = names.map((name) => [name, valueAt(value, name)] as const);
  return Object.fromEntries(found.filter(([, text]) => typeof text === 'string')) as Partial<Record<K, string>>;
}
