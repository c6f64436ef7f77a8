import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.d.ts';
import { invalid, required, type FieldError } from '../../kube/field-error.ts';
import type { Strategy } from '../admission/strategy.ts';
import type { ApiContext } from '../api-context.ts';
import type { ApiObject } from '../api-object.ts';
import { definitionsOf } from './crd-definitions.ts';

/** Custom resource definitions: served as soon as they are stored, with their objects gone when they go. */
export const crdStrategy: Strategy = {
  prepare: (draft, previous, context) => {
    const crd = draft as unknown as CustomResourceDefinition;
    const { spec } = crd;
    if (spec?.names === undefined) return;
    spec.names.singular ??= spec.names.kind?.toLowerCase();
    spec.names.listKind ??= `${spec.names.kind}List`;
    spec.conversion ??= { strategy: 'None' };
    const stored = (previous as unknown as CustomResourceDefinition | undefined)?.status?.storedVersions ?? [];
    const storage = (spec.versions ?? []).filter((each) => each.storage).map((each) => each.name);
    crd.status = {
      acceptedNames: spec.names,
      storedVersions: [...new Set([...stored, ...storage])],
      conditions:
        (previous as unknown as CustomResourceDefinition | undefined)?.status?.conditions ??
        establishedAt(context.surroundings.now()),
    };
  },
  validate: (draft, previous) => [...namingRules(draft), ...immutableNames(draft, previous)],
  afterWrite: (stored, _previous, context) => serve(stored, context),
  afterDelete: (removed, context) => withdraw(removed, context),
};

/** Makes the resources of a stored CRD known to the registry. */
export function serve(crd: ApiObject, { registry }: ApiContext): void {
  const { group, names } = (crd as unknown as CustomResourceDefinition).spec;
  registry.remove(group, names.plural);
  for (const definition of definitionsOf(crd)) registry.add(definition);
}

function withdraw(crd: ApiObject, { registry, store }: ApiContext): void {
  const { group, names } = (crd as unknown as CustomResourceDefinition).spec;
  registry.remove(group, names.plural);
  const bucket = `${group}/${names.plural}`;
  for (const { namespace, name } of store.list(bucket)) store.delete(bucket, namespace, name);
}

type Conditions = NonNullable<NonNullable<CustomResourceDefinition['status']>['conditions']>;

function establishedAt(now: string): Conditions {
  return [
    {
      type: 'NamesAccepted',
      status: 'True',
      lastTransitionTime: now,
      reason: 'NoConflicts',
      message: 'no conflicts found',
    },
    {
      type: 'Established',
      status: 'True',
      lastTransitionTime: now,
      reason: 'InitialNamesAccepted',
      message: 'the initial names have been accepted',
    },
  ];
}

function namingRules(draft: ApiObject): FieldError[] {
  const { spec } = draft as unknown as CustomResourceDefinition;
  if (spec?.names?.plural === undefined || spec.group === undefined) return [];
  const errors: FieldError[] = [];
  const expected = `${spec.names.plural}.${spec.group}`;
  if (draft.metadata.name !== expected) {
    errors.push(invalid('metadata.name', draft.metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  const versions = spec.versions ?? [];
  if (versions.filter((each) => each.storage).length !== 1) {
    errors.push(
      invalid(
        'spec.versions',
        versions.map((each) => each.name),
        'must have exactly one version marked as storage version',
      ),
    );
  }
  for (const [i, { schema }] of versions.entries()) {
    if (schema?.openAPIV3Schema === undefined) {
      errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`, 'schemas are required'));
    }
  }
  return errors;
}

function immutableNames(draft: ApiObject, previous: ApiObject | undefined): FieldError[] {
  const now = (draft as unknown as CustomResourceDefinition).spec;
  const before = (previous as unknown as CustomResourceDefinition | undefined)?.spec;
  if (before === undefined || now === undefined) return [];
  return (['group', 'scope'] as const)
    .filter((field) => now[field] !== before[field])
    .map((field) => invalid(`spec.${field}`, now[field], 'field is immutable'));
}
