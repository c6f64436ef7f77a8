import { isGranted } from '../../gateway/grants.ts';
import { GATEWAY_GROUP } from '../../gateway/world.ts';
import type { Manifest } from '../../kube/yaml.ts';
import { routeBackends, serviceOf } from '../backends.ts';
import { grantsIn } from '../gateway-objects.ts';
import type { LintCluster } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';
import { fieldsOf, groupOf, itemsOf, kindOf, nameOf, namespaceOf, textAt, valueAt } from '../objects.ts';

/** A reference of one object to another one, which may be in another namespace. */
interface Reference {
  readonly manifest: Manifest;
  readonly path: string;
  readonly to: { readonly kind: 'Service' | 'Secret'; readonly namespace: string; readonly name: string };
  /** Whether what is named is among the files. */
  readonly known: boolean;
}

/** Silent when what is named is not among the files, which then may lack the grant, too. */
export const missingReferenceGrant: LintRule = {
  id: 'missing-reference-grant',
  severity: 'warning',
  summary: 'an HTTPRoute or Gateway that names a Service or Secret of a namespace which does not grant it',
  *check(cluster) {
    const grants = grantsIn(cluster);
    for (const { manifest, path, to, known } of [...services(cluster), ...secrets(cluster)]) {
      const from = { group: GATEWAY_GROUP, kind: kindOf(manifest.object), namespace: namespaceOf(manifest.object) };
      if (!(known || cluster.isWhole) || isGranted(grants, from, { group: '', ...to })) continue;
      yield {
        manifest,
        path,
        message: (m) =>
          m.notGranted(
            `${to.kind} ${to.namespace}/${to.name}`,
            `${from.kind} ${from.namespace}/${nameOf(manifest.object)}`,
          ),
        suggestion: (m) => m.aGrant(to.namespace, `${from.kind} ${from.namespace}`, `${to.kind} ${to.name}`),
      };
    }
  },
};

function* services(cluster: LintCluster): Generator<Reference> {
  for (const backend of routeBackends(cluster)) {
    const { manifest, path, namespace, service } = backend;
    const to = { kind: 'Service', namespace, name: service } as const;
    yield { manifest, path: `${path}.namespace`, to, known: serviceOf(cluster, backend) !== undefined };
  }
}

function* secrets(cluster: LintCluster): Generator<Reference> {
  const known = new Set(
    cluster.manifests
      .filter(({ object }) => kindOf(object) === 'Secret')
      .map(({ object }) => `${namespaceOf(object)}/${nameOf(object)}`),
  );
  for (const manifest of cluster.manifests) {
    const { object } = manifest;
    if (kindOf(object) !== 'Gateway' || groupOf(object) !== GATEWAY_GROUP) continue;
    for (const [i, listener] of itemsOf(valueAt(object, 'spec', 'listeners')).entries())
      for (const [j, reference] of itemsOf(valueAt(listener, 'tls', 'certificateRefs')).entries()) {
        const { group = '', kind = 'Secret', name } = fieldsOf(reference);
        if (group !== '' || kind !== 'Secret' || typeof name !== 'string') continue;
        const to = { kind: 'Secret', namespace: textAt(reference, 'namespace') ?? namespaceOf(object), name } as const;
        const path = `spec.listeners[${i}].tls.certificateRefs[${j}].namespace`;
        yield { manifest, path, to, known: known.has(`${to.namespace}/${name}`) };
      }
  }
}
