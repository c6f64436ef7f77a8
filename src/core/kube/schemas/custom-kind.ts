import type { OpenApiSchema } from './open-api.ts';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'date';
  readonly jsonPath: string;
}

/** A kind that a CustomResourceDefinition adds to a cluster. */
export interface CustomKind {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly scope: 'Namespaced' | 'Cluster';
  /** Served versions; the first is the one that is stored. */
  readonly versions: readonly string[];
  readonly columns: readonly PrinterColumn[];
  readonly description: string;
  readonly spec: OpenApiSchema;
  readonly hasStatus: boolean;
  /** Whether objects without a spec mean anything. */
  readonly specRequired: boolean;
  /** Where a kind in one of Kubernetes' own groups was reviewed; that of the network policy API when absent. */
  readonly review?: string;
  /** More annotations of the definition. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The schema of whole objects of the kind. */
export function objectSchema({ description, spec, hasStatus, specRequired }: CustomKind): OpenApiSchema {
  const status: OpenApiSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return {
    description,
    type: 'object',
    ...(specRequired ? { required: ['spec'] } : {}),
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec,
      ...(hasStatus ? { status } : {}),
    },
  };
}

/** The CustomResourceDefinition of the kind, as an object of `apiextensions.k8s.io/v1`. */
export function customResourceDefinition(custom: CustomKind): object {
  const { group, kind, plural, shortNames, scope, versions, columns, hasStatus } = custom;
  const names = { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, ...annotations(custom) },
    spec: {
      group,
      scope,
      names: shortNames.length === 0 ? names : { ...names, shortNames },
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        ...(hasStatus ? { subresources: { status: {} } } : {}),
        additionalPrinterColumns: [...columns, { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
        schema: { openAPIV3Schema: objectSchema(custom) },
      })),
    },
  };
}

/** API servers only take kinds into Kubernetes' own groups whose definition names its review. */
function annotations({
  group,
  review = 'https://github.com/kubernetes-sigs/network-policy-api/pull/300',
  annotations: more = {},
}: CustomKind): object {
  if (!group.endsWith('.k8s.io')) return {};
  return { annotations: { 'api-approved.kubernetes.io': review, ...more } };
}
