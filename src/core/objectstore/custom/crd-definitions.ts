import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.d.ts';
import type { ApiObject, JsonObject } from '../api-object.ts';
import { ALL_VERBS, type PrinterColumn, type ResourceDefinition } from '../resource-definition.ts';

/** The served versions of a custom resource, as the registry wants them. */
export function definitionsOf(object: ApiObject): ResourceDefinition[] {
  const { spec } = object as unknown as CustomResourceDefinition;
  const storageVersion = spec.versions.find((each) => each.storage)?.name ?? spec.versions[0]?.name ?? '';
  return spec.versions
    .filter((each) => each.served)
    .map((version) => {
      const { status, scale } = version.subresources ?? {};
      const schema = version.schema?.openAPIV3Schema;
      return {
        group: spec.group,
        version: version.name,
        plural: spec.names.plural,
        singular: spec.names.singular ?? spec.names.kind.toLowerCase(),
        kind: spec.names.kind,
        namespaced: spec.scope === 'Namespaced',
        shortNames: spec.names.shortNames ?? [],
        categories: spec.names.categories ?? [],
        verbs: ALL_VERBS,
        subresources: [...(status === undefined ? [] : ['status']), ...(scale === undefined ? [] : ['scale'])],
        generation: true,
        ...(scale === undefined
          ? {}
          : {
              scale: {
                specReplicas: scale.specReplicasPath,
                statusReplicas: scale.statusReplicasPath,
                ...(scale.labelSelectorPath === undefined ? {} : { labelSelector: scale.labelSelectorPath }),
              },
            }),
        custom: {
          ...(schema === undefined ? {} : { schema: schema as unknown as JsonObject }),
          columns: (version.additionalPrinterColumns ?? []) as readonly PrinterColumn[],
          storageVersion,
        },
      };
    });
}
