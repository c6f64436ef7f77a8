import { createHash } from 'node:crypto';
import {
  apiVersionOf,
  closure,
  OBJECT_META,
  REF_PREFIX,
  type ApiContext,
  type Definitions,
  type ResourceDefinition,
  type Schema,
} from '../../../core/objectstore/index.ts';

/** Changes when the form of the documents does, so that clients drop what they cached. */
const FORM = 1;

/** `/openapi/v3`: where the document of each group version is. The hash changes with its content. */
export function openapiIndex({ registry }: ApiContext): object {
  const versions = new Map<string, ResourceDefinition[]>();
  for (const definition of registry.all()) {
    const at = rootOf(definition);
    versions.set(at, [...(versions.get(at) ?? []), definition]);
  }
  return {
    paths: Object.fromEntries(
      [...versions].map(([at, definitions]) => [
        at,
        { serverRelativeURL: `/openapi/v3/${at}?hash=${hashOf(definitions)}` },
      ]),
    ),
  };
}

function hashOf(definitions: readonly ResourceDefinition[]): string {
  return createHash('sha256')
    .update(`${FORM} ${JSON.stringify(definitions)}`)
    .digest('hex')
    .slice(0, 32)
    .toUpperCase();
}

/** Where a group version is served: `api/v1`, `apis/apps/v1`. */
export function rootOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

/** Rendered documents by their path, with the registry generation that they are of. */
const rendered = new WeakMap<ApiContext, Map<string, { readonly generation: number; readonly text: Buffer }>>();

/** The OpenAPI v3 document of `api/v1` or `apis/GROUP/VERSION`; undefined when nothing is served there. */
export function openapiDocument(context: ApiContext, path: string): Buffer | undefined {
  const documents = rendered.get(context) ?? new Map<string, { generation: number; text: Buffer }>();
  rendered.set(context, documents);
  const { generation } = context.registry;
  const known = documents.get(path);
  if (known?.generation === generation) return known.text;
  const definitions = context.registry.all().filter((each) => rootOf(each) === path);
  if (definitions.length === 0) return undefined;
  const text = Buffer.from(JSON.stringify(documentOf(context, definitions)));
  documents.set(path, { generation, text });
  return text;
}

function documentOf(context: ApiContext, definitions: readonly ResourceDefinition[]): object {
  const { definitions: known } = context.schemas();
  const schemas: Record<string, Schema> = {};
  const roots = new Set([OBJECT_META]);
  for (const definition of definitions) {
    if (definition.custom !== undefined) {
      schemas[customName(definition)] = customSchema(definition);
      continue;
    }
    const name = schemaName(definition, known);
    if (name !== undefined) roots.add(name);
  }
  for (const name of closure(roots, known)) schemas[name] = known[name]!;
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'unversioned' },
    paths: Object.assign({}, ...definitions.map((each) => pathsOf(each, known))) as object,
    components: { schemas },
  };
}

/** Reverse-domain name of a custom type: `org.projectcalico.crd.v1.IPPool`. */
export function customName({ group, version, kind }: ResourceDefinition): string {
  return `${group.split('.').toReversed().join('.')}.${version}.${kind}`;
}

/** The schema of a custom resource with what all objects have. */
export function customSchema(definition: ResourceDefinition): Schema {
  const { group, version, kind, custom } = definition;
  const own = (custom?.schema ?? { 'x-kubernetes-preserve-unknown-fields': true }) as Schema;
  const text = (description: string): Schema => ({ type: 'string', description });
  return {
    ...own,
    type: 'object',
    properties: {
      ...own.properties,
      apiVersion: text('APIVersion defines the versioned schema of this representation of an object.'),
      kind: text('Kind is a string value representing the REST resource this object represents.'),
      metadata: {
        description:
          "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
        allOf: [{ $ref: `${REF_PREFIX}${OBJECT_META}` }],
      },
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
  };
}

const QUERY_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
  name,
  in: 'query',
  schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
}));

/** The paths that kubectl looks at: which kind a resource is, and whether a write understands dryRun and fieldValidation. */
function pathsOf(definition: ResourceDefinition, known: Definitions): object {
  const { group, version, kind, plural, namespaced, custom } = definition;
  const extension = { 'x-kubernetes-group-version-kind': { group, version, kind } };
  const ref = custom === undefined ? schemaName(definition, known) : customName(definition);
  const content = ref === undefined ? {} : { 'application/json': { schema: { $ref: `${REF_PREFIX}${ref}` } } };
  const responses = { 200: { description: 'OK', content } };
  const operation = (action: string): object => ({
    operationId: `${action}${apiVersionOf(definition).replaceAll(/\W/g, '')}${kind}`,
    responses,
    'x-kubernetes-action': action,
    ...extension,
  });
  const write = (action: string): object => ({
    ...operation(action),
    parameters: QUERY_PARAMETERS,
    requestBody: { content, required: true },
  });
  const base = `/${rootOf(definition)}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
  return {
    [base]: { get: operation('list'), post: write('post'), delete: operation('deletecollection') },
    [`${base}/{name}`]: {
      get: operation('get'),
      put: write('put'),
      patch: write('patch'),
      delete: operation('delete'),
    },
  };
}

/** Full name of a built-in resource's type. */
export function schemaName({ group, version, kind }: ResourceDefinition, known: Definitions): string | undefined {
  return Object.keys(known).find((name) =>
    known[name]!['x-kubernetes-group-version-kind']?.some(
      (each) => each.group === group && each.version === version && each.kind === kind,
    ),
  );
}
