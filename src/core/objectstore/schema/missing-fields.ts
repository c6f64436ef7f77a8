import { required, type FieldError } from '../../kube/field-error.ts';
import { isJsonObject, type ApiObject } from '../api-object.ts';
import { refOf, shortName, type Definitions, type Schema } from './schema.ts';

/**
 * Required fields of the schema that are absent, outside `status`. The published "required" is wider than what the real
 * server insists on (it means "without omitempty"), so the fields that it lets default to zero are excepted.
 */
export function missingFields(object: ApiObject, schema: Schema, definitions: Definitions): FieldError[] {
  const found: FieldError[] = [];
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (key === 'status' || key === 'metadata') continue;
    if (object[key] !== undefined) walk(object[key], property, key, definitions, found);
    else if (schema.required?.includes(key) === true && !excepted(kindName(schema), key)) found.push(required(key));
  }
  return found;
}

function kindName(schema: Schema): string {
  return schema['x-kubernetes-group-version-kind']?.[0]?.kind ?? '';
}

/** `Type.field` that may be absent although the schema calls it required. */
const EXCEPTED = new Set([
  'AggregationRule.clusterRoleSelectors',
  'ClusterRole.rules',
  'ClusterRoleBinding.subjects',
  'ControllerRevision.revision',
  'CustomResourceDefinitionSpec.names',
  'EndpointSlice.endpoints',
  'NetworkPolicySpec.podSelector',
  'PriorityClass.value',
  'Role.rules',
  'RoleBinding.subjects',
  'RoleRef.apiGroup',
  'StatefulSetSpec.serviceName',
  'PodAffinityTerm.topologyKey',
  'Event.involvedObject',
]);

function excepted(owner: string, field: string): boolean {
  return EXCEPTED.has(`${owner}.${field}`) || owner.endsWith('Review');
}

function walk(value: unknown, schema: Schema, path: string, definitions: Definitions, found: FieldError[]): void {
  const reference = refOf(schema);
  const target = reference === undefined ? schema : definitions[reference];
  if (target === undefined) return;
  if (Array.isArray(value)) {
    value.forEach((item, i) => walk(item, target.items ?? {}, `${path}[${i}]`, definitions, found));
    return;
  }
  if (!isJsonObject(value)) return;
  if (target.properties === undefined) {
    const items = target.additionalProperties;
    if (typeof items !== 'object') return;
    for (const [key, item] of Object.entries(value)) walk(item, items, `${path}[${key}]`, definitions, found);
    return;
  }
  const owner = shortName(reference ?? '');
  for (const field of target.required ?? []) {
    if (value[field] === undefined && !excepted(owner, field)) found.push(required(`${path}.${field}`));
  }
  for (const [key, item] of Object.entries(value)) {
    const property = Object.hasOwn(target.properties, key) ? target.properties[key] : undefined;
    if (property !== undefined) walk(item, property, `${path}.${key}`, definitions, found);
  }
}
