import type { SchemaCatalogue } from '../check-manifest.ts';
import type { FieldSchema } from '../unknown-fields.ts';
import { BGP_KINDS } from './calico-bgp.ts';
import { CALICO_KINDS } from './calico.ts';
import { objectSchema } from './custom-kind.ts';
import type { CustomKind } from './custom-kind.ts';
import { GATEWAY_KINDS } from './gateway-api.ts';
import { POLICY_API_KINDS } from './policy-api.ts';

/** Every kind of policy that Kubernetes does not have built in. */
export const POLICY_KINDS: readonly CustomKind[] = [...POLICY_API_KINDS, ...CALICO_KINDS];

const OBJECT_META: FieldSchema = { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };

/** By `apiVersion/kind`. A version that is not served yet has the fields of the one before. */
const BY_KIND: ReadonlyMap<string, CustomKind> = new Map(
  [...POLICY_KINDS, ...BGP_KINDS, ...GATEWAY_KINDS].flatMap((custom) =>
    [...custom.versions, ...(custom.kind === 'ClusterNetworkPolicy' ? ['v1beta1'] : [])].map(
      (version) => [`${custom.group}/${version}/${custom.kind}`, custom] as const,
    ),
  ),
);

/** Schemas of the kinds that CustomResourceDefinitions add; metadata is referred to, for catalogues that know it. */
export const policyKindSchemas: SchemaCatalogue = {
  ofKind: (apiVersion, kind) => {
    const custom = BY_KIND.get(`${apiVersion}/${kind}`);
    if (custom === undefined) return undefined;
    const schema: FieldSchema = objectSchema(custom);
    return { ...schema, properties: { ...schema.properties, metadata: OBJECT_META } };
  },
  resolve: () => undefined,
};
